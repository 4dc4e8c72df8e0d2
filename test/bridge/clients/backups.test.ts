import { createSecretKey } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Backup, type Backups, openBackups } from '../../../bridge/clients/backups.ts'
import { sealerFrom } from '../../../bridge/vault/sealer.ts'
import type { Clock } from '../../../bridge/ports.ts'

let folder: string
let now = 1_700_000_000_000
const clock: Clock = { now: () => now, after: () => () => undefined }

const open = (key = new Uint8Array(32).fill(1)): Backups =>
  openBackups({
    folder: join(folder, 'backups'),
    sealer: async () => sealerFrom(createSecretKey(key)),
    clock,
  })

const backup = (before: string): Omit<Backup, 'version' | 'at'> => ({
  kind: 'add',
  app: 'cursor',
  files: [{ path: '/x', before, after: 'hash' }],
  commands: [],
})

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-backups-'))
  now = 1_700_000_000_000
})

afterEach(async () => rm(folder, { recursive: true, force: true }))

describe('a backup', () => {
  it('comes back as it was made, to the byte', async () => {
    const before = '\uFEFF{ "ünï": 1 }\r\n\u0000'
    const id = await open().add(backup(before))
    expect(await open().get(id)).toEqual({ id, version: 1, at: now, ...backup(before) })
  })

  it('holds no plain text on disk', async () => {
    await open().add(backup('PLANTED-TOKEN'))
    const [name = ''] = await readdir(join(folder, 'backups'))
    const path = join(folder, 'backups', name)
    expect((await readFile(path)).includes('PLANTED')).toBe(false)
  })

  it.runIf(process.platform !== 'win32')('belongs to its owner alone', async () => {
    const id = await open().add(backup('x'))
    expect((await stat(join(folder, 'backups', `${id}.client-backup`))).mode & 0o777).toBe(0o600)
    expect((await stat(join(folder, 'backups'))).mode & 0o777).toBe(0o700)
  })

  it('does not open with another key, under another name, or changed', async () => {
    const id = await open().add(backup('x'))
    await expect(open(new Uint8Array(32).fill(2)).get(id)).rejects.toMatchObject({
      code: 'clients.backup_broken',
    })
    const path = join(folder, 'backups', `${id}.client-backup`)
    const content = await readFile(path)
    const other = id.replace(/.$/, (last) => (last === '0' ? '1' : '0'))
    await writeFile(join(folder, 'backups', `${other}.client-backup`), content)
    await expect(open().get(other)).rejects.toMatchObject({ code: 'clients.backup_broken' })
    await writeFile(path, Buffer.concat([content.subarray(0, -1), Buffer.from([(content.at(-1) ?? 0) ^ 1])]))
    await expect(open().get(id)).rejects.toMatchObject({ code: 'clients.backup_broken' })
    await writeFile(path, 'short')
    await expect(open().get(id)).rejects.toMatchObject({ code: 'clients.backup_broken' })
  })

  it('is found by its id alone, never by a path', async () => {
    await writeFile(join(folder, '1-a.client-backup'), 'x')
    expect(await open().get('../1-a')).toBeUndefined()
    expect(await open().get('17-ab')).toBeUndefined()
  })

  it('comes after all before it, whatever the clock says', async () => {
    const first = await open().add(backup('1'))
    now -= 60_000
    const second = await open().add(backup('2'))
    const third = await open().add(backup('3'))
    expect(await open().ids()).toEqual([third, second, first])
  })

  it('is one of the latest fifty', async () => {
    const backups = open()
    for (let count = 0; count < 53; count += 1) await backups.add(backup(String(count)))
    const ids = await backups.ids()
    expect(ids).toHaveLength(50)
    expect((await backups.get(ids.at(-1) ?? ''))?.files[0]?.before).toBe('3')
  })

  it('is kept alone when it is larger than all may be together', async () => {
    const backups = open()
    await backups.add(backup('x'.repeat(40 * 1024 * 1024)))
    const second = await backups.add(backup('x'.repeat(40 * 1024 * 1024)))
    expect(await backups.ids()).toEqual([second])
  })

  it('that cannot be made says so', async () => {
    await writeFile(join(folder, 'backups'), 'a file in the way')
    await expect(open().add(backup('x'))).rejects.toMatchObject({ code: 'clients.write_failed' })
  })
})
