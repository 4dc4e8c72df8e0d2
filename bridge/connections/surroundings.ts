import type { BridgeEvent } from '../../shared/events.ts'
import type { Settings } from '../../shared/settings.ts'
import type { Callbacks } from '../oauth/callback.ts'
import type { Exchange, GuardedFetch } from '../oauth/guarded-fetch.ts'
import type { Registrations } from '../oauth/sign-in.ts'
import type { Clock, Log } from '../ports.ts'
import type { Vault } from '../vault/record.ts'

/** What every connection shares with the bridge around it. */
export interface ConnectionSurroundings {
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Log
  readonly callbacks: Callbacks
  readonly registrations: Registrations
  readonly settings: () => Settings
  /** Our redirect URI on the port that is served. */
  readonly redirectUri: () => string
  readonly fetchFor: (server: URL, onExchange?: (exchange: Exchange) => void) => GuardedFetch
  readonly emit: (event: BridgeEvent) => void
}
