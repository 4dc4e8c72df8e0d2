import type { Connection } from '../../shared/connection.ts'
import type { BridgeState } from '../bridge/bridge-state.ts'

/** All that the tray shows. */
export interface TrayState {
  readonly bridge: BridgeState
  readonly connections: readonly Connection[]
  /** How many calls wait until a person allows them. */
  readonly approvals: number
}

/** Whether a connection waits for something that only its person can do. */
export function asks({ status, stepUp }: Connection): boolean {
  return stepUp !== undefined || status === 'sign-in-again'
}

/** The icon's form: plain, with a dot, with a gap in the arch, or two bars. */
export type IconForm = 'well' | 'asked' | 'broken' | 'paused'

/** The one thing that the icon says. A bridge that does not run is worse than a question, since nothing is served at all. */
export function iconForm({ bridge, connections, approvals }: TrayState): IconForm {
  if (bridge.is === 'lost') return 'broken'
  if (bridge.is === 'starting') return 'paused'
  if (approvals > 0 || connections.some(asks)) return 'asked'
  return connections.some(({ status }) => status === 'failed') ? 'broken' : 'well'
}
