import { createSecretKey, randomBytes, scrypt } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { BridgeError } from '../../shared/errors.ts'
import type { SealingKey } from '../ports.ts'
import { errnoOf, wordsFor } from './disk.ts'
import type { ReferenceTo } from './key-reference.ts'

/** The environment variables that hold a passphrase, or name the file that does. */
export interface PassphraseEnvironment {
  readonly BRIDGEKEEPER_PASSPHRASE?: string | undefined
  readonly BRIDGEKEEPER_PASSPHRASE_FILE?: string | undefined
}

const SALT_BYTES = 32
const KEY_BYTES = 32

/** Whether the environment offers a passphrase, by itself or by the name of a file. */
export function offersPassphrase(env: PassphraseEnvironment): boolean {
  return Boolean(env.BRIDGEKEEPER_PASSPHRASE || env.BRIDGEKEEPER_PASSPHRASE_FILE)
}

/** A key derived from the passphrase with a new salt. Rejects with `keystore.passphrase_missing`. */
export async function createPassphraseKey(env: PassphraseEnvironment): Promise<SealingKey> {
  const reference = {
    kind: 'passphrase',
    kdf: 'scrypt',
    cost: 2 ** 17,
    blockSize: 8,
    parallelization: 1,
    salt: randomBytes(SALT_BYTES).toString('base64'),
  } as const
  return { key: await findPassphraseKey(env, reference), reference }
}

/**
 * The key that the passphrase and a vault's salt make; a wrong passphrase makes a wrong key. Takes about a third of a second
 * and 128 MiB for that time. Rejects with `keystore.passphrase_missing`.
 * @see [RFC 7914 §2](https://www.rfc-editor.org/rfc/rfc7914.html#section-2)
 */
export async function findPassphraseKey(
  env: PassphraseEnvironment,
  reference: ReferenceTo<'passphrase'>,
): Promise<KeyObject> {
  const passphrase = await readPassphrase(env)
  const { cost, blockSize, parallelization } = reference
  const limits = { cost, blockSize, parallelization, maxmem: 2 * 128 * cost * blockSize }
  const salt = Buffer.from(reference.salt, 'base64')
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    scrypt(passphrase, salt, KEY_BYTES, limits, (error, derived) => {
      if (error) reject(error)
      else resolve(derived)
    })
  })
  const key = createSecretKey(bytes)
  bytes.fill(0)
  return key
}

/** The variable itself comes first. A file's last line break does not belong to the passphrase. */
async function readPassphrase(env: PassphraseEnvironment): Promise<string> {
  const passphrase =
    env.BRIDGEKEEPER_PASSPHRASE ||
    (env.BRIDGEKEEPER_PASSPHRASE_FILE && (await readPassphraseFile(env.BRIDGEKEEPER_PASSPHRASE_FILE)))
  if (!passphrase) throw new BridgeError('keystore.passphrase_missing')
  // One passphrase typed on two systems may differ in how accents are composed (RFC 8265 §4.2.2).
  return passphrase.normalize('NFC')
}

async function readPassphraseFile(file: string): Promise<string> {
  try {
    return (await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  } catch (error) {
    const why = errnoOf(error) === 'ENOENT' ? 'there is none' : wordsFor(error)
    throw new BridgeError('keystore.passphrase_missing', `the file cannot be read: ${why}`)
  }
}
