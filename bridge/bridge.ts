import { join } from 'node:path'
import { openActivity } from './activity/activity.ts'
import type { Activity } from './activity/recorder.ts'
import { openAccess } from './access/access.ts'
import { HttpGate } from './access/http-gate.ts'
import { createChannels, type Channels } from './channels.ts'
import { createConnections, type Connections } from './connections/connections.ts'
import { troubleIn } from './connections/view.ts'
import type { ControlHandlers } from './control/handlers.ts'
import { createDoctor } from './doctor.ts'
import { createEventHub } from './event-hub.ts'
import { openClientKeys } from './gateway/client-keys.ts'
import { endpointPath } from './gateway/endpoint.ts'
import { createGateway } from './gateway/gateway.ts'
import { openMemory } from './last-known/memory.ts'
import { createSignInPages, signInPath } from './last-known/sign-in-pages.ts'
import { createHandlers, type HandlerParts } from './handlers.ts'
import { callbackPath, createCallbacks } from './oauth/callback.ts'
import { createGuardedFetch } from './oauth/guarded-fetch.ts'
import { pagePath } from './page/files.ts'
import { createPage, pageApiPath } from './page/page.ts'
import { createVisits } from './page/visits.ts'
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
  /** The folder of the built page. */
  readonly page: string
  /** Called when a face asks the bridge to end. */
  readonly stop: () => void
}

/** The bridge: its connections, the endpoint it serves and the answers of its control API. */
export interface Bridge {
  readonly handlers: ControlHandlers
  readonly connections: Connections
  readonly channels: Channels
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
  const access = openAccess({
    vault,
    clock,
    log,
    waitMs: () => settings.current()['approvals.waitSeconds'] * 1000,
    emit: (event) => events.emit(event),
  })
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
      channels.learner.noticed(event)
      // A later connection of this name is another one, whose payloads nobody asked to keep.
      if (event.event === 'connection-removed') void activity.forget(event.id)
      events.emit(event)
    },
  })
  const closing = new AbortController()
  const page = createPage({
    visits: createVisits(clock),
    folder: ports.page,
    async loadApi() {
      const { createListener, createRouter } = await import('./control/router.ts')
      return createListener(createRouter(handlers, log, closing.signal), pageApiPath)
    },
    log,
  })
  const pages = createSignInPages({ find: (id) => connections.find(id), origin: served, clock })
  const memory = openMemory({
    folder: join(paths.home, 'last-known'),
    vault,
    clock,
    log,
    identityOf(id) {
      const view = connections.find(id)?.view
      return view && `${view.createdAt} ${view.url}`
    },
  })
  const upstreams = { get: (id: string) => connections.find(id) }
  const mostMessageBytes = (): number => settings.current()['gateway.maxRequestBytes']
  const channels = createChannels({
    upstreams,
    connections: () => connections.list().map(({ id }) => id),
    statusOf: (id) => connections.find(id)?.view.status,
    troubleOf: (id) => troubleIn(connections.find(id)?.view),
    watch: (run) => events.listen(run),
    ...access,
    activity,
    memory,
    pages,
    eras: memory,
    mostMessageBytes,
    clock,
    log,
  })
  const gateway = createGateway({
    gate: new HttpGate({ ...access, activity }),
    upstreams: {
      get(id) {
        const connection = connections.find(id)
        if (connection) channels.learner.used(id)
        return connection
      },
    },
    clients,
    hosting: {
      openConnection: (connection, client) => channels.openConnection(connection, client, 'http'),
      openAll: (client) => channels.openAll(client, 'http'),
      eras: memory,
    },
    settings: () => settings.current(),
    routes: {
      [callbackPath]: (request, response) => callbacks.handle(request, response),
      [pagePath]: (request, response) => page.handle(request, response),
      [signInPath]: (request, response) => pages.handle(request, response),
    },
    log,
  })
  const pipes = createPipes({ channels, mostMessageBytes })
  const handlers = createHandlers({
    connections,
    events,
    memory,
    access,
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
    invite: () => page.invitation(served()),
    stop: ports.stop,
  })

  return {
    handlers,
    connections,
    channels,
    activity,
    async listen(port) {
      const taken = await gateway.listen('127.0.0.1', port)
      origin = `http://127.0.0.1:${taken}`
      await pipes.listen(paths.pipes)
      return origin
    },
    async close() {
      closing.abort()
      // First, since the end of the connections would end every call that another bridge can take over.
      await pipes.close()
      // Then what ends its sessions at the servers, for which the connections are needed.
      await gateway.close()
      channels.close()
      access.approvals.close()
      const settled = connections.close()
      // An answer that is on its way may hold the only refresh token that still works.
      await Promise.race([settled, new Promise<void>((resolve) => clock.after(closingMs, resolve))])
      await memory.close()
      await vault.close()
      // Last, since all that ends above ends calls; a disk that hangs is not waited for.
      await Promise.race([activity.close(), new Promise<void>((resolve) => clock.after(closingMs, resolve))])
    },
  }
}
