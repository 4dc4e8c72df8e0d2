import type { BridgeEvent } from '../shared/events.ts'

/** A face that reads slower than this many events behind is behind for good: it must ask for the state anew. */
const longestQueue = 1_000

/** Passes the bridge's events to every face that listens. */
export interface EventHub {
  emit(event: BridgeEvent): void
  /** Calls `run` with every event from now on; returns what ends that. */
  listen(run: (event: BridgeEvent) => void): () => void
  /** Events from now on, until `signal` aborts. A face that falls too far behind is ended and must subscribe again. */
  subscribe(signal: AbortSignal): AsyncIterable<BridgeEvent>
}

/** A hub without subscribers. */
export function createEventHub(): EventHub {
  const sinks = new Set<(event: BridgeEvent) => void>()
  return {
    emit(event) {
      for (const sink of sinks) sink(event)
    },
    listen(run) {
      sinks.add(run)
      return () => void sinks.delete(run)
    },
    subscribe(signal) {
      // Subscribed at once and not with the first read: what happens in between must not be missed.
      const queue: BridgeEvent[] = []
      let wake = (): void => undefined
      let ended = signal.aborted
      const end = (): void => {
        ended = true
        sinks.delete(sink)
        wake()
      }
      const sink = (event: BridgeEvent): void => {
        if (queue.push(event) > longestQueue) end()
        wake()
      }
      if (!ended) sinks.add(sink)
      signal.addEventListener('abort', end, { once: true })
      return read()

      async function* read(): AsyncGenerator<BridgeEvent> {
        try {
          for (;;) {
            const event = queue.shift()
            if (event) yield event
            else if (ended) return
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
