import type { Failure } from '../shared/errors.ts'
import { Gate, type GateOptions, type GateSurroundings } from './access/gate.ts'
import type { Channel, ChannelClient } from './channel/channel.ts'
import { HttpChannel } from './channel/http-channel.ts'
import { ToolCatalogue } from './channel/tool-catalogue.ts'
import type { Upstream } from './connections/upstream.ts'
import { createInFlight } from './gateway/in-flight.ts'
import { openSockets } from './gateway/sockets.ts'
import type { Log } from './ports.ts'

/** What channels need from the bridge around them. */
export interface ChannelsOptions extends GateSurroundings {
  readonly upstreams: { get(connection: string): Upstream | undefined }
  /** The largest message that either side may send, in bytes. */
  readonly mostMessageBytes: () => number
  readonly log: Log
}

/** What stands behind the faces that end MCP themselves: for each client a stack of layers, down to its server. */
export interface Channels {
  /** Opens what stands behind a client at one connection. Nothing is sent before the client says something. */
  openConnection(connection: string, client: ChannelClient, face: GateOptions['face']): Channel
  /** Opens what stands behind a client that names no connection. */
  openAll(client: ChannelClient): Channel | Failure
  /** Leaves the connections to the servers. The channels themselves are closed by those who opened them. */
  close(): void
}

/** Puts the layers together, and holds what all channels of a bridge share. */
export function createChannels({ upstreams, mostMessageBytes, log, ...gate }: ChannelsOptions): Channels {
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
  return {
    openConnection(connection, client, face) {
      const open = (client: ChannelClient): Channel => new HttpChannel({ connection, client }, surroundings)
      return new Gate({ client, connection, face, open }, gate)
    },
    openAll: () => ({ code: 'cli.usage', detail: 'name a connection' }),
    close: () => sockets.close(),
  }
}
