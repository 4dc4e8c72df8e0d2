import {
  chmod,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConnectionId } from '../../../shared/connection.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import { openBackups, sealerFrom } from '../../../bridge/clients/backups.ts'
import { type ClientChanges, clientChanges, type RunProgram } from '../../../bridge/clients/changes.ts'
import type { Machine } from '../../../bridge/clients/machine.ts'
import type { Plan } from '../../../bridge/clients/plan.ts'
import {
  planAdd,
  planCleanUp,
  planRemove,
  planTakeOver,
  type Situation,
} from '../../../bridge/clients/planning.ts'
import { readSettings } from '../../../bridge/clients/settings-file.ts'
import { readFilesOf, thisMachine } from '../../../bridge/clients/survey.ts'
import { own, realFiles, targetFor } from './fixtures.ts'
import type { ClientApp } from '../../../bridge/clients/app.ts'

const onUnix = process.platform !== 'win32'
const tracker = ConnectionId.parse('tracker')
const cursor = clientApp('cursor')

let home: string
let machine: Machine

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bridgekeeper-clients-'))
  machine = { ...thisMachine(), home, env: {} }
})

afterEach(async () => rm(home, { recursive: true, force: true }))

function changes(run?: RunProgram): ClientChanges {
  const backups = openBackups({
    folder: join(home, 'bridge', 'backups'),
    sealer: sealerFrom(new Uint8Array(32)),
    clock: { now: () => Date.now(), after: () => () => undefined },
  })
  return clientChanges({ backups, ...(run ? { run } : {}) })
}

async function situation(app: ClientApp, more: Partial<Situation> = {}): Promise<Situation> {
  return { machine, own, files: await readFilesOf(app, machine, more.project), ...more }
}

async function add(app: ClientApp, connection: ConnectionId | undefined = tracker): Promise<Plan> {
  return planAdd(app, [{ connection, target: targetFor(app.speaks, connection) }], await situation(app))
}

async function put(path: string, text: string | Uint8Array): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

const fileOf = (app: ClientApp): string => app.files(machine)[0]?.path ?? ''
const text = (path: string): Promise<string> => readFile(path, 'utf8')

describe.each(clientApps)('on disk, $name', (app) => {
  it('is added to, and undone to the byte', async () => {
    const path = fileOf(app)
    const before = Buffer.from(`\uFEFF${realFiles[app.id].replaceAll('\n', '\r\n')}`)
    await put(path, before)
    const all = changes()
    const plan = await add(app)
    const id = await all.apply(plan)
    expect(await text(path)).toBe(plan.changes[0]?.after?.reveal())
    expect(await all.undo()).toMatchObject({ id, app: app.id, paths: [path] })
    expect(Buffer.compare(await readFile(path), before)).toBe(0)
  })

  it('loses a file that was made for it, and only then', async () => {
    const path = fileOf(app)
    const all = changes()
    await all.apply(await add(app))
    expect(await text(path)).toContain('tracker')
    await all.undo()
    expect(await readSettings(path)).toBeUndefined()
  })
})

