import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deleteSettings, readSettings, replaceSettings } from '../../../bridge/clients/settings-file.ts'
import { type Disk, onUnix, openDisk, put, text } from './disk.ts'

let disk: Disk
let path: string

beforeEach(async () => {
  disk = await openDisk()
  path = join(disk.home, 'app', 'settings.json')
})

afterEach(async () => disk.remove())

const changed = expect.objectContaining({ code: 'clients.file_changed', detail: 'settings.json' })

describe('replacing a settings file', () => {
  it('looks at it again immediately before, and leaves what it finds', async () => {
    await put(path, 'written by the app meanwhile')
    await expect(replaceSettings(path, 'before', 'after')).rejects.toEqual(changed)
    await expect(replaceSettings(path, undefined, 'after')).rejects.toEqual(changed)
    expect(await text(path)).toBe('written by the app meanwhile')
    expect(await readdir(join(disk.home, 'app'))).toEqual(['settings.json'])
  })

  it('makes the folders that are missing, and brings no file back that is gone', async () => {
    await replaceSettings(path, undefined, 'after')
    expect(await text(path)).toBe('after')
    const gone = join(disk.home, 'gone.json')
    await expect(replaceSettings(gone, 'before', 'after')).rejects.toMatchObject({
      code: 'clients.file_changed',
    })
    expect(await readSettings(gone)).toBeUndefined()
  })

  it('keeps a byte order mark and every other byte', async () => {
    const content = '\uFEFF{ "ünï": "🌉\u0000" }\r\n'
    await put(path, content)
    expect(await readSettings(path)).toBe(content)
    await replaceSettings(path, content, `${content} `)
    expect(await text(path)).toBe(`${content} `)
  })

  it('says so when there can be no such file', async () => {
    await put(join(disk.home, 'app'), 'a file in the way')
    await expect(replaceSettings(path, undefined, 'after')).rejects.toMatchObject({
      code: 'clients.write_failed',
    })
  })

  it.runIf(onUnix && process.getuid?.() === 0)('keeps the owner', async () => {
    await put(path, 'before')
    const { chown } = await import('node:fs/promises')
    await chown(path, 12_345, 12_345)
    await replaceSettings(path, 'before', 'after')
    expect(await stat(path)).toMatchObject({ uid: 12_345, gid: 12_345 })
  })
})

describe('deleting a settings file', () => {
  it('is done only while it is as it was', async () => {
    await put(path, 'other')
    await expect(deleteSettings(path, 'before')).rejects.toEqual(changed)
    expect(await text(path)).toBe('other')
    await deleteSettings(path, 'other')
    expect(await readSettings(path)).toBeUndefined()
  })
})
