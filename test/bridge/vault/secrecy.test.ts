import { randomBytes } from 'node:crypto'
import { chmod, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { toFailure } from '../../../shared/errors.ts'
import type { KeyStoreOptions } from '../../../bridge/vault/key-store.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import { standInChild } from './support/keychains.ts'
import {
  allBytes,
  counters,
  fileKeyStore,
  notes,
  recordingLog,
  rejection,
  temporaryFolder,
} from './support/surroundings.ts'

/** All the ways in which bytes are commonly shown. */
function spellings(secret: Buffer): string[] {
  return [
    secret.toString('latin1'),
    secret.toString('base64').replace(/=+$/, ''),
    secret.toString('base64url'),
    secret.toString('hex'),
    [...secret].join(','),
  ]
}

function expectNone(secrets: Buffer[], text: string): void {
  // Without white space, since a printed buffer has some between its bytes.
  const packed = text.replaceAll(/\s/g, '')
  for (const spelling of secrets.flatMap(spellings)) expect(packed.includes(spelling)).toBe(false)
}

describe('planted secrets', () => {
  const token = Buffer.from('planted-token-0123456789')
  const passphrase = Buffer.from('planted-passphrase-0123456789')
  const key = randomBytes(32)

  it('are in no error, no log, and no file but the key file, whatever goes wrong', async () => {
    const home = await temporaryFolder()
    const file = join(home, 'vault.sealed')
    const keyFile = join(home, 'vault.key')
    const log = recordingLog()
    const keychainChild = await standInChild(
      `process.send({ item: ${JSON.stringify(key.toString('base64'))} + '=' })`,
    )
    const bus = { DBUS_SESSION_BUS_ADDRESS: 'unix:abstract=/nowhere' }
    const env = { ...bus, BRIDGEKEEPER_PASSPHRASE: passphrase.toString() }
    await writeFile(keyFile, key, { mode: 0o600 })

    const open = (setting: KeyStoreOptions['setting'], variables: NodeJS.ProcessEnv = env) =>
      openVault({ file, keyStore: fileKeyStore(home, { setting, env: variables, keychainChild, log }), log })
    const errors: unknown[] = []
    const fails = async (action: Promise<unknown>) => void errors.push(await rejection(action))

    const vault = await open('key-file')
    await vault.write({ kind: notes, id: 'a', value: token.toString() })
    await fails((async () => vault.read({ ...counters, name: 'note' }, 'a'))())
    expectNone([key, token], inspect(vault, { depth: 20, showHidden: true }))
    const good = await readFile(file)

    await fails(open('keychain'))
    await chmod(keyFile, 0o644)
    await fails(open('key-file'))
    await chmod(keyFile, 0o600)
    await writeFile(keyFile, key.subarray(0, 31))
    await fails(open('key-file'))
    await writeFile(keyFile, Buffer.concat([key.subarray(0, 31), Buffer.from([0])]))
    await fails(open('key-file'))
    await writeFile(keyFile, key)

    await writeFile(file, good.subarray(0, -9))
    await fails(open('key-file'))
    await writeFile(file, good)
    await open('passphrase')
    await fails(open('auto', { ...bus, BRIDGEKEEPER_PASSPHRASE: `${passphrase.toString()}x` }))
    await rename(home, `${home}-away`)
    await fails(vault.write({ kind: notes, id: 'b', value: token.toString() }))
    await rename(`${home}-away`, home)

    expect(errors.map((error) => toFailure(error).code)).toEqual([
      'vault.record_invalid',
      'keystore.unavailable',
      'keystore.key_file_invalid',
      'keystore.key_file_invalid',
      'vault.wrong_key',
      'vault.torn',
      'keystore.passphrase_wrong',
      'vault.write_failed',
    ])
    const printed = errors.map(
      (error) => inspect(error, { depth: 20, showHidden: true }) + JSON.stringify(error),
    )
    expectNone([key, token, passphrase], printed.join('\n'))
    expectNone([key, token, passphrase], log.text())
    await rm(keyFile)
    expectNone([key, token, passphrase], (await allBytes(home)).toString('latin1'))
  })
})