describe('applying a plan', () => {
  it('does nothing when nothing is to be done', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const all = changes()
    await all.apply(await add(cursor))
    expect(await all.apply(await add(cursor))).toBeUndefined()
    expect(await all.undoable()).toHaveLength(1)
  })

  it('refuses when the file was changed after the plan was made', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const plan = await add(cursor)
    await writeFile(fileOf(cursor), '{ "mcpServers": {} }')
    await expect(changes().apply(plan)).rejects.toMatchObject({ code: 'clients.file_changed' })
    expect(await text(fileOf(cursor))).toBe('{ "mcpServers": {} }')
    expect(await changes().undoable()).toEqual([])
  })

  it('refuses when a file appeared or vanished in the meantime', async () => {
    const made = await add(cursor)
    await put(fileOf(cursor), '{}')
    await expect(changes().apply(made)).rejects.toMatchObject({ code: 'clients.file_changed' })
    const changed = await add(cursor)
    await rm(fileOf(cursor))
    await expect(changes().apply(changed)).rejects.toMatchObject({ code: 'clients.file_changed' })
    expect(await readSettings(fileOf(cursor))).toBeUndefined()
  })

  it('lets one of two plans through that were made for the same file', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const all = changes()
    const plans = [await add(cursor), await add(cursor, ConnectionId.parse('sentry'))]
    const results = await Promise.allSettled(plans.map((plan) => all.apply(plan)))
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
    expect(await text(fileOf(cursor))).toBe(plans[0]?.changes[0]?.after?.reveal())
  })

  it.runIf(onUnix)('keeps a symbolic link and changes the file that it leads to', async () => {
    const real = join(home, 'dotfiles', 'cursor.json')
    await put(real, realFiles.cursor)
    await chmod(real, 0o640)
    await mkdir(dirname(fileOf(cursor)), { recursive: true })
    await symlink('../dotfiles/cursor.json', fileOf(cursor))
    const all = changes()
    await all.apply(await add(cursor))
    expect(await readlink(fileOf(cursor))).toBe('../dotfiles/cursor.json')
    expect(await text(real)).toContain('"tracker"')
    expect((await stat(real)).mode & 0o777).toBe(0o640)
    await all.undo()
    expect(await text(real)).toBe(realFiles.cursor)
    expect(await readlink(fileOf(cursor))).toBe('../dotfiles/cursor.json')
  })

  it.runIf(onUnix)(
    'follows a link that leads to no file yet, and refuses one that leads in a circle',
    async () => {
      await mkdir(dirname(fileOf(cursor)), { recursive: true })
      await symlink('../dotfiles/cursor.json', fileOf(cursor))
      await changes().apply(await add(cursor))
      expect(await text(join(home, 'dotfiles', 'cursor.json'))).toContain('"tracker"')
      const windsurf = clientApp('windsurf')
      await mkdir(dirname(fileOf(windsurf)), { recursive: true })
      await symlink('mcp_config.json', fileOf(windsurf))
      await expect(add(windsurf)).rejects.toMatchObject({ code: 'clients.file_broken' })
    },
  )

  it.runIf(onUnix)('leaves a file alone that is not to be written', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await chmod(fileOf(cursor), 0o444)
    await expect(changes().apply(await add(cursor))).rejects.toMatchObject({ code: 'clients.file_read_only' })
    expect(await text(fileOf(cursor))).toBe(realFiles.cursor)
    expect(await readdir(dirname(fileOf(cursor)))).toEqual(['mcp.json'])
    expect(await changes().undoable()).toEqual([])
  })

  it.runIf(onUnix)('makes a new file for its owner alone', async () => {
    await changes().apply(await add(cursor))
    expect((await stat(fileOf(cursor))).mode & 0o777).toBe(0o600)
  })

  it.runIf(onUnix)('keeps the mode of a file', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await chmod(fileOf(cursor), 0o664)
    await changes().apply(await add(cursor))
    expect((await stat(fileOf(cursor))).mode & 0o777).toBe(0o664)
  })

  it('never leaves a part of a file to be read, nor a temporary file', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const plan = await add(cursor)
    const valid = [realFiles.cursor, plan.changes[0]?.after?.reveal()]
    const reading = { on: true }
    const reader = (async () => {
      while (reading.on) expect(valid).toContain(await text(fileOf(cursor)))
    })()
    const all = changes()
    for (let round = 0; round < 20; round += 1) {
      await all.apply(await add(cursor))
      await all.undo()
    }
    reading.on = false
    await reader
    expect(await readdir(dirname(fileOf(cursor)))).toEqual(['mcp.json'])
  })

  it('puts back the first file when the second cannot be written', async () => {
    const cline = clientApp('cline')
    const [shared = '', extension = ''] = cline.files(machine).map(({ path }) => path)
    await put(shared, realFiles.cline)
    await put(extension, realFiles.cline)
    const added = await add(cline)
    const after = added.changes[0]?.after?.reveal() ?? ''
    await writeFile(shared, after)
    await writeFile(extension, after)
    const plan = planRemove(cline, 'every', await situation(cline))
    await chmod(extension, 0o444)
    await expect(changes().apply(plan)).rejects.toMatchObject({ code: 'clients.file_read_only' })
    expect(await text(shared)).toBe(after)
    expect(await text(extension)).toBe(after)
    expect(await changes().undoable()).toEqual([])
    await chmod(extension, 0o644)
  })

  it('makes no change when no backup can be made', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await put(join(home, 'bridge', 'backups'), 'a file in the way')
    await expect(changes().apply(await add(cursor))).rejects.toMatchObject({ code: 'clients.write_failed' })
    expect(await text(fileOf(cursor))).toBe(realFiles.cursor)
  })

  it('refuses bytes that are not text, for they would not come back', async () => {
    await put(fileOf(cursor), Buffer.from([0x7b, 0xff, 0xfe, 0x7d]))
    await expect(add(cursor)).rejects.toMatchObject({
      code: 'clients.file_broken',
      detail: 'mcp.json is not UTF-8',
    })
    await rm(fileOf(cursor))
    await mkdir(fileOf(cursor))
    await expect(add(cursor)).rejects.toMatchObject({
      code: 'clients.file_broken',
      detail: 'mcp.json is not a file',
    })
  })
})

