import { createSecretKey, randomBytes } from 'node:crypto'
import { chmod, mkdir, readFile, readdir, rename, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { encodeEnvelope } from '../../../bridge/vault/envelope.ts'
import { listSetAside } from '../../../bridge/vault/set-aside.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import type { VaultOptions } from '../../../bridge/vault/vault.ts'
import { fileKeyStore, notes, recordingLog, rejection, temporaryFolder } from './support/surroundings.ts'

const at = Date.UTC(2026, 0, 2, 3, 4, 5)
const clock = { now: () => at }

/** A home with a vault that holds one note. */
async function filled(): Promise<{ home: string; file: string; options: VaultOptions; bytes: Buffer }> {
  const home = await temporaryFolder()
  const file = join(home, 'vault.sealed')
  const options = { file, keyStore: fileKeyStore(home), log: recordingLog(), clock }
  const vault = await openVault(options)
  await vault.write({ kind: notes, id: 'a', value: 'kept' })
  return { home, file, options, bytes: await readFile(file) }
}

const damages: [string, string, (bytes: Buffer) => Buffer][] = [
  ['vault.torn', 'is empty', () => Buffer.alloc(0)],
  ['vault.torn', 'is all zeros after a power cut', (bytes) => Buffer.alloc(bytes.length)],
  ['vault.torn', 'is cut off', (bytes) => bytes.subarray(0, -50)],
  [
    'vault.torn',
    'has a wrong byte',
    (bytes) => Buffer.from(bytes.toString().replace('"id":"a"', '"id":"b"')),
  ],
  ['vault.foreign', 'is JSON of something else', () => Buffer.from('{"accounts":[]}')],
  [
    'vault.foreign',
    'is of a newer version',
    (bytes) => Buffer.from(bytes.toString().replace('"version":1', '"version":2')),
  ],
  [
    'vault.wrong_key',
    'was sealed with another key',
    () => encodeEnvelope(createSecretKey(randomBytes(32)), { kind: 'key-file' }, []),
  ],
]

describe('a vault file that cannot be opened', () => {
  it.each(damages)(
    'is set aside as %s when it %s; the next start begins a new one',
    async (code, _, damage) => {
      const { home, file, options, bytes } = await filled()
      const damaged = damage(bytes)
      await writeFile(file, damaged)

      const reason = code.slice('vault.'.length).replace('_', '-')
      const name = `vault.sealed.${reason}-20260102T030405Z`
      const error = await rejection(openVault(options))
      expect(error).toMatchObject({ code, detail: expect.stringContaining(name) })
      expect(new Set(await readdir(home))).toEqual(new Set(['vault.key', name]))
      expect(await readFile(join(home, name))).toEqual(damaged)

      const vault = await openVault(options)
      expect(vault.ids(notes)).toEqual([])
      expect(await listSetAside(file)).toEqual([{ name, reason, at }])
    },
  )

  it('never takes the place of one that was set aside in the same second', async () => {
    const { file, options } = await filled()
    for (const content of ['first', 'second', 'third']) {
      await writeFile(file, content)
      expect(await rejection(openVault(options))).toMatchObject({ code: 'vault.torn' })
    }
    const names = (await listSetAside(file)).map(({ name }) => name)
    expect(names).toHaveLength(3)
    const contents = await Promise.all(names.map((name) => readFile(join(file, '..', name), 'utf8')))
    expect(contents).toEqual(['first', 'second', 'third'])
  })

  it('opens again when it is put back with its key', async () => {
    const { home, file, options } = await filled()
    await rename(join(home, 'vault.key'), join(home, 'elsewhere'))
    expect(await rejection(openVault(options))).toMatchObject({ code: 'vault.wrong_key' })
    await expect(stat(join(home, 'vault.key'))).rejects.toMatchObject({ code: 'ENOENT' })
    const [aside] = await listSetAside(file)
    await rename(join(home, aside?.name ?? ''), file)
    await rename(join(home, 'elsewhere'), join(home, 'vault.key'))
    expect((await openVault(options)).read(notes, 'a')).toBe('kept')
  })

  it('keeps its key: the vault that comes after it gets the same one', async () => {
    const { home, file, options, bytes } = await filled()
    const key = await readFile(join(home, 'vault.key'))
    await writeFile(file, 'torn')
    await rejection(openVault(options))
    await openVault(options)
    expect(await readFile(join(home, 'vault.key'))).toEqual(key)
    await writeFile(file, bytes)
    expect((await openVault(options)).read(notes, 'a')).toBe('kept')
  })
})

describe('a vault file that cannot be read', () => {
  it.each([
    ['a folder', (file: string) => mkdir(file)],
    ['a link to a file', (file: string) => symlink('elsewhere', file)],
    ['a link to nothing', (file: string) => symlink('nowhere', file)],
  ])('because it is %s is left where it is', async (_, put) => {
    const { home, file, options, bytes } = await filled()
    await rm(file)
    await writeFile(join(home, 'elsewhere'), bytes)
    await put(file)
    const before = await readdir(home)
    expect(await rejection(openVault(options))).toMatchObject({ code: 'vault.unreadable' })
    expect(await readdir(home)).toEqual(before)
    expect(await readFile(join(home, 'elsewhere'))).toEqual(bytes)
  })

  it('because its folder is a file ends in an error of its own', async () => {
    const home = await temporaryFolder()
    await writeFile(join(home, 'not-a-folder'), '')
    const file = join(home, 'not-a-folder', 'vault.sealed')
    const opened = openVault({ file, keyStore: fileKeyStore(home), log: recordingLog() })
    expect(await rejection(opened)).toMatchObject({ code: 'bridge.home_unwritable' })
  })
})

describe('the opening of a vault', () => {
  it('takes away the right of others to read it', async () => {
    const { file, options } = await filled()
    await chmod(file, 0o644)
    await openVault(options)
    expect((await stat(file)).mode & 0o777).toBe(0o600)
  })

  it('removes the temporary files of a crash', async () => {
    const { home, file, options } = await filled()
    await writeFile(`${file}.tmp-0123456789abcdef`, 'half')
    expect((await openVault(options)).read(notes, 'a')).toBe('kept')
    expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
  })

  it('finds nothing set aside where there is no folder yet', async () => {
    expect(await listSetAside(join(await temporaryFolder(), 'none', 'vault.sealed'))).toEqual([])
  })
})
