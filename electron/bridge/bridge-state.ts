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

/** What a bridge keeps that this app shows, as it is now. */
export interface BridgeContents {
  readonly connections: readonly Connection[]
  /** The ids of the calls that wait for a person. */
  readonly approvals: ReadonlySet<string>
}

export const nothingYet: BridgeContents = { connections: [], approvals: new Set() }

/** The same after an event. */
export function contentsAfter(
  { connections, approvals }: BridgeContents,
  event: BridgeEvent,
): BridgeContents {
  return {
    connections: connectionsAfter(connections, event),
    approvals:
      event.event === 'approval-asked'
        ? new Set([...approvals, event.approval.id])
        : event.event === 'approval-settled'
          ? new Set([...approvals].filter((id) => id !== event.id))
          : approvals,
  }
}

/** The connections after an event. Each keeps its place, so that no menu reorders under the pointer. */
function connectionsAfter(all: readonly Connection[], event: BridgeEvent): readonly Connection[] {
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
