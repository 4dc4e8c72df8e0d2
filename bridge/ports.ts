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

/** Gives the vault its 32-byte key. */
export interface KeyStore {
  readonly kind: KeyStoreKind
  /**
   * The key of the vault. Without `create`, a store that has none resolves with undefined.
   * Rejects with a `keystore.*` error; never waits longer than its time limit.
   */
  key(options: { create: boolean }): Promise<Uint8Array | undefined>
}
