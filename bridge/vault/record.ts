/** A kind of record in the vault. `version` is what `write` stores; `read` receives what was stored, of any version so far. */
export interface RecordKind<T> {
  /** Part of the record's id, such as `connection`. */
  readonly name: string
  readonly version: number
  /** Turns a stored value of `version` or older into a `T`; throws when it cannot. */
  parse(value: unknown, version: number): T
}

/** One change of a batch: `value` undefined deletes. The id stands in the file in plain text, so it must not be a secret. */
export interface Change<T = unknown> {
  readonly kind: RecordKind<T>
  readonly id: string
  readonly value: T | undefined
}

/** Sealed storage. Reads come from memory; a write is on disk, durably, when its promise resolves. */
export interface Vault {
  /** Undefined when there is none. Throws `vault.record_invalid` when this version cannot read it. */
  read<T>(kind: RecordKind<T>, id: string): T | undefined
  ids(kind: RecordKind<unknown>): string[]
  /** All of the batch or nothing. Concurrent writes are put into one replacement. Rejects with `vault.write_failed`; memory then still holds the old values. */
  write(...changes: Change[]): Promise<void>
  /** Resolves when every write is settled; a later one rejects with `bridge.busy`. */
  close(): Promise<void>
}
