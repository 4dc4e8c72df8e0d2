import type { Failure } from '../shared/errors.ts'
import { AllChannel } from './all/all-channel.ts'
import { Memory } from './all/memory.ts'
import type { Channel, ChannelClient } from './channel/channel.ts'
import { HttpChannel } from './channel/http-channel.ts'
import { ToolCatalogue } from './channel/tool-catalogue.ts'
import type { Upstream } from './connections/upstream.ts'
import { createInFlight } from './gateway/in-flight.ts'
import { openSockets } from './gateway/sockets.ts'
import type { Clock, Log } from './ports.ts'

/** The connections of the bridge, as far as channels know them. */
interface ConnectionsServed {
  get(connection: string): Upstream | undefined
  ids(): readonly string[]
  /** Why a connection cannot be used just now, if that is known. */
  troubleOf(connection: string): Failure | undefined
}

/** What channels need from the bridge around them. */
export interface ChannelsOptions {
  readonly upstreams: ConnectionsServed
  /** Calls `run` whenever connections have come, gone or changed. Returns what ends that. */
  readonly watch: (run: () => void) => () => void
  readonly clock: Clock
  /** The largest message that either side may send, in bytes. */
  readonly mostMessageBytes: () => number
  readonly log: Log
}

/** What stands behind the faces that end MCP themselves: for each client a stack of layers, down to its server. */
export interface Channels {
  /** Opens what stands behind a client at one connection. Nothing is sent before the client says something. */
  openConnection(connection: string, client: ChannelClient): Channel
  /** Opens what stands behind a client that names no connection. */
  openAll(client: ChannelClient): Channel
  /** Leaves the connections to the servers. The channels themselves are closed by those who opened them. */
  close(): void
}

/** Puts the layers together, and holds what all channels of a bridge share. */
export function createChannels(options: ChannelsOptions): Channels {
  const { upstreams, watch, clock, mostMessageBytes, log } = options
  const memory = new Memory()
  const unwatch = watch(() => memory.keepOnly(upstreams.ids()))
  const catalogues = new WeakMap<Upstream, ToolCatalogue>()
  const sockets = openSockets()
  const surroundings = {
    upstreams,
    sockets,
    inFlight: createInFlight(),
    log,
    mostMessageBytes,
    tools(upstream: Upstream): ToolCatalogue {
      const known = catalogues.get(upstream) ?? new ToolCatalogue(log)
      catalogues.set(upstream, known)
      return known
    },
  }
  const openConnection: Channels['openConnection'] = (connection, client) =>
    new HttpChannel({ connection, client }, surroundings)
  return {
    openConnection,
    openAll: (client) =>
      new AllChannel(client, {
        connections: () => upstreams.ids(),
        troubleOf: (connection) => upstreams.troubleOf(connection),
        open: openConnection,
        watch,
        memory,
        clock,
        log,
      }),
    close() {
      unwatch()
      sockets.close()
    },
  }
}
