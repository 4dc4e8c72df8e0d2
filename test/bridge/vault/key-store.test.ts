import { randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  mkdir,
  readFile,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { KeyReference } from '../../../bridge/vault/key-reference.ts'
import type { KeyStoreOptions } from '../../../bridge/vault/key-store.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import type { OpenVault } from '../../../bridge/vault/vault.ts'
import { listSetAside } from '../../../bridge/vault/set-aside.ts'
import { fileKeyStore, notes, recordingLog, rejection, temporaryFolder } from './support/surroundings.ts'

const keyFileReference: KeyReference = { kind: 'key-file' }
/** No bus: a machine without a keychain. */
const bare = { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nonexistent' }

interface Home {
  readonly home: string
  readonly file: string
  readonly keyFile: string
  readonly open: (setting: KeyStoreOptions['setting'], env?: NodeJS.ProcessEnv) => Promise<OpenVault>
}

async function newHome(): Promise<Home> {
  const home = await temporaryFolder()
  const file = join(home, 'vault.sealed')
  const open: Home['open'] = (setting, env = {}) =>
    openVault({
      file,
      keyStore: fileKeyStore(home, { setting, env: { ...bare, ...env }, platform: 'linux' }),
      log: recordingLog(),
    })
  return { home, file, keyFile: join(home, 'vault.key'), open }
}

async function withNote(vault: OpenVault): Promise<OpenVault> {
  await vault.write({ kind: notes, id: 'a', value: 'kept' })
  return vault
}

describe('a key file', () => {
  it('is made of 32 bytes that only this user can read', async () => {
    const { home, keyFile } = await newHome()
    const { key } = await fileKeyStore(home).create()
    expect((await stat(keyFile)).mode & 0o777).toBe(0o600)
    expect(await readFile(keyFile)).toEqual(key.export())
    expect(await readFile(keyFile)).toHaveLength(32)
    expect(await readdir(home)).toEqual(['vault.key'])
  })

  it('is never replaced: a second vault gets the same key', async () => {
    const { home } = await newHome()
    const store = fileKeyStore(home)
    const { key } = await store.create()
    expect(key.equals((await store.create()).key)).toBe(true)
  })

  it('is never made for a vault that exists', async () => {
    const { home } = await newHome()
    expect(await fileKeyStore(home).find(keyFileReference)).toBeUndefined()
    expect(await readdir(home)).toEqual([])
  })

  const unfit: [string, (file: string) => Promise<unknown>][] = [
    ['the group can read it', (file) => chmod(file, 0o640)],
    ['everybody can write it', (file) => chmod(file, 0o602)],
    ['it is too short', (file) => writeFile(file, randomBytes(31))],
    ['it is too long', (file) => writeFile(file, randomBytes(33))],
    ['it is empty', (file) => writeFile(file, '')],
    ['it is a link', (file) => rename(file, `${file}.real`).then(() => symlink(`${file}.real`, file))],
    ['it is a folder', (file) => rm(file).then(() => mkdir(file))],
  ]
  it.skipIf(process.platform === 'win32').each(unfit)('is refused when %s', async (_, spoil) => {
    const { home, file, keyFile, open } = await newHome()
    await withNote(await open('key-file'))
    await spoil(keyFile)
    const before = await readdir(home)
    expect(await rejection(open('key-file'))).toMatchObject({ code: 'keystore.key_file_invalid' })
    expect(await readdir(home)).toEqual(before)
    expect(await listSetAside(file)).toEqual([])
    await rm(file)
    expect(await rejection(open('key-file'))).toMatchObject({ code: 'keystore.key_file_invalid' })
  })

  const isRoot = process.getuid?.() === 0
  it.skipIf(!isRoot)(
    `is refused when it belongs to another user${isRoot ? '' : ' (skipped: only root can make such a file)'}`,
    async () => {
      const { keyFile, open } = await newHome()
      await withNote(await open('key-file'))
      await chown(keyFile, 65_534, 65_534)
      expect(await rejection(open('key-file'))).toMatchObject({
        code: 'keystore.key_file_invalid',
        detail: 'it belongs to another user',
      })
    },
  )
})

describe('a passphrase', () => {
  const right = { BRIDGEKEEPER_PASSPHRASE: 'correct horse' }

  it('opens what it sealed', async () => {
    const { open, home } = await newHome()
    const vault = await withNote(await open('passphrase', right))
    expect(vault.keyStore).toBe('passphrase')
    expect((await open('passphrase', right)).read(notes, 'a')).toBe('kept')
    expect(await readdir(home)).toEqual(['vault.sealed'])
  })

  it('that is wrong moves nothing, and the right one still opens the vault', async () => {
    const { home, file, open } = await newHome()
    await withNote(await open('passphrase', right))
    const before = await readFile(file)
    for (const setting of ['passphrase', 'auto', 'key-file'] as const) {
      const wrong = { BRIDGEKEEPER_PASSPHRASE: 'battery staple' }
      expect(await rejection(open(setting, wrong))).toMatchObject({ code: 'keystore.passphrase_wrong' })
    }
    expect(await readFile(file)).toEqual(before)
    expect(await readdir(home)).toEqual(['vault.sealed'])
    expect((await open('passphrase', right)).read(notes, 'a')).toBe('kept')
  })

  it.each([
    ['is not there', {}],
    ['is empty', { BRIDGEKEEPER_PASSPHRASE: '' }],
    ['is in a file that is not there', { BRIDGEKEEPER_PASSPHRASE_FILE: '/nonexistent/passphrase' }],
  ])('that %s is asked for, before and after the vault was made', async (_, env) => {
    const { home, open } = await newHome()
    expect(await rejection(open('passphrase', env))).toMatchObject({ code: 'keystore.passphrase_missing' })
    await withNote(await open('passphrase', right))
    expect(await rejection(open('passphrase', env))).toMatchObject({ code: 'keystore.passphrase_missing' })
    expect(await readdir(home)).toEqual(['vault.sealed'])
  })

  it('may come from a file, whose last line break does not count', async () => {
    const { home, open } = await newHome()
    await withNote(await open('passphrase', right))
    const passphraseFile = join(home, 'passphrase')
    for (const content of ['correct horse', 'correct horse\n', 'correct horse\r\n']) {
      await writeFile(passphraseFile, content)
      const vault = await open('passphrase', { BRIDGEKEEPER_PASSPHRASE_FILE: passphraseFile })
      expect(vault.read(notes, 'a')).toBe('kept')
    }
    await writeFile(passphraseFile, 'correct horse\n\n')
    const opened = open('passphrase', { BRIDGEKEEPER_PASSPHRASE_FILE: passphraseFile })
    expect(await rejection(opened)).toMatchObject({ code: 'keystore.passphrase_wrong' })
  })

  it('in an empty file is missing', async () => {
    const { home, open } = await newHome()
    const passphraseFile = join(home, 'passphrase')
    await writeFile(passphraseFile, '\n')
    const opened = open('passphrase', { BRIDGEKEEPER_PASSPHRASE_FILE: passphraseFile })
    expect(await rejection(opened)).toMatchObject({ code: 'keystore.passphrase_missing' })
  })

  it('is the same however its accents are composed', async () => {
    const { open } = await newHome()
    await withNote(await open('passphrase', { BRIDGEKEEPER_PASSPHRASE: 'caf\u00e9' }))
    const vault = await open('passphrase', { BRIDGEKEEPER_PASSPHRASE: 'cafe\u0301' })
    expect(vault.read(notes, 'a')).toBe('kept')
  })

  it('makes another key for every vault', async () => {
    const { home } = await newHome()
    const store = fileKeyStore(home, { setting: 'passphrase', env: right })
    const [one, two] = await Promise.all([store.create(), store.create()])
    expect(one.key.equals(two.key)).toBe(false)
  })
})

describe('the choice of the key store', () => {
  it('falls to a key file where there is no keychain at all, and tells the log', async () => {
    const { home } = await newHome()
    const log = recordingLog()
    const keyStore = fileKeyStore(home, { setting: 'auto', platform: 'linux', log })
    const vault = await openVault({ file: join(home, 'vault.sealed'), keyStore, log })
    expect(vault.keyStore).toBe('key-file')
    expect(log.text()).toContain('kept in a file')
  })

  it('takes a passphrase that is offered, for a new vault', async () => {
    const { open } = await newHome()
    const vault = await open('auto', { BRIDGEKEEPER_PASSPHRASE: 'correct horse' })
    expect(vault.keyStore).toBe('passphrase')
  })

  it('leaves an existing vault in its key store', async () => {
    const { open } = await newHome()
    await withNote(await open('key-file'))
    const vault = await open('auto', { BRIDGEKEEPER_PASSPHRASE: 'correct horse' })
    expect(vault.keyStore).toBe('key-file')
    expect(vault.read(notes, 'a')).toBe('kept')
  })

  it.each(['darwin', 'win32'] as const)(
    'never falls to a key file on %s, where a keychain always is',
    async (platform) => {
      const { home } = await newHome()
      const keyStore = fileKeyStore(home, { setting: 'auto', platform })
      const error = await rejection(keyStore.create())
      expect(error).toMatchObject({ code: expect.stringMatching(/^keystore\.(unavailable|locked)$/) })
      expect(await readdir(home)).toEqual([])
    },
  )

  it('obeys an explicit keychain, or fails', async () => {
    const { home, open } = await newHome()
    expect(await rejection(open('keychain', { BRIDGEKEEPER_PASSPHRASE: 'correct horse' }))).toMatchObject({
      code: 'keystore.unavailable',
      detail: 'there is no D-Bus session',
    })
    expect(await readdir(home)).toEqual([])
  })

  it('never leaves the keychain of an existing vault because it cannot be asked', async () => {
    const { home, file, open } = await newHome()
    const vault = await withNote(await open('key-file'))
    await vault.close()
    const account = 'vault-key-0123456789abcdef'
    const reference = { kind: 'keychain', account } as const
    // The same vault, its header saying that the key is in the keychain.
    const store = fileKeyStore(home)
    const { key } = await store.create()
    const keychained = { create: async () => ({ key, reference }), find: async () => key, keeps: () => false }
    await openVault({ file, keyStore: keychained, log: recordingLog() })
    const before = await readFile(file)
    for (const setting of ['auto', 'keychain', 'key-file', 'passphrase'] as const) {
      const opened = open(setting, { BRIDGEKEEPER_PASSPHRASE: 'correct horse' })
      expect(await rejection(opened)).toMatchObject({ code: 'keystore.unavailable' })
    }
    expect(await readFile(file)).toEqual(before)
    expect(await listSetAside(file)).toEqual([])
  })
})

describe('another choice of the key store for an existing vault', () => {
  const env = { BRIDGEKEEPER_PASSPHRASE: 'correct horse' }

  it('seals the vault anew, and its old key opens it no more', async () => {
    const { home, file, open } = await newHome()
    await withNote(await open('key-file'))
    const moved = await open('passphrase', env)
    expect([moved.keyStore, moved.read(notes, 'a')]).toEqual(['passphrase', 'kept'])
    await rm(join(home, 'vault.key'))
    const again = await open('auto', env)
    expect([again.keyStore, again.read(notes, 'a')]).toEqual(['passphrase', 'kept'])
    expect(await listSetAside(file)).toEqual([])

    const back = await open('key-file', env)
    expect([back.keyStore, back.read(notes, 'a')]).toEqual(['key-file', 'kept'])
    expect((await open('key-file')).read(notes, 'a')).toBe('kept')
  })

  it('leaves the vault as it was when the new key cannot be had', async () => {
    const { file, open } = await newHome()
    await withNote(await open('key-file'))
    const before = await readFile(file)
    expect(await rejection(open('passphrase'))).toMatchObject({ code: 'keystore.passphrase_missing' })
    expect(await rejection(open('keychain'))).toMatchObject({ code: 'keystore.unavailable' })
    expect(await readFile(file)).toEqual(before)
    expect((await open('key-file')).read(notes, 'a')).toBe('kept')
  })

  it('does nothing to the vault when the old key cannot be had', async () => {
    const { file, open } = await newHome()
    await withNote(await open('passphrase', env))
    const before = await readFile(file)
    expect(await rejection(open('key-file'))).toMatchObject({ code: 'keystore.passphrase_missing' })
    expect(await readFile(file)).toEqual(before)
  })
})
