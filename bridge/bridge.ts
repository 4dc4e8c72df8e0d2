import { openActivity } from './activity/activity.ts'
import type { Activity } from './activity/recorder.ts'
import { createChannels } from './channels.ts'
import { createConnections, type Connections } from './connections/connections.ts'
import { troubleIn } from './connections/view.ts'
import type { ControlHandlers } from './control/handlers.ts'
import { createDoctor } from './doctor.ts'
import { createEventHub } from './event-hub.ts'
import { openClientKeys } from './gateway/client-keys.ts'
import { endpointPath } from './gateway/endpoint.ts'
import { createGateway } from './gateway/gateway.ts'
import { createHandlers, type HandlerParts } from './handlers.ts'
import { callbackPath, createCallbacks } from './oauth/callback.ts'
import { createGuardedFetch } from './oauth/guarded-fetch.ts'
import type { Paths } from './paths.ts'
import type { Browser, Clock, Log } from './ports.ts'
import type { OpenVault } from './vault/vault.ts'
import { createPipes } from './stdio/pipes.ts'
import { version } from './version.ts'

/** What the outside provides to the bridge. */
export interface BridgePorts {
  readonly paths: Paths
  readonly vault: OpenVault
  readonly settings: HandlerParts['settings']
  readonly clock: Clock
  readonly browser: Browser
  readonly log: Log
  /** The absolute path of the shim that client apps start which speak stdio alone. */
  readonly shim: string
  /** Called when a face asks the bridge to end. */
  readonly stop: () => void
}

/** The bridge: its connections, the endpoint it serves and the answers of its control API. */
export interface Bridge {
  readonly handlers: ControlHandlers
  readonly connections: Connections
  /** Where calls are recorded. */
  readonly activity: Activity
  /** Serves the endpoint on loopback; 0 takes any port. Resolves with the origin. Rejects with `bridge.port_in_use`. */
  listen(port: number): Promise<string>
  /** Ends calls and sign-ins, then leaves the port. Grants stay. */
  close(): Promise<void>
}

/** How long a renewal under way may keep the bridge from ending, in milliseconds. */
const closingMs = 5_000

/** Puts the parts together. Nothing listens and nothing is sent before `listen`. */
export function createBridge(ports: BridgePorts): Bridge {
  const { paths, vault, settings, clock, browser, log } = ports
  const events = createEventHub()
  const callbacks = createCallbacks()
  const clients = openClientKeys(vault)
  const startedAt = clock.now()
  let origin: string | undefined

  const served = (): string => {
    if (origin === undefined) throw new Error('the bridge does not listen yet')
    return origin
  }
  const activity = openActivity({
    home: paths.home,
    vault,
    clock,
    log,
    settings: () => settings.current(),
    notice: (failure) => events.emit({ event: 'notice', failure }),
  })
  const connections = createConnections({
    vault,
    clock,
    log,
    callbacks,
    settings: () => settings.current(),
    redirectUri: () => `${served()}${callbackPath}`,
    fetchFor: (server, onExchange) => createGuardedFetch({ server, log, onExchange }),
    emit(event) {
      // A later connection of this name is another one, whose payloads nobody asked to keep.
      if (event.event === 'connection-removed') void activity.forget(event.id)
      events.emit(event)
    },
  })
  const gateway = createGateway({
    upstreams: { get: (id) => connections.find(id) },
    clients,
    settings: () => settings.current(),
    routes: { [callbackPath]: (request, response) => callbacks.handle(request, response) },
    log,
  })
  const mostMessageBytes = (): number => settings.current()['gateway.maxRequestBytes']
  const channels = createChannels({
    upstreams: {
      get: (id) => connections.find(id),
      ids: () => connections.list().map(({ id }) => id),
      troubleOf: (id) => troubleIn(connections.find(id)?.view),
    },
    watch: (run) => events.listen(run),
    mostMessageBytes,
    clock,
    log,
  })
  const pipes = createPipes({ channels, mostMessageBytes })
  const handlers = createHandlers({
    connections,
    events,
    activity,
    browser,
    settings,
    doctor: createDoctor({
      paths,
      keyStore: vault.keyStore,
      origin: served,
      connections,
      activityFailure: () => activity.failure,
    }),
    status: () => ({
      version,
      pid: process.pid,
      url: served(),
      home: paths.home,
      keyStore: vault.keyStore,
      startedAt,
      connections: connections.list().length,
    }),
    clients: {
      vault,
      clock,
      home: paths.home,
      keys: clients,
      origin: served,
      usualPort: () => settings.current().port,
      shim: ports.shim,
      endCalls: (client) => gateway.endCalls(client),
    },
    async endpoint(connection, client) {
      const key = await clients.keyFor(client)
      return served() + endpointPath(connection === undefined ? { key } : { key, connection })
    },
    stop: ports.stop,
  })

  return {
    handlers,
    connections,
    activity,
    async listen(port) {
      const taken = await gateway.listen('127.0.0.1', port)
      origin = `http://127.0.0.1:${taken}`
      await pipes.listen(paths.pipes)
      return origin
    },
    async close() {
      // First, since the end of the connections would end every call that another bridge can take over.
      await pipes.close()
      channels.close()
      const settled = connections.close()
      await gateway.close()
      // An answer that is on its way may hold the only refresh token that still works.
      await Promise.race([settled, new Promise<void>((resolve) => clock.after(closingMs, resolve))])
      await vault.close()
      // Last, since all that ends above ends calls; a disk that hangs is not waited for.
      await Promise.race([activity.close(), new Promise<void>((resolve) => clock.after(closingMs, resolve))])
    },
  }
}