describe('undoing', () => {
  it('refuses when the file is not as the change left it', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const all = changes()
    await all.apply(await add(cursor))
    const later = `${await text(fileOf(cursor))}\n`
    await writeFile(fileOf(cursor), later)
    await expect(all.undo()).rejects.toMatchObject({ code: 'clients.undo_overtaken' })
    expect(await text(fileOf(cursor))).toBe(later)
    await rm(fileOf(cursor))
    await expect(all.undo()).rejects.toMatchObject({ code: 'clients.undo_overtaken' })
  })

  it('goes back step by step, latest first', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const all = changes()
    await all.apply(await add(cursor))
    const between = await text(fileOf(cursor))
    await all.apply(await add(cursor, ConnectionId.parse('sentry')))
    await all.undo()
    expect(await text(fileOf(cursor))).toBe(between)
    await all.undo()
    expect(await text(fileOf(cursor))).toBe(realFiles.cursor)
    await expect(all.undo()).rejects.toMatchObject({ code: 'clients.nothing_to_undo' })
  })

  it('undoes what was taken over, tokens and all', async () => {
    const path = fileOf(clientApp('lm-studio'))
    await put(path, realFiles['lm-studio'])
    const app = clientApp('lm-studio')
    const target = targetFor('http', tracker)
    const plan = planTakeOver(app, [{ path, name: 'hf-mcp-server', target }], await situation(app))
    const all = changes()
    await all.apply(plan)
    expect(await text(path)).not.toContain('hf_0123')
    const kept = await readdir(join(home, 'bridge', 'backups'))
    for (const name of kept) {
      expect((await readFile(join(home, 'bridge', 'backups', name))).includes('hf_0123')).toBe(false)
    }
    await all.undo()
    expect(await text(path)).toBe(realFiles['lm-studio'])
  })

  it('helps a removal to bring back the bytes of before', async () => {
    await put(fileOf(cursor), '{ }\n')
    const all = changes()
    await all.apply(await add(cursor))
    const { files } = await situation(cursor)
    const originals = await all.originals(files)
    await all.apply(planRemove(cursor, 'every', { machine, own, files, originals }))
    expect(await text(fileOf(cursor))).toBe('{ }\n')
  })
})

describe('cleaning up after mcp-remote', () => {
  it('deletes the files, keeps no backup of them and cannot be undone', async () => {
    const path = join(home, '.mcp-auth', 'mcp-remote-v1', 'x_tokens.json')
    await put(path, '{"access_token":"PLANTED"}')
    const record = {
      stored: 'x',
      files: [{ path, stored: 'x', kind: 'tokens' as const }],
      issuer: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      clientId: undefined,
      clientSecret: undefined,
    }
    const content = await text(path)
    const all = changes()
    expect(await all.apply(planCleanUp([record], () => content))).toBeUndefined()
    expect(await readSettings(path)).toBeUndefined()
    await expect(all.undo()).rejects.toMatchObject({ code: 'clients.nothing_to_undo' })
  })

  it.runIf(onUnix)('deletes what a link leads to and not only the link', async () => {
    const real = join(home, 'real_tokens.json')
    const path = join(home, 'x_tokens.json')
    await writeFile(real, 'PLANTED')
    await symlink(real, path)
    const record = {
      stored: 'x',
      files: [{ path, stored: 'x', kind: 'tokens' as const }],
      issuer: undefined,
      accessToken: undefined,
      refreshToken: undefined,
      clientId: undefined,
      clientSecret: undefined,
    }
    await changes().apply(planCleanUp([record], () => 'PLANTED'))
    expect(await readSettings(real)).toBeUndefined()
  })
})

describe.runIf(onUnix)("the app's own command", () => {
  const app = clientApp('claude-code')

  /** A program that keeps its file as Claude Code does: one server in, one server out. */
  async function install(script: string): Promise<void> {
    const program = join(home, 'bin', 'claude')
    await put(program, `#!${process.execPath}\n${script}`)
    await chmod(program, 0o755)
    machine = { ...machine, env: { PATH: join(home, 'bin') } }
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

describe('a file with two names', () => {
  it.runIf(onUnix)('is replaced under the name that the app uses', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await link(fileOf(cursor), join(home, 'other-name.json'))
    await changes().apply(await add(cursor))
    expect(await text(fileOf(cursor))).toContain('"tracker"')
    expect(await text(join(home, 'other-name.json'))).toBe(realFiles.cursor)
  })
})
