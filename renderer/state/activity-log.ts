import type { ActivityFilter, ActivityRecord } from '../../shared/activity.ts'
import type { Failure } from '../../shared/errors.ts'
import { failureOf } from '../bridge/failure.ts'
import type { BridgeClient } from '../bridge/client.ts'

/** The record of calls as it is known here, the newest first. */
export interface ActivityRows {
  readonly records: readonly ActivityRecord[]
  /** How many of them came while this was open. */
  readonly fresh: number
  /** Whether the newest calls of before have been read. */
  readonly isRead: boolean
  /** Where older ones begin; undefined where there are none or they are not wanted. */
  readonly next?: string | undefined
  readonly failure?: Failure | undefined
}

/** So many are kept in the window; the record itself has all of them. */
const mostRows = 10_000
const pageSize = 500
/** Calls that end together are shown together. */
const flushMs = 50
const pauseMs = 2_000

/** Follows the record of calls under one filter: those of before, and those that end from now on. */
export class ActivityLog {
  #rows: ActivityRows = { records: [], fresh: 0, isRead: false }
  #arrived: ActivityRecord[] = []
  #flushing: ReturnType<typeof setTimeout> | undefined
  #isReadingOlder = false
  readonly #listeners = new Set<() => void>()
  readonly #stop = new AbortController()
  readonly #bridge: BridgeClient
  readonly #filter: ActivityFilter

  constructor(bridge: BridgeClient, filter: ActivityFilter) {
    this.#bridge = bridge
    this.#filter = filter
    void this.#run()
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  readonly rows = (): ActivityRows => this.#rows

  /** Reads the next older calls, if there are any. */
  async readOlder(): Promise<void> {
    const { next, records } = this.#rows
    if (next === undefined || this.#isReadingOlder || records.length >= mostRows) return
    this.#isReadingOlder = true
    try {
      const page = await this.#bridge.activity.list({ ...this.#filter, limit: pageSize, before: next })
      this.#set({ records: [...this.#rows.records, ...page.records], next: page.next ?? undefined })
    } catch (thrown) {
      this.#set({ failure: failureOf(thrown) })
    } finally {
      this.#isReadingOlder = false
    }
  }

  close(): void {
    this.#stop.abort()
    clearTimeout(this.#flushing)
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop
    while (!signal.aborted) {
      try {
        const following = await this.#bridge.activity.follow(this.#filter, { signal })
        const reading = this.#readNewest()
        for await (const record of following) this.#take(record)
        await reading
      } catch (thrown) {
        if (!signal.aborted) this.#set({ failure: failureOf(thrown) })
      }
      if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, pauseMs))
    }
  }

  /** What ended while the page was read is both in it and among those that arrived. */
  async #readNewest(): Promise<void> {
    this.#arrived = []
    try {
      const page = await this.#bridge.activity.list({ ...this.#filter, limit: pageSize })
      const newest = new Set(page.records.slice(0, 200).map((record) => JSON.stringify(record)))
      this.#arrived = this.#arrived.filter((record) => !newest.has(JSON.stringify(record)))
      this.#set({
        records: page.records,
        fresh: 0,
        isRead: true,
        next: page.next ?? undefined,
        failure: undefined,
      })
      this.#flush()
    } catch (thrown) {
      this.#set({ failure: failureOf(thrown) })
    }
  }

  #take(record: ActivityRecord): void {
    this.#arrived.unshift(record)
    if (this.#arrived.length > mostRows) this.#arrived.length = mostRows
    this.#flushing ??= setTimeout(() => this.#flush(), flushMs)
  }

  #flush(): void {
    clearTimeout(this.#flushing)
    this.#flushing = undefined
    if (!this.#rows.isRead || this.#arrived.length === 0) return
    const { records, fresh } = this.#rows
    const arrived = this.#arrived
    this.#arrived = []
    this.#set({ records: [...arrived, ...records].slice(0, mostRows), fresh: fresh + arrived.length })
  }

  #set(change: Partial<ActivityRows>): void {
    if (this.#stop.signal.aborted) return
    this.#rows = { ...this.#rows, ...change }
    for (const listener of this.#listeners) listener()
  }
}
