import {
  chmod,
  link,
  mkdir,
  readdir,
  readFile,
  readlink,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ConnectionId } from '../../../shared/connection.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import { planCleanUp, planRemove, planTakeOver } from '../../../bridge/clients/planning.ts'
import { readSettings } from '../../../bridge/clients/settings-file.ts'
import { type Disk, onUnix, openDisk, put, text, tracker } from './disk.ts'
import { own, targetFor } from './fixtures.ts'
import { realFiles } from './real-files.ts'

const cursor = clientApp('cursor')
let disk: Disk

beforeEach(async () => {
  disk = await openDisk()
})

afterEach(async () => disk.remove())

const fileOf: Disk['fileOf'] = (app) => disk.fileOf(app)
const add: Disk['add'] = (app, connection) => disk.add(app, connection)
const changes: Disk['changes'] = (run) => disk.changes(run)

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

  it('does one thing after the other', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    const all = changes()
    const [applied, undone] = await Promise.all([all.apply(await add(cursor)), all.undo()])
    expect(undone.id).toBe(applied)
    expect(await text(fileOf(cursor))).toBe(realFiles.cursor)
  })

  it.runIf(onUnix)('keeps a symbolic link and changes the file that it leads to', async () => {
    const real = join(disk.home, 'dotfiles', 'cursor.json')
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
      expect(await text(join(disk.home, 'dotfiles', 'cursor.json'))).toContain('"tracker"')
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
    const [shared = '', extension = ''] = cline.files(disk.machine).map(({ path }) => path)
    await put(shared, realFiles.cline)
    await put(extension, realFiles.cline)
    const added = await add(cline)
    const after = added.changes[0]?.after?.reveal() ?? ''
    await writeFile(shared, after)
    await writeFile(extension, after)
    const plan = planRemove(cline, 'every', await disk.situation(cline))
    await chmod(extension, 0o444)
    await expect(changes().apply(plan)).rejects.toMatchObject({ code: 'clients.file_read_only' })
    expect(await text(shared)).toBe(after)
    expect(await text(extension)).toBe(after)
    expect(await changes().undoable()).toEqual([])
    await chmod(extension, 0o644)
  })

  it('makes no change when no backup can be made', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await put(join(disk.home, 'bridge', 'backups'), 'a file in the way')
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
    const plan = planTakeOver(app, [{ path, name: 'hf-mcp-server', target }], await disk.situation(app))
    const all = changes()
    await all.apply(plan)
    expect(await text(path)).not.toContain('hf_0123')
    const kept = await readdir(join(disk.home, 'bridge', 'backups'))
    for (const name of kept) {
      expect((await readFile(join(disk.home, 'bridge', 'backups', name))).includes('hf_0123')).toBe(false)
    }
    await all.undo()
    expect(await text(path)).toBe(realFiles['lm-studio'])
  })

  it('helps a removal to bring back the bytes of before', async () => {
    await put(fileOf(cursor), '{ }\n')
    const all = changes()
    await all.apply(await add(cursor))
    const { files } = await disk.situation(cursor)
    const originals = await all.originals(files)
    await all.apply(planRemove(cursor, 'every', { machine: disk.machine, own, files, originals }))
    expect(await text(fileOf(cursor))).toBe('{ }\n')
  })
})

describe('cleaning up after mcp-remote', () => {
  it('deletes the files, keeps no backup of them and cannot be undone', async () => {
    const path = join(disk.home, '.mcp-auth', 'mcp-remote-v1', 'x_tokens.json')
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
    const real = join(disk.home, 'real_tokens.json')
    const path = join(disk.home, 'x_tokens.json')
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

describe('a file with two names', () => {
  it.runIf(onUnix)('is replaced under the name that the app uses', async () => {
    await put(fileOf(cursor), realFiles.cursor)
    await link(fileOf(cursor), join(disk.home, 'other-name.json'))
    await changes().apply(await add(cursor))
    expect(await text(fileOf(cursor))).toContain('"tracker"')
    expect(await text(join(disk.home, 'other-name.json'))).toBe(realFiles.cursor)
  })
})
