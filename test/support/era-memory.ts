import type { EraMemory, ServerEra } from '../../bridge/translation/era.ts'

/** Remembers what each server speaks, for a channel that is tested without the bridge's own memory. */
export function createEraMemory(): EraMemory {
  const found = new Map<string, ServerEra>()
  return {
    eraOf: (connection) => found.get(connection),
    learn: (connection, era) => void found.set(connection, era),
  }
}
