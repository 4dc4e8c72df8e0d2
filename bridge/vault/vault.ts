import type { KeyObject } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BridgeError } from '../../shared/errors.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import type { Clock, KeyStore, KeyStoreKind, Log, SealingKey } from '../ports.ts'
import { removeLeftovers, replaceFile } from './atomic-replace.ts'
import { wordsFor } from './disk.ts'
import { decodeEnvelope, encodeEnvelope, openEnvelope, sealRecord } from './envelope.ts'
import type { PlainRecord, SealedRecord } from './envelope.ts'
import type { Change, RecordKind, Vault } from './record.ts'
import { readVaultFile } from './vault-file.ts'
import { setAside } from './set-aside.ts'
import type { SetAsideReason } from './set-aside.ts'

/** A vault file and what opens it. */
export interface VaultOptions {
  readonly file: string
  readonly keyStore: KeyStore
  readonly log: Log
  /** Names the files that are set aside. Default: the system's time. */
  readonly clock?: Pick<Clock, 'now'>
}

/** An open vault. */
export type OpenVault = Vault & {
  /** Where its key is. */
  readonly keyStore: KeyStoreKind
}

/**
 * Opens the vault, or begins one where there is no file; its folder is made for this user alone. One process may have it open.
 *
 * Rejects with `vault.torn`, `vault.foreign` or `vault.wrong_key` after the file was set aside, unchanged, under the name in the
 * detail: the next opening begins a new one. Every other rejection leaves the file where it is: `vault.unreadable`,
 * `keystore.*` (a wrong passphrase too), `bridge.home_unwritable`, `vault.write_failed`.
 */
export async function openVault(options: VaultOptions): Promise<OpenVault> {
  const { file, keyStore, log } = options
  await prepareFolder(file, log)
  const bytes = await readVaultFile(file, log)
  if (!bytes) return begin(file, await keyStore.create(), [])

  const { sealing, records } = await unsealFile(bytes, options)
  if (keyStore.keeps(sealing.reference)) {
    return new SealedVault(file, sealing, records)
  }
  const resealed = await begin(file, await keyStore.create(), records)
  log.info('the vault was sealed anew', { before: sealing.reference.kind, now: resealed.keyStore })
  return resealed
}

async function begin(file: string, sealing: SealingKey, records: PlainRecord[]): Promise<SealedVault> {
  const vault = new SealedVault(file, sealing, records)
  await vault.save()
  return vault
}

async function prepareFolder(file: string, log: Log): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  } catch (error) {
    throw new BridgeError('bridge.home_unwritable', wordsFor(error))
  }
  try {
    const count = await removeLeftovers(file)
    if (count > 0) log.info('removed what interrupted writes left', { count })
  } catch (error) {
    log.warn('could not remove what interrupted writes left', { reason: wordsFor(error) })
  }
}

async function unsealFile(
  bytes: Uint8Array,
  options: VaultOptions,
): Promise<{ sealing: SealingKey; records: PlainRecord[] }> {
  const decoded = decodeEnvelope(bytes)
  if (decoded.is !== 'envelope') return giveUp(decoded.is, decoded.why, options)
  const reference = decoded.envelope.key
  const key = await options.keyStore.find(reference)
  if (!key) return giveUp('wrong-key', 'its key is not there', options)
  const opened = openEnvelope(key, decoded.envelope)
  switch (opened.is) {
    case 'opened':
      return { sealing: { key, reference }, records: opened.records }
    case 'torn':
      return giveUp('torn', opened.why, options)
    case 'wrong-key':
      if (reference.kind === 'passphrase') throw new BridgeError('keystore.passphrase_wrong')
      return giveUp('wrong-key', 'its key is another one', options)
    default:
      return opened satisfies never
  }
}

const CODES: Record<SetAsideReason, ErrorCode> = {
  torn: 'vault.torn',
  foreign: 'vault.foreign',
  'wrong-key': 'vault.wrong_key',
}

async function giveUp(reason: SetAsideReason, why: string, options: VaultOptions): Promise<never> {
  const { file, log, clock = Date } = options
  let fate: string
  try {
    fate = `it is now ${await setAside(file, reason, clock.now())}`
  } catch (error) {
    fate = `it could not be renamed, ${wordsFor(error)}, and is where it was`
  }
  log.error('the vault cannot be opened', { code: CODES[reason], why, fate })
  throw new BridgeError(CODES[reason], `${why}; ${fate}`)
}

