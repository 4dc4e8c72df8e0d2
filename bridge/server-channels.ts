import type { Channel, ChannelClient } from './channel/channel.ts'
import { HttpChannel, type HttpChannelSurroundings } from './channel/http-channel.ts'
import { SseChannel } from './channel/sse-channel.ts'
import { ToolCatalogue } from './channel/tool-catalogue.ts'
import type { Upstream } from './connections/upstream.ts'
import { createInFlight } from './gateway/in-flight.ts'
import { openAppSockets } from './gateway/sockets.ts'
import type { Log } from './ports.ts'
import { EraChannel } from './translation/era-channel.ts'
import type { EraMemory } from './translation/era.ts'

/** Finds the server of a connection. */
export interface Upstreams {
  get(connection: string): Upstream | undefined
}

/** What the ways to the servers need from the bridge around them. */
export interface ServerChannelsOptions {
  readonly upstreams: Upstreams
  /** What has been found out about the eras of the servers. */
  readonly eras: EraMemory
  /** The largest message that either side may send, in bytes. */
  readonly mostMessageBytes: () => number
  readonly log: Log
}

/** The lowest part of every stack: the way to one server, whatever era and transport it speaks. */
export interface ServerChannels {
  /** Nothing is sent before the client says something. `through` stands in for the usual way to find the server. */
  open(connection: string, client: ChannelClient, through?: Upstreams): Channel
  /** Leaves the connections to the servers. */
  close(): void
}

/** Holds what all ways to the servers share. */
export function createServerChannels(options: ServerChannelsOptions): ServerChannels {
  const { upstreams, eras, mostMessageBytes, log } = options
  const catalogues = new WeakMap<Upstream, ToolCatalogue>()
  const sockets = openAppSockets()
  const surroundings: Omit<HttpChannelSurroundings, 'sockets'> = {
    upstreams,
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
    open(connection, client, through) {
      const own = { ...surroundings, sockets: sockets.of(client.name) }
      const around = through ? { ...own, upstreams: through } : own
      return new EraChannel(client, {
        connection,
        memory: eras,
        openHttp: (below) => new HttpChannel({ connection, client: below }, around),
        openSse: (below) => new SseChannel({ connection, client: below }, around),
      })
    },
    close: () => sockets.close(),
  }
}
