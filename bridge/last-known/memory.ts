import { readFileSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock, Log } from '../ports.ts'
import { removeLeftovers, replaceFile } from '../vault/atomic-replace.ts'
import { findKeptKey, keptKey } from '../vault/kept-key.ts'
import type { Vault } from '../vault/record.ts'
import type { EraMemory } from '../translation/era.ts'
import { sealerFrom } from '../vault/sealer.ts'
import {
  boundedSelf,
  digestOf,
  knownList,
  listNames,
  listsOf,
  readKnowledge,
  writeKnowledge,
  type Knowledge,
  type KnownList,
  type ListName,
  type ServerSelf,
} from './knowledge.ts'

/** What a memory is made of. */
export interface MemoryOptions {
  /** Where the files lie; made with the first. */
  readonly folder: string
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Log
  /** Tells a connection from every other one that had its id; undefined where there is none. */
  readonly identityOf: (connection: string) => string | undefined
}

/**
 * What is known of the server of each connection. One sealed file for each, beside the vault and with a key from it: the vault is written whole
 * with every renewed token, which must not wait for megabytes of tools. It outlives a revocation, and goes with the connection.
 */
export interface Memory extends EraMemory {
  /** Read from disk with the first use. What cannot be read is as if it were not there. */
  of(connection: string): Knowledge | undefined
  learnSelf(connection: string, self: ServerSelf): void
  /** Learns a whole list from the JSON of its elements. */
  learnList(connection: string, name: ListName, elements: readonly Buffer[]): void
  /** Calls back when a list is another one than before. Returns what ends that. */
  watch(connection: string, changed: (name: ListName, list: KnownList) => void): () => void
  forget(connection: string): void
  /** Resolves when everything is on disk, or cannot be written. */
  close(): Promise<void>
}

/** How long a change waits for others to be written with it, in milliseconds, and how often what did not change is written for its age alone. */
const writeAfterMs = 2_000
const mostStaleMs = 6 * 60 * 60_000
/** How long the era of a server is relied on, in milliseconds: it may have learned another one since. */
const eraMs = 24 * 60 * 60_000

const keyName = 'last-known-key'

/** Opens the memory. Nothing is read or written yet. */
export function openMemory({ folder, vault, clock, log, identityOf }: MemoryOptions): Memory {
  const all = new Map<string, { readonly of: string; readonly knowledge: Knowledge }>()
  const watchers = new Map<string, Set<(name: ListName, list: KnownList) => void>>()
  const changed = new Set<string>()
  /** When each was written in this run. */
  const written = new Map<string, number>()
  let cancelWrite: (() => void) | undefined
  let working = Promise.resolve()

  const pathOf = (connection: string): string => join(folder, `server-${connection}.sealed`)

  const known = (connection: string): Knowledge | undefined => {
    const of = identityOf(connection)
    if (of === undefined) return undefined
    const held = all.get(connection)
    if (held?.of === of) return held.knowledge
    const knowledge = load(connection, of) ?? { lists: {} }
    all.set(connection, { of, knowledge })
    return knowledge
  }

  function load(connection: string, of: string): Knowledge | undefined {
    let sealed: Buffer
    try {
      sealed = readFileSync(pathOf(connection))
    } catch {
      return undefined
    }
    try {
      const key = findKeptKey(vault, keyName)
      return key && readKnowledge(of, sealerFrom(key).open(sealed, connection))
    } catch {
      // It is learned again.
      log.warn('what was known of a server cannot be read', { id: connection })
      return undefined
    }
  }

  function learn(connection: string, change: (before: Knowledge) => Knowledge, isWorthWriting = true): void {
    const before = known(connection)
    const of = identityOf(connection)
    if (!before || of === undefined) return
    const knowledge = change(before)
    if (knowledge === before) return
    all.set(connection, { of, knowledge })
    if (!isWorthWriting) return
    changed.add(connection)
    cancelWrite ??= clock.after(writeAfterMs, () => void writeChanges())
  }

  function writeChanges(): Promise<void> {
    cancelWrite?.()
    cancelWrite = undefined
    working = working.then(async () => {
      for (const connection of changed) {
        changed.delete(connection)
        const held = all.get(connection)
        if (held && identityOf(connection) === held.of) await write(connection, held.of, held.knowledge)
      }
    })
    return working
  }

  async function write(connection: string, of: string, knowledge: Knowledge): Promise<void> {
    try {
      const { seal } = sealerFrom(await keptKey(vault, keyName))
      await mkdir(folder, { recursive: true, mode: 0o700 })
      if (!written.has(connection)) await removeLeftovers(pathOf(connection))
      await replaceFile(pathOf(connection), seal(writeKnowledge(of, knowledge), connection))
      written.set(connection, clock.now())
    } catch {
      log.warn('what is known of a server could not be written', { id: connection })
    }
  }

  return {
    of(connection) {
      const knowledge = known(connection)
      const isEmpty =
        knowledge?.era === undefined && !knowledge?.self && Object.keys(knowledge?.lists ?? {}).length === 0
      return isEmpty ? undefined : knowledge
    },
    eraOf(connection) {
      const era = known(connection)?.era
      return era && clock.now() - era.asOf < eraMs ? era.is : undefined
    },
    learn(connection, is) {
      const asOf = clock.now()
      const earlier = known(connection)?.era
      const isWorthWriting = earlier?.is !== is || asOf - earlier.asOf > mostStaleMs
      if (isWorthWriting) learn(connection, (before) => ({ ...before, era: { is, asOf } }))
    },
    learnSelf(connection, said) {
      const self = boundedSelf(said)
      if (!self) return
      const has = listsOf(self)
      learn(connection, (before) => {
        const gone = listNames.filter((name) => before.lists[name] && !has.includes(name))
        if (gone.length === 0 && JSON.stringify(before.self) === JSON.stringify(self)) return before
        const lists = Object.entries(before.lists).filter(([name]) => has.includes(name as ListName))
        return { ...before, self, lists: Object.fromEntries(lists) }
      })
    },
    learnList(connection, name, elements) {
      const earlier = known(connection)?.lists[name]
      const isNew = earlier?.digest !== digestOf(elements)
      const asOf = clock.now()
      const list = earlier && !isNew ? { ...earlier, asOf } : knownList(name, elements, asOf)
      learn(
        connection,
        (before) => ({ ...before, lists: { ...before.lists, [name]: list } }),
        isNew || asOf - (written.get(connection) ?? 0) > mostStaleMs,
      )
      if (isNew) for (const tell of watchers.get(connection) ?? []) tell(name, list)
    },
    watch(connection, tell) {
      const others = watchers.get(connection) ?? new Set()
      watchers.set(connection, others.add(tell))
      return () => {
        others.delete(tell)
        if (others.size === 0 && watchers.get(connection) === others) watchers.delete(connection)
      }
    },
    forget(connection) {
      all.delete(connection)
      changed.delete(connection)
      working = working
        .then(() => rm(pathOf(connection), { force: true }))
        .catch(() => log.warn('what was known of a server could not be removed', { id: connection }))
    },
    async close() {
      await writeChanges()
    },
  }
}