/** A record in memory, with its sealed form, which is kept as long as the record does not change. */
interface Held extends PlainRecord {
  readonly sealed: SealedRecord
}

interface Removal {
  readonly kind: string
  readonly id: string
  readonly text: undefined
}

interface Waiting {
  readonly drafts: readonly (PlainRecord | Removal)[]
  readonly resolve: () => void
  readonly reject: (error: BridgeError) => void
}

class SealedVault implements OpenVault {
  readonly keyStore: KeyStoreKind
  // Private by name of the language, so that printing a vault shows none of it.
  readonly #file: string
  readonly #sealing: SealingKey
  #records: ReadonlyMap<string, Held>
  readonly #waiting: Waiting[] = []
  #draining: Promise<void> | undefined
  #closed = false

  constructor(file: string, sealing: SealingKey, records: PlainRecord[]) {
    this.keyStore = sealing.reference.kind
    this.#file = file
    this.#sealing = sealing
    this.#records = new Map(records.map((record) => [keyOf(record), held(sealing.key, record)]))
  }

  read<T>(kind: RecordKind<T>, id: string): T | undefined {
    const record = this.#records.get(keyOf({ kind: kind.name, id }))
    if (!record) return undefined
    if (record.version > kind.version) {
      throw new BridgeError('vault.record_invalid', `${kind.name}/${id} is of a newer version`)
    }
    // Parsed anew each time, so that no caller can change what the vault holds.
    try {
      return kind.parse(JSON.parse(record.text), record.version)
    } catch {
      // Without the parser's message, which may quote the value.
      throw new BridgeError('vault.record_invalid', `${kind.name}/${id}`)
    }
  }

  ids(kind: RecordKind<unknown>): string[] {
    return [...this.#records.values()].filter((record) => record.kind === kind.name).map(({ id }) => id)
  }

  async write(...changes: Change[]): Promise<void> {
    if (this.#closed) throw new BridgeError('bridge.busy', 'the vault is closed')
    if (changes.length > 0) await this.#enqueue(changes.map(draftOf))
  }

  /** Writes the file as it is in memory. */
  save(): Promise<void> {
    return this.#enqueue([])
  }

  async close(): Promise<void> {
    this.#closed = true
    await this.#draining
  }

  #enqueue(drafts: Waiting['drafts']): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ drafts, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  async #drain(): Promise<void> {
    // First a turn of the event loop's microtasks, so that writes made together share one replacement.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const group = this.#waiting.splice(0)
      try {
        const next = withDrafts(this.#records, group, this.#sealing.key)
        const sealed = Array.from(next.values(), (record) => record.sealed)
        await replaceFile(this.#file, encodeEnvelope(this.#sealing.key, this.#sealing.reference, sealed))
        this.#records = next
        for (const { resolve } of group) resolve()
      } catch (error) {
        const failure = new BridgeError('vault.write_failed', wordsFor(error))
        for (const { reject } of group) reject(failure)
      }
    }
    this.#draining = undefined
  }
}

function withDrafts(
  records: ReadonlyMap<string, Held>,
  group: readonly Waiting[],
  key: KeyObject,
): ReadonlyMap<string, Held> {
  const next = new Map(records)
  for (const draft of group.flatMap(({ drafts }) => drafts)) {
    if (draft.text === undefined) next.delete(keyOf(draft))
    else next.set(keyOf(draft), held(key, draft))
  }
  return next
}

function held(key: KeyObject, record: PlainRecord): Held {
  return { ...record, sealed: sealRecord(key, record) }
}

/** Serialized when `write` is called, so that what the caller changes later does not count. */
function draftOf({ kind, id, value }: Change): PlainRecord | Removal {
  if (value === undefined) return { kind: kind.name, id, text: undefined }
  const text = JSON.stringify(value) as string | undefined
  if (text === undefined) throw new TypeError(`a value of ${kind.name} cannot be stored`)
  return { kind: kind.name, id, version: kind.version, text }
}

function keyOf({ kind, id }: { kind: string; id: string }): string {
  return JSON.stringify([kind, id])
}
