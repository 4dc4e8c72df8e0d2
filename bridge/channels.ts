import type { ConnectionStatus } from '../shared/connection.ts'
import type { Failure } from '../shared/errors.ts'
import type { Channel, ChannelClient } from './channel/channel.ts'
import { HttpChannel, type HttpChannelSurroundings } from './channel/http-channel.ts'
import { SseChannel } from './channel/sse-channel.ts'
import { ToolCatalogue } from './channel/tool-catalogue.ts'
import type { Upstream } from './connections/upstream.ts'
import { createInFlight } from './gateway/in-flight.ts'
import { openSockets } from './gateway/sockets.ts'
import { LastKnownChannel } from './last-known/last-known-channel.ts'
import { createLearner, type Learner } from './last-known/learner.ts'
import type { Memory } from './last-known/memory.ts'
import { quietUpstream } from './last-known/quiet-upstream.ts'
import type { SignInPages } from './last-known/refusals.ts'
import type { Clock, Log } from './ports.ts'
import { EraChannel } from './translation/era-channel.ts'
import type { EraMemory } from './translation/era.ts'

/** What channels need from the bridge around them. */
export interface ChannelsOptions {
  readonly upstreams: { get(connection: string): Upstream | undefined }
  readonly statusOf: (connection: string) => ConnectionStatus | undefined
  readonly memory: Memory
  readonly pages: SignInPages
  /** What has been found out about the eras of the servers. */
  readonly eras: EraMemory
  /** The largest message that either side may send, in bytes. */
  readonly mostMessageBytes: () => number
  readonly clock: Clock
  readonly log: Log
}

/** What stands behind the faces that end MCP themselves: for each client a stack of layers, down to its server. */
export interface Channels {
  /** Opens what stands behind a client at one connection. Nothing is sent before the client says something. */
  openConnection(connection: string, client: ChannelClient): Channel
  /** Opens what stands behind a client that names no connection. */
  openAll(client: ChannelClient): Channel | Failure
  /** Learns in the background what servers have. It has to hear of all events, and of use that passes no channel. */
  readonly learner: Pick<Learner, 'noticed' | 'used'>
  /** Leaves the connections to the servers. The channels themselves are closed by those who opened them. */
  close(): void
}

/** Puts the layers together, and holds what all channels of a bridge share. */
export function createChannels(options: ChannelsOptions): Channels {
  const { upstreams, statusOf, memory, pages, eras, mostMessageBytes, clock, log } = options
  const catalogues = new WeakMap<Upstream, ToolCatalogue>()
  const sockets = openSockets()
  const surroundings: HttpChannelSurroundings = {
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
  const quiet: HttpChannelSurroundings = {
    ...surroundings,
    upstreams: {
      get(connection) {
        const upstream = upstreams.get(connection)
        return upstream && quietUpstream(upstream)
      },
    },
  }
  /** Leads to the server itself, whatever era and transport it speaks. */
  const openServer = (connection: string, client: ChannelClient, around: HttpChannelSurroundings): Channel =>
    new EraChannel(client, {
      connection,
      memory: eras,
      openHttp: (below) => new HttpChannel({ connection, client: below }, around),
      openSse: (below) => new SseChannel({ connection, client: below }, around),
    })
  const learner = createLearner({
    memory,
    statusOf,
    clock,
    log,
    open: (connection, client) => openServer(connection, client, quiet),
  })
  const lastKnown = {
    memory,
    pages,
    used: (connection: string) => learner.used(connection),
    changed: (connection: string) => learner.changed(connection),
    watch: (connection: string, connected: () => void) => learner.watch(connection, connected),
  }
  return {
    learner,
    openConnection: (connection, client) =>
      new LastKnownChannel(client, { connection, around: lastKnown }, (above) =>
        openServer(connection, above, surroundings),
      ),
    openAll: () => ({ code: 'cli.usage', detail: 'name a connection' }),
    close() {
      learner.close()
      sockets.close()
    },
  }
}
