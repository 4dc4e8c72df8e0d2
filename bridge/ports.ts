import type { KeyObject } from 'node:crypto'
import type { KeyReference } from './vault/key-reference.ts'

/** What the outside provides to the bridge, so that tests can stand in for the machine and never for our own code. */

/** Time. `now` is milliseconds since the epoch; `after` runs once and returns its cancel. */
export interface Clock {
  now(): number
  after(ms: number, run: () => void): () => void
}

/** Opens a URL in the person's browser, without a shell. Rejects with `browser.failed`. */
export interface Browser {
  open(url: URL): Promise<void>
}

/** Where the bridge writes what it does. Fields never hold secrets; `Secret` prints as redacted if one slips in. */
export interface Log {
  debug(message: string, fields?: Record<string, unknown>): void
  info(message: string, fields?: Record<string, unknown>): void
  warn(message: string, fields?: Record<string, unknown>): void
  error(message: string, fields?: Record<string, unknown>): void
}

/** Which key store sealed the vault, as every face reports it. */
export type KeyStoreKind = 'keychain' | 'passphrase' | 'key-file'

/** A key and the words by which its store finds it again. */
export interface SealingKey {
  /** 32 bytes, as a KeyObject since that does not show its bytes when it is printed or serialized. */
  readonly key: KeyObject
  readonly reference: KeyReference
}

/** Gives the vault its key. Every rejection is a `keystore.*` error; none waits longer than the time limit of its store. */
export interface KeyStore {
  /**
   * A key for a new vault. A key that the store holds already is given again and never replaced: a vault that was set
   * aside may need it.
   */
  create(): Promise<SealingKey>
  /** The key that a vault's header refers to; undefined when its store has none. Never makes one. */
  find(reference: KeyReference): Promise<KeyObject | undefined>
  /** Whether a vault with this header stays as it is. Otherwise it is sealed anew with a key of `create`. */
  keeps(reference: KeyReference): boolean
}
