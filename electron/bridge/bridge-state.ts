import type { Connection } from '../../shared/connection.ts'
import type { Failure } from '../../shared/errors.ts'
import type { BridgeEvent } from '../../shared/events.ts'

/** How it stands with the bridge, as tray and window tell it. */
export type BridgeState =
  | { readonly is: 'starting' }
  | {
      readonly is: 'running'
      /** Whether this app started it, and so stops it. */
      readonly isOwn: boolean
      /** Its version, where that is another one than this app's. */
      readonly otherVersion?: string
    }
  /** It ended or could not be started; it is started again by itself, after a pause. */
  | { readonly is: 'lost'; readonly failure: Failure }

/** The connections after an event. Each keeps its place, so that no menu reorders under the pointer. */
export function connectionsAfter(all: readonly Connection[], event: BridgeEvent): readonly Connection[] {
  switch (event.event) {
    case 'connection-added':
    case 'connection-changed': {
      const { connection } = event
      return all.some(({ id }) => id === connection.id)
        ? all.map((one) => (one.id === connection.id ? connection : one))
        : [...all, connection]
    }
    case 'connection-removed':
      return all.filter(({ id }) => id !== event.id)
    default:
      return all
  }
}
