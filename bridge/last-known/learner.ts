import type { Connection, ConnectionStatus } from '../../shared/connection.ts'
import { BridgeError, toFailure } from '../../shared/errors.ts'
import type { BridgeEvent } from '../../shared/events.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import type { Clock, Log } from '../ports.ts'
import { Inquiry } from './inquiry.ts'
import { listsOf, type Knowledge, type ListName } from './knowledge.ts'
import { Lessons, lists } from './lessons.ts'
import type { Memory } from './memory.ts'

/** What a learner is made of. */
export interface LearnerOptions {
  readonly memory: Memory
  /** Opens a channel of the bridge's own to the server of a connection. */
  readonly open: (connection: string, client: ChannelClient) => Channel
  /** Undefined where there is no such connection. */
  readonly statusOf: (connection: string) => ConnectionStatus | undefined
  readonly clock: Clock
  readonly log: Log
}

/**
 * Asks servers in the background for what the memory lacks: after a sign-in, when a connection is first used in this run and its lists are unknown or
 * older than a day, and when a server says that they changed. Once at a time for each connection; never at start, and never while nobody is signed in.
 */
export interface Learner {
  /** The server of a connection gave an answer to a client. Costs next to nothing. */
  used(connection: string): void
  /** The server of a connection said that a list of its own has changed. */
  changed(connection: string): void
  /** Takes an event of the bridge. */
  noticed(event: BridgeEvent): void
  /** Calls back whenever a connection comes to work: signed in, or allowed more scopes. Returns what ends that. */
  watch(connection: string, connected: () => void): () => void
  /** Ends what is under way. */
  close(): void
}

/** How long it waits for a client's own requests, which teach the same, and how long it then does not ask again, whatever the server says, in milliseconds. */
const quietMs = 2_000
const restMs = 60_000
/** How long all requests about one server may take together, in milliseconds. */
const limitMs = 60_000
const staleMs = 24 * 60 * 60_000

/** How many servers are asked at the same time, however many connections come to work together. */
const mostAtOnce = 4

const mostPages = 100

/** Makes a learner. It does nothing by itself. */
export function createLearner({ memory, open, statusOf, clock, log }: LearnerOptions): Learner {
  const used = new Set<string>()
  const planned = new Map<string, () => void>()
  const running = new Map<string, Inquiry>()
  /** Lists seen before this are to be asked for again. */
  const outdated = new Map<string, number>()
  const restUntil = new Map<string, number>()
  /** How each stood at its last event. */
  const before = new Map<string, Connection>()
  const watchers = new Map<string, Set<() => void>>()
  let isClosed = false

  function plan(connection: string): void {
    if (isClosed || planned.has(connection)) return
    const wait = Math.max(quietMs, (restUntil.get(connection) ?? 0) - clock.now())
    planned.set(
      connection,
      clock.after(wait, () => {
        planned.delete(connection)
        if (running.has(connection) || running.size >= mostAtOnce) plan(connection)
        else if (statusOf(connection) === 'connected') void learn(connection)
        else used.delete(connection)
      }),
    )
  }

  /** The lists that have to be asked for; undefined where the server itself is not known. */
  function missing(connection: string): ListName[] | undefined {
    const known: Knowledge | undefined = memory.of(connection)
    if (!known?.self) return undefined
    const oldest = Math.max(clock.now() - staleMs, outdated.get(connection) ?? 0)
    return listsOf(known.self).filter((name) => (known.lists[name]?.asOf ?? -1) < oldest)
  }

  async function learn(connection: string): Promise<void> {
    if (missing(connection)?.length === 0) return
    const inquiry = new Inquiry((client) => open(connection, client))
    running.set(connection, inquiry)
    const cancelLimit = clock.after(limitMs, () => inquiry.close())
    try {
      await askAll(connection, inquiry)
      outdated.delete(connection)
    } catch (thrown) {
      const { code } = toFailure(thrown)
      log.debug('a server could not be asked what it has', { id: connection, code })
      used.delete(connection)
    } finally {
      restUntil.set(connection, clock.now() + restMs)
      cancelLimit()
      inquiry.close()
      running.delete(connection)
    }
  }

  async function askAll(connection: string, inquiry: Inquiry): Promise<void> {
    const lessons = new Lessons(connection, memory)
    const era = memory.eraOf(connection)
    const isOld = era === 'session' || era === 'sse'
    const discovered = isOld ? undefined : await inquiry.discover()
    const begun = discovered?.isError === false ? discovered : await inquiry.initialize()
    if (begun.isError) throw new BridgeError('server.failed')
    lessons.take(begun.request, begun.answer)
    const wanted = missing(connection) ?? []
    for (const [method, { name }] of lists) {
      if (wanted.includes(name)) await askList(inquiry, lessons, method)
    }
  }

  async function askList(inquiry: Inquiry, lessons: Lessons, method: string): Promise<void> {
    let cursor: string | undefined
    for (let page = 0; page < mostPages; page++) {
      const asked = await inquiry.ask(method, cursor === undefined ? {} : { cursor })
      if (asked.isError) return
      cursor = lessons.take(asked.request, asked.answer)
      if (cursor === undefined) return
    }
  }

  function forget(connection: string): void {
    planned.get(connection)?.()
    planned.delete(connection)
    running.get(connection)?.close()
    for (const kept of [used, outdated, restUntil, before]) kept.delete(connection)
    memory.forget(connection)
  }

  return {
    used(connection) {
      if (used.has(connection)) return
      used.add(connection)
      plan(connection)
    },
    changed(connection) {
      outdated.set(connection, clock.now())
      plan(connection)
    },
    noticed(event) {
      if (event.event === 'connection-removed') return forget(event.id)
      if (event.event !== 'connection-changed') return
      const { connection } = event
      const { id } = connection
      const comesToWork = startsToWork(before.get(id), connection)
      before.set(id, connection)
      if (!comesToWork) return
      outdated.set(id, clock.now())
      restUntil.delete(id)
      plan(id)
      for (const connected of watchers.get(id) ?? []) connected()
    },
    watch(connection, connected) {
      const others = watchers.get(connection) ?? new Set()
      watchers.set(connection, others.add(connected))
      return () => {
        others.delete(connected)
        if (others.size === 0 && watchers.get(connection) === others) watchers.delete(connection)
      }
    },
    close() {
      isClosed = true
      for (const cancel of planned.values()) cancel()
      planned.clear()
      for (const inquiry of running.values()) inquiry.close()
    },
  }
}

/** Whether somebody signed in, as somebody else or with other scopes too. A renewal is none of that. */
function startsToWork(before: Connection | undefined, now: Connection): boolean {
  // A sign-in is always heard of before it ends.
  if (!before || now.status !== 'connected') return false
  if (before.status !== 'connected' && before.status !== 'retrying') return true
  const who = ({ account, issuer, scopes, stepUp }: Connection): string =>
    JSON.stringify([account, issuer, scopes.granted, stepUp !== undefined])
  return who(before) !== who(now)
}
