import type { ActivityFilter, ActivityRecord } from '../../shared/activity.ts'
import type { Clock } from '../ports.ts'

/** How many calls wait for a face that reads slowly; the next ones are only counted. */
const longestQueue = 1_000

/** Those who watch calls as they end. */
export interface Followers {
  /** How many there are: while there is none, nothing need be told. */
  readonly size: number
  tell(record: ActivityRecord): void
  /** Calls from now on, until `signal` aborts. To a face that is too slow a gap says how many it missed. */
  follow(filter: ActivityFilter, signal: AbortSignal): AsyncIterable<ActivityRecord>
}

/** Nobody yet. */
export function createFollowers(clock: Clock): Followers {
  const sinks = new Set<(record: ActivityRecord) => void>()
  return {
    get size() {
      return sinks.size
    },
    tell(record) {
      for (const sink of sinks) sink(record)
    },
    follow(filter, signal) {
      // Subscribed at once and not with the first read: what happens in between must not be missed.
      const queue: ActivityRecord[] = []
      let missed = 0
      let wake = (): void => undefined
      const sink = (record: ActivityRecord): void => {
        if (!isMeant(record, filter)) return
        // Once calls are missed, all that follow are, until the gap is told: it stands where they would.
        if (missed > 0 || queue.length >= longestQueue) missed++
        else queue.push(record)
        wake()
      }
      const end = (): void => {
        sinks.delete(sink)
        wake()
      }
      if (!signal.aborted) sinks.add(sink)
      signal.addEventListener('abort', end, { once: true })
      return read()

      async function* read(): AsyncGenerator<ActivityRecord> {
        try {
          for (;;) {
            const record = queue.shift()
            if (record) yield record
            else if (missed > 0) {
              const calls = missed
              missed = 0
              yield { at: clock.now(), record: 'gap', reason: 'reader', calls }
            } else if (signal.aborted) return
            else await new Promise<void>((resolve) => (wake = resolve))
          }
        } finally {
          end()
          signal.removeEventListener('abort', end)
        }
      }
    },
  }
}

function isMeant(record: ActivityRecord, { client, connection }: ActivityFilter): boolean {
  if (record.record === 'gap') return true
  return (
    (client === undefined || record.client === client) &&
    (connection === undefined || record.connection === connection)
  )
}
