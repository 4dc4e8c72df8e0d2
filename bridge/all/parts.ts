import type { Failure } from '../../shared/errors.ts'
import type { ToolRules } from '../access/policy.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import type { Clock, Log } from '../ports.ts'
import type { Patience } from './lists.ts'
import type { Memory } from './memory.ts'

/** What serves a client that uses all connections. */
export interface AllParts {
  /** The connections that this client app may use, in the order in which they are listed. */
  connections(): readonly string[]
  /** What is said of the tools of a connection: a list that was known before is not shown with what is denied now. */
  readonly toolRules?: (connection: string) => ToolRules | undefined
  /** Calls `run` whenever `connections` or `toolRules` may give something else, or a connection may work again. Returns what ends that. */
  watch(run: () => void): () => void
  /** Why a connection cannot be used just now, as far as that is known without asking its server. */
  readonly troubleOf: (connection: string) => Failure | undefined
  /** Opens what stands behind a client at one connection. It is spoken to in the client's own era. */
  open(connection: string, client: ChannelClient): Channel | Failure
  /** Shared by all channels of a bridge. */
  readonly memory: Memory
  readonly clock: Clock
  readonly log: Log
  readonly patience?: Patience
}
