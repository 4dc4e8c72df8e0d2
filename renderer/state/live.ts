import type { QueryClient } from '@tanstack/react-query'
import { useSyncExternalStore } from 'react'
import type { BridgeClient } from '../bridge/client.ts'
import type { ApprovalDetails } from '../../shared/access.ts'
import type { Connection, ConnectionId } from '../../shared/connection.ts'
import type { BridgeEvent } from '../../shared/events.ts'

/** How things stand between this page and the bridge. */
export type Line = 'connecting' | 'live' | 'lost'

export const connectionsKey = ['connections'] as const
export const traceKey = (id: ConnectionId): readonly string[] => ['trace', id]
export const approvalsKey = ['approvals'] as const

/** How long a lost bridge is left alone until it is asked again, in milliseconds: at first, and at most. */
const firstPauseMs = 250
const longestPauseMs = 5_000

/**
 * Keeps the page as the bridge is: everything is read when the line is there, and events change it in place. Where the line breaks, all is read
 * anew, since events were missed.
 */
export class Live {
  #line: Line = 'connecting'
  readonly #listeners = new Set<() => void>()
  readonly #eventListeners = new Set<(event: BridgeEvent) => void>()
  readonly #stop = new AbortController()
  readonly #bridge: BridgeClient
  readonly #queries: QueryClient

  constructor(bridge: BridgeClient, queries: QueryClient) {
    this.#bridge = bridge
    this.#queries = queries
    void this.#follow()
  }

  get line(): Line {
    return this.#line
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  /** Hears every event as it happens. */
  onEvent(listener: (event: BridgeEvent) => void): () => void {
    this.#eventListeners.add(listener)
    return () => void this.#eventListeners.delete(listener)
  }

  close(): void {
    this.#stop.abort()
  }

  async #follow(): Promise<void> {
    const { signal } = this.#stop
    let pause = firstPauseMs
    while (!signal.aborted) {
      try {
        const events = await this.#bridge.events({}, { signal })
        pause = firstPauseMs
        this.#say('live')
        // Read after the events are heard, so that nothing falls between the two.
        await this.#queries.invalidateQueries()
        for await (const event of events) this.#take(event)
      } catch {
        // Whatever it was, the line is gone.
      }
      if (signal.aborted) return
      this.#say('lost')
      await new Promise((resolve) => setTimeout(resolve, pause))
      pause = Math.min(pause * 2, longestPauseMs)
    }
  }

  #take(event: BridgeEvent): void {
    if (event.event === 'connection-added' || event.event === 'connection-changed') {
      this.#change((all) => withConnection(all, event.connection))
    }
    if (event.event === 'connection-removed') this.#change((all) => all.filter(({ id }) => id !== event.id))
    // No event says what a call is called with, so it is asked for.
    if (event.event === 'approval-asked') void this.#queries.invalidateQueries({ queryKey: approvalsKey })
    if (event.event === 'approval-settled') this.#settle(event.id)
    for (const listener of this.#eventListeners) listener(event)
  }

  #change(change: (all: readonly Connection[]) => readonly Connection[]): void {
    this.#queries.setQueryData<readonly Connection[]>(connectionsKey, (all) => all && change(all))
  }

  /** What is being read meanwhile may still have it, so that is read again. */
  #settle(settled: string): void {
    this.#queries.setQueryData<readonly ApprovalDetails[]>(approvalsKey, (all) =>
      all?.filter(({ id }) => id !== settled),
    )
    if (this.#queries.isFetching({ queryKey: approvalsKey }) > 0) {
      void this.#queries.invalidateQueries({ queryKey: approvalsKey })
    }
  }

  #say(line: Line): void {
    if (this.#line === line) return
    this.#line = line
    for (const listener of this.#listeners) listener()
  }
}

/** In its place, so that no list reorders under the pointer. */
function withConnection(all: readonly Connection[], changed: Connection): readonly Connection[] {
  return all.some(({ id }) => id === changed.id)
    ? all.map((one) => (one.id === changed.id ? changed : one))
    : [...all, changed]
}

/** How the line stands, for what is shown. */
export function useLine(live: Live): Line {
  return useSyncExternalStore(live.subscribe, () => live.line)
}
