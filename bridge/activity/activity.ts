import { join } from 'node:path'
import { z } from 'zod'
import type { ActivityFilter, ActivityPage, ActivityQuery, ActivityRecord } from '../../shared/activity.ts'
import { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import type { Clock, Log } from '../ports.ts'
import { wordsFor } from '../vault/disk.ts'
import type { RecordKind, Vault } from '../vault/record.ts'
import { createRecorder } from './call-recorder.ts'
import { clearCalls } from './clearing.ts'
import { DayWriter } from './day-writer.ts'
import { createFollowers } from './followers.ts'
import { readPage } from './reader.ts'
import type { Activity } from './recorder.ts'

/** What the record of calls needs from the bridge around it. */
export interface ActivityOptions {
  /** The bridge's own folder; the record is in a folder below it. */
  readonly home: string
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Log
  readonly settings: () => Settings
  /** Tells the faces, once, that nothing can be written. */
  readonly notice: (failure: Failure) => void
}

/** The record of calls: written as they end, read page by page, or watched. */
export interface ActivityLog extends Activity {
  /** Why nothing can be written just now; undefined while all is well. */
  readonly failure: Failure | undefined
  /** A page with all that ended before. Rejects with `activity.unreadable`, or the signal's reason. */
  list(query: ActivityQuery, signal?: AbortSignal): Promise<ActivityPage>
  follow(filter: ActivityFilter, signal: AbortSignal): AsyncIterable<ActivityRecord>
  /** The connections whose arguments and results are kept. */
  payloads(): ConnectionId[]
  /** Takes effect when it is on disk, or at once where it is switched off. Rejects with `vault.write_failed`. */
  setPayloads(connection: ConnectionId, on: boolean): Promise<void>
  /** Switches payloads off for a connection that is no more; what was recorded of it stays. Never rejects. */
  forget(connection: ConnectionId): Promise<void>
  /** Deletes the record, or what it holds of one connection. Resolves with the bytes that went. Rejects with `activity.write_failed`. */
  clear(connection?: ConnectionId): Promise<number>
  /** Writes what there is. A call that ends later is not recorded. */
  close(): Promise<void>
}

/** That the payloads of a connection are kept; its id is the connection's. */
const payloadRecords: RecordKind<Record<string, never>> = {
  name: 'activity-payloads',
  version: 1,
  parse: (value) => z.object({}).parse(value),
}

/** The record in a folder `activity` of `home`. Nothing is read or written before the first call ends. */
export function openActivity({ home, vault, clock, log, settings, notice }: ActivityOptions): ActivityLog {
  const folder = join(home, 'activity')
  const followers = createFollowers(clock)
  const withPayloads = new Set(
    vault.ids(payloadRecords).flatMap((id) => ConnectionId.safeParse(id).data ?? []),
  )
  let failure: Failure | undefined
  const writer = new DayWriter({
    folder,
    clock,
    limits: () => ({
      keepDays: settings()['activity.keepDays'],
      maxBytes: settings()['activity.maxMegabytes'] * 1024 * 1024,
    }),
    failed(error) {
      failure = { code: 'activity.write_failed', detail: wordsFor(error) }
      log.error('calls cannot be recorded', { ...failure })
      notice(failure)
    },
    worksAgain() {
      failure = undefined
    },
  })
  const recorder = createRecorder({
    clock,
    followers,
    write: (at, line) => writer.add(at, line),
    wantsPayload: (connection) => withPayloads.size > 0 && (withPayloads as Set<string>).has(connection),
  })

  /** What was asked for last: switching on takes a moment, in which it may be switched off. */
  const wishes = new Map<ConnectionId, boolean>()
  const setPayloads = async (connection: ConnectionId, on: boolean): Promise<void> => {
    wishes.set(connection, on)
    if (!on) withPayloads.delete(connection)
    await vault.write({ kind: payloadRecords, id: connection, value: on ? {} : undefined })
    if (on && wishes.get(connection)) withPayloads.add(connection)
  }

  return {
    get failure() {
      return failure
    },
    begin: (facts) => recorder.begin(facts),
    async list(query, signal) {
      await writer.flush()
      try {
        return await readPage(folder, query, signal)
      } catch (cause) {
        if (signal?.aborted) throw cause
        throw new BridgeError('activity.unreadable', wordsFor(cause), { cause })
      }
    },
    follow: (filter, signal) => followers.follow(filter, signal),
    payloads: () => [...withPayloads].sort(),
    setPayloads,
    async forget(connection) {
      if (!withPayloads.has(connection) && !wishes.get(connection)) return
      await setPayloads(connection, false).catch((error: unknown) =>
        log.error('payloads could not be switched off', { connection, error }),
      )
    },
    async clear(connection) {
      try {
        return await writer.whileStill(() => clearCalls(folder, connection))
      } catch (cause) {
        throw new BridgeError('activity.write_failed', wordsFor(cause), { cause })
      }
    },
    close: () => writer.close(),
  }
}
