import type { ConnectionStatus } from '../shared/connection.ts'
import type { Failure } from '../shared/errors.ts'
import { Gate, type GateOptions, type GateSurroundings } from './access/gate.ts'
import { AllChannel } from './all/all-channel.ts'
import { Memory as Recollection } from './all/memory.ts'
import type { Channel, ChannelClient } from './channel/channel.ts'
import { LastKnownChannel } from './last-known/last-known-channel.ts'
import { createLearner, type Learner } from './last-known/learner.ts'
import type { Memory } from './last-known/memory.ts'
import { quietUpstream } from './last-known/quiet-upstream.ts'
import type { SignInPages } from './last-known/refusals.ts'
import type { Clock } from './ports.ts'
import { createServerChannels, type ServerChannelsOptions, type Upstreams } from './server-channels.ts'

/** What channels need from the bridge around them. */
export interface ChannelsOptions extends ServerChannelsOptions, GateSurroundings {
  /** The ids of all connections. */
  readonly connections: () => readonly string[]
  readonly statusOf: (connection: string) => ConnectionStatus | undefined
  /** Why a connection cannot be used just now, if that is known. */
  readonly troubleOf: (connection: string) => Failure | undefined
  /** Calls `run` whenever connections have come, gone or changed. Returns what ends that. */
  readonly watch: (run: () => void) => () => void
  readonly memory: Memory
  readonly pages: SignInPages
  readonly clock: Clock
}

/** What stands behind the faces that end MCP themselves: for each client a stack of layers, down to its server. */
export interface Channels {
  /** Opens what stands behind a client at one connection. Nothing is sent before the client says something. */
  openConnection(connection: string, client: ChannelClient, face: GateOptions['face']): Channel
  /** Opens what stands behind a client that names no connection. */
  openAll(client: ChannelClient, face: GateOptions['face']): Channel
  /** Learns in the background what servers have. It has to hear of all events, and of use that passes no channel. */
  readonly learner: Pick<Learner, 'noticed' | 'used'>
  /** Leaves the connections to the servers. The channels themselves are closed by those who opened them. */
  close(): void
}

/** Puts the layers together. */
export function createChannels(options: ChannelsOptions): Channels {
  const { upstreams, connections, statusOf, troubleOf, watch, policies, memory, pages, clock, log } = options
  const servers = createServerChannels(options)
  const quiet: Upstreams = {
    get(connection) {
      const upstream = upstreams.get(connection)
      return upstream && quietUpstream(upstream)
    },
  }
  const learner = createLearner({
    memory,
    statusOf,
    clock,
    log,
    open: (connection, client) => servers.open(connection, client, quiet),
  })
  const lastKnown = {
    memory,
    pages,
    used: (connection: string) => learner.used(connection),
    changed: (connection: string) => learner.changed(connection),
    watch: (connection: string, connected: () => void) => learner.watch(connection, connected),
  }
  const recollection = new Recollection()
  const unwatch = watch(() => recollection.keepOnly(connections()))
  const openConnection: Channels['openConnection'] = (connection, client, face) => {
    const open = (below: ChannelClient): Channel =>
      new LastKnownChannel(below, { connection, around: lastKnown }, (lowest) =>
        servers.open(connection, lowest),
      )
    return new Gate({ client, connection, face, open }, options)
  }
  return {
    learner,
    openConnection,
    openAll(client, face) {
      const { name } = client
      return new AllChannel(client, {
        connections: () => connections().filter((id) => policies.policyOf(name, id).isOpen),
        toolRules: (connection) => policies.policyOf(name, connection).rules,
        troubleOf,
        open: (connection, own) => openConnection(connection, own, face),
        watch(run) {
          const ends = [watch(run), policies.watch(name, run)]
          return () => ends.forEach((end) => end())
        },
        memory: recollection,
        clock,
        log,
      })
    },
    close() {
      unwatch()
      learner.close()
      servers.close()
    },
  }
}
