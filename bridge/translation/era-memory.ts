import type { EraMemory, ServerEra } from './era.ts'

/** How long what was found is relied on, in milliseconds: a server may have learned another era since. */
const lifetimeMs = 60 * 60 * 1000

/** How many connections are remembered. */
const mostConnections = 1_000

/** Remembers for an hour what each server speaks. `now` gives milliseconds that never go back. */
export function createEraMemory(now: () => number = () => performance.now()): EraMemory {
  const found = new Map<string, { readonly era: ServerEra; readonly until: number }>()
  return {
    eraOf(connection) {
      const one = found.get(connection)
      if (!one || now() < one.until) return one?.era
      found.delete(connection)
      return undefined
    },
    learn(connection, era) {
      // Anew at the end, so that the oldest is the first.
      found.delete(connection)
      found.set(connection, { era, until: now() + lifetimeMs })
      const [oldest] = found.keys()
      if (found.size > mostConnections && oldest !== undefined) found.delete(oldest)
    },
  }
}
