import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { clientApp } from '../../../bridge/clients/apps.ts'
import { type Disk, onUnix, openDisk, put, text } from './disk.ts'
import { realFiles } from './real-files.ts'

let disk: Disk

beforeEach(async () => {
  disk = await openDisk()
})

afterEach(async () => disk.remove())

const fileOf: Disk['fileOf'] = (app) => disk.fileOf(app)
const add: Disk['add'] = (app, connection) => disk.add(app, connection)
const changes: Disk['changes'] = (run) => disk.changes(run)

describe.runIf(onUnix)("the app's own command", () => {
  const app = clientApp('claude-code')

  /** A program that keeps its file as Claude Code does: one server in, one server out. */
  async function install(script: string): Promise<void> {
    const program = join(disk.home, 'bin', 'claude')
    await put(program, `#!${process.execPath}\n${script}`)
    await chmod(program, 0o755)
    disk.env['PATH'] = join(disk.home, 'bin')
  }

  const honest = (): string => `
    const { readFileSync, writeFileSync } = require('node:fs')
    const path = ${JSON.stringify(fileOf(app))}
    const settings = JSON.parse(readFileSync(path, 'utf8'))
    const args = process.argv.slice(2)
    const name = args[1] === 'add' ? args.at(-2) : args.at(-1)
    if (args[1] === 'add') settings.mcpServers[name] = { type: 'http', url: args.at(-1) }
    else delete settings.mcpServers[name]
    settings.numStartups += 1
    writeFileSync(path, JSON.stringify(settings))
  `

  it('makes the change and takes it back, whatever else the app writes meanwhile', async () => {
    await put(fileOf(app), realFiles['claude-code'])
    await install(honest())
    const all = changes()
    const id = await all.apply(await add(app))
    expect(JSON.parse(await text(fileOf(app)))).toMatchObject({
      numStartups: 413,
      mcpServers: { tracker: { type: 'http' }, github: {} },
    })
    expect(await all.undoable()).toMatchObject([{ id, paths: [fileOf(app)] }])
    await all.undo()
    const after = JSON.parse(await text(fileOf(app)))
    expect(after.numStartups).toBe(414)
    expect(Object.keys(after.mcpServers)).toEqual(['github'])
  })

  it('runs where the settings are that were planned for', async () => {
    await put(fileOf(app), realFiles['claude-code'])
    const seen = join(disk.home, 'seen.json')
    await install(`
      const { HOME, CLAUDE_CONFIG_DIR, PATH } = process.env
      require('node:fs').writeFileSync(${JSON.stringify(seen)}, JSON.stringify({ HOME, CLAUDE_CONFIG_DIR, PATH }))
      ${honest()}
    `)
    await changes().apply(await add(app), { HOME: disk.home, CLAUDE_CONFIG_DIR: '/elsewhere' })
    expect(JSON.parse(await text(seen))).toEqual({
      HOME: disk.home,
      CLAUDE_CONFIG_DIR: '/elsewhere',
      PATH: process.env['PATH'],
    })
  })

  it('replaces an entry of before and can bring it back', async () => {
    await put(fileOf(app), realFiles['claude-code'])
    await install(honest())
    const all = changes()
    const old = (await add(app)).commands
    await all.apply(await add(app))
    const now = await text(fileOf(app))
    await writeFile(fileOf(app), now.replaceAll(/(?<=47330\/)[^/]+/g, 'another-key-of-before'))
    const plan = await add(app)
    expect(plan.commands).toHaveLength(2)
    await all.apply(plan)
    expect(await text(fileOf(app))).toContain(old[0]?.args.at(-1))
    await all.undo()
    expect(await text(fileOf(app))).toContain('another-key-of-before')
  })

  it.each([
    ['fails', 'process.exit(1)'],
    ['says that it did and did not', ''],
  ])('that %s is an error, and there is nothing to undo', async (_, script) => {
    await put(fileOf(app), realFiles['claude-code'])
    await install(script)
    const all = changes()
    await expect(all.apply(await add(app))).rejects.toMatchObject({
      code: 'clients.command_failed',
      detail: 'claude mcp add',
    })
    expect(await all.undoable()).toEqual([])
    expect(await text(fileOf(app))).toBe(realFiles['claude-code'])
  })
})
