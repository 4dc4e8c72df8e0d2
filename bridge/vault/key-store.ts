import type { KeyObject } from 'node:crypto'
import { BridgeError } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import type { KeyStore, Log, SealingKey } from '../ports.ts'
import { createFileKey, findFileKey } from './key-file.ts'
import type { KeyReference } from './key-reference.ts'
import { createKeychainKey, findKeychainKey } from './keychain.ts'
import { createPassphraseKey, findPassphraseKey, offersPassphrase } from './passphrase.ts'

/** All that decides where the vault's key is. */
export interface KeyStoreOptions {
  readonly setting: Settings['keyStore']
  /** The folder of the bridge's files: it names the item in the keychain. */
  readonly home: string
  readonly keyFile: string
  /** BRIDGEKEEPER_PASSPHRASE, BRIDGEKEEPER_PASSPHRASE_FILE and, for the keychain, where the user's session is. */
  readonly env: NodeJS.ProcessEnv
  /** The path of the built `keychain-child.js`. */
  readonly keychainChild: string
  /** How long the keychain may take, in milliseconds. Default: 20,000. */
  readonly keychainTimeoutMs?: number
  readonly platform?: NodeJS.Platform
  readonly log: Log
}

/**
 * The key store that the settings ask for.
 *
 * An explicit choice is obeyed or fails; a vault that was sealed otherwise is opened its own way and sealed anew. With `auto` an
 * existing vault stays where it is. A new one gets the passphrase when there is one, else the keychain, else, only on a machine
 * that has no keychain, a key file. A keychain that is locked, refuses or does not answer never leads to a key file.
 */
export function chooseKeyStore(options: KeyStoreOptions): KeyStore {
  const { setting, home, keyFile, env, log, platform = process.platform } = options
  const keychain = { child: options.keychainChild, env, timeoutMs: options.keychainTimeoutMs ?? 20_000 }

  const createIn = {
    keychain: () => createKeychainKey(home, keychain),
    passphrase: () => createPassphraseKey(env),
    'key-file': () => createFileKey(keyFile),
    auto: createInBest,
  }

  async function createInBest(): Promise<SealingKey> {
    if (offersPassphrase(env)) return createIn.passphrase()
    // These systems always have a keychain: that it cannot be used is a fault, and no reason to seal less well.
    if (platform === 'darwin' || platform === 'win32') return createIn.keychain()
    try {
      return await createIn.keychain()
    } catch (error) {
      if (!(error instanceof BridgeError) || error.code !== 'keystore.unavailable') throw error
      log.warn('the key of the vault is kept in a file, since this machine has no keychain', {
        reason: error.detail,
      })
      return createIn['key-file']()
    }
  }

  function find(reference: KeyReference): Promise<KeyObject | undefined> {
    switch (reference.kind) {
      case 'keychain':
        return findKeychainKey(reference, keychain)
      case 'passphrase':
        return findPassphraseKey(env, reference)
      case 'key-file':
        return findFileKey(keyFile)
      default:
        return reference satisfies never
    }
  }

  return {
    create: createIn[setting],
    find,
    keeps: ({ kind }) => setting === 'auto' || setting === kind,
  }
}
