import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { Settings } from '../../shared/settings.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import type { HttpGate } from '../access/http-gate.ts'
import type { Upstream } from '../connections/upstream.ts'
import { createHost, type HostTimes } from '../hosting/host.ts'
import type { LocalRequest } from '../hosting/reply.ts'
import { clientEraOf, isHostedSession } from '../hosting/request-rules.ts'
import type { Log } from '../ports.ts'
import type { EraMemory } from '../translation/era.ts'
import type { ClientLookup } from './client-keys.ts'
import { parseTarget } from './endpoint.ts'
import { Exchange, type ExchangeSurroundings } from './exchange.ts'
import { answerFailure, rawFailure, statusOf } from './failure-answer.ts'
import { hostRefusal, refusal } from './guard.ts'
import { createInFlight, type Endable } from './in-flight.ts'
import { openAppSockets } from './sockets.ts'

/** A page on the gateway's port that a browser is sent to. It answers the request itself. */
type Route = (request: IncomingMessage, response: ServerResponse) => void | Promise<void>

/** What a gateway needs to end MCP itself, where the bytes of client and server cannot simply be passed on. */
export interface HostingOptions {
  readonly openConnection: (connection: string, client: ChannelClient) => Channel | Failure
  /** Without it there is no endpoint for all connections. */
  readonly openAll?: (client: ChannelClient) => Channel | Failure
  readonly eras: Pick<EraMemory, 'eraOf'>
  readonly times?: HostTimes
}

/** What a gateway needs from the bridge around it. */
export interface GatewayOptions {
  readonly upstreams: { get(connection: string): Upstream | undefined }
  readonly clients: ClientLookup
  /** Who may use what. */
  readonly gate: HttpGate
  readonly settings: () => Pick<Settings, 'gateway.maxRequestBytes'>
  readonly log: Log
  /**
   * By exact path, without the query, or by a first segment with its slashes for all below it. They are held to the Host rule and to nothing
   * else, and need no client key.
   */
  readonly routes?: Readonly<Record<string, Route>>
  /** Without it every call is passed on as it is. */
  readonly hosting?: HostingOptions
}

/** The HTTP face. */
export interface Gateway {
  /** The port that is served; 0 before `listen`. */
  readonly port: number
  /**
   * Serves on a loopback address and resolves with the port; 0 asks for any. Rejects with `bridge.port_in_use`, `bridge.port_refused`, or `bridge.start_failed` with
   * the system's code.
   */
  listen(host: '127.0.0.1' | '::1', port: number): Promise<number>
  /** Ends every call and stream of a client app whose key is not good any more, with `gateway.key_unknown`. */
  endCalls(client: string): void
  /** Ends every call and stream with `bridge.busy`, and every connection. */
  close(): Promise<void>
}

const methods = new Set(['GET', 'POST', 'DELETE'])

function isMcpMethod({ method = '' }: IncomingMessage): boolean {
  return methods.has(method)
}

/** What is served to a client app, here or by the host. */
interface Served extends Endable {
  readonly client: string
  /** What the app may use has changed. The host's channels hear of it themselves. */
  review?(): void
}

/** How long answers may take to reach their clients when the gateway closes, in milliseconds. */
const closingMs = 250

/**
 * Serves `/<client key>/<connection>/mcp` and `/<client key>/mcp` to the client apps of this machine: guard first, then key, then path, then
 * the exchange with the server, or the host where MCP has to be ended here.
 */
export function createGateway(options: GatewayOptions): Gateway {
  const { upstreams, clients, gate, settings, log, routes = {}, hosting } = options
  const sockets = openAppSockets()
  const inFlight = createInFlight<Served>()
  const pages = new Map(Object.entries(routes))
  const maxRequestBytes = (): number => settings()['gateway.maxRequestBytes']
  const host =
    hosting &&
    createHost({
      upstreams,
      maxRequestBytes,
      add: (served) => inFlight.add(served),
      open: (connection, client) =>
        connection === undefined
          ? (hosting.openAll?.(client) ?? { code: 'gateway.not_found' })
          : hosting.openConnection(connection, client),
      ...(hosting.times && { times: hosting.times }),
    })
  const surroundings = { log, gate, maxRequestBytes, host, eras: hosting?.eras }
  const surroundingsOf = new Map<string, ExchangeSurroundings>()
  let port = 0
  gate.watchAll((client) => {
    for (const one of inFlight.all()) if (one.client === client) one.review?.()
  })

  function serve(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    const target = request.url ?? ''
    const path = target.split('?', 1)[0] ?? ''
    const page = pages.get(path) ?? pages.get(path.slice(0, path.indexOf('/', 1) + 1))
    const refused = page ? hostRefusal(request, port) : refusal(request, port)
    if (refused) return answerFailure(response, refused)
    if (page) return servePage(page, request, response)
    const address = parseTarget(target)
    if (!address) return answerFailure(response, { code: 'gateway.not_found' })
    const client = clients.clientOf(address.key)
    if (client === undefined) return answerFailure(response, { code: 'gateway.key_unknown' })
    const { connection } = address
    if (connection === undefined) {
      if (!hosting?.openAll) return answerFailure(response, { code: 'gateway.not_found' })
      return serveHosted({ request, response, awaitsContinue, client, connection })
    }
    const upstream = upstreams.get(connection)
    const isOpen = upstream && gate.policyOf(client, connection).isOpen
    if (upstream && !isOpen) gate.noteRefusal(client, connection)
    // What a client app may not use is to it as if it were not there.
    if (!upstream || !isOpen) return answerFailure(response, { code: 'connection.unknown' })
    if (isHosted(connection, request.headers)) {
      return serveHosted({ request, response, awaitsContinue, client, connection })
    }
    if (!isMcpMethod(request)) return answerFailure(response, { code: 'gateway.method_refused' })
    const call = { request, response, awaitsContinue, client, connection, upstream }
    const exchange = new Exchange(call, aroundFor(client))
    exchange.open(inFlight.add(exchange))
  }

  function aroundFor(client: string): ExchangeSurroundings {
    let around = surroundingsOf.get(client)
    if (!around) surroundingsOf.set(client, (around = { ...surroundings, sockets: sockets.of(client) }))
    return around
  }

  function serveHosted(call: LocalRequest): void {
    if (isMcpMethod(call.request)) host?.serve(call)
    else answerFailure(call.response, { code: 'gateway.method_refused' })
  }

  /** Whether MCP is ended here: in a session of ours, and where the server is known to speak otherwise than the client. */
  function isHosted(connection: string, headers: IncomingHttpHeaders): boolean {
    if (!hosting) return false
    const era = clientEraOf(headers)
    if (era === 'session' && isHostedSession(headers['mcp-session-id'])) return true
    const serverEra = hosting.eras.eraOf(connection)
    return serverEra !== undefined && serverEra !== 'both' && serverEra !== era
  }

  function servePage(page: Route, request: IncomingMessage, response: ServerResponse): void {
    Promise.resolve(page(request, response)).catch((thrown: unknown) => giveUp(response, thrown))
  }

  /** A mistake in one request must not end the bridge. */
  function giveUp(response: ServerResponse, thrown: unknown): void {
    log.error('request broken', { error: thrown })
    if (response.headersSent) response.destroy()
    else answerFailure(response, { code: 'bridge.internal' })
  }

  function admit(request: IncomingMessage, response: ServerResponse, awaitsContinue: boolean): void {
    try {
      serve(request, response, awaitsContinue)
    } catch (thrown) {
      giveUp(response, thrown)
    }
  }

  const server = createServer({
    // A request must arrive whole within two minutes, its head within one: a busy machine is slow too. Answers may take for ever.
    requestTimeout: 120_000,
    headersTimeout: 60_000,
    // Longer than the idle time of the usual clients, so that they hang up and not we, in the middle of a request of theirs.
    keepAliveTimeout: 75_000,
    maxHeaderSize: 64 * 1024,
    insecureHTTPParser: false,
    requireHostHeader: false,
    noDelay: true,
  })
  // Fields past a maximum count would be dropped in silence, and with them perhaps an Origin. Their size is bounded above.
  server.maxHeadersCount = 0
  server.on('request', (request, response) => admit(request, response, false))
  server.on('checkContinue', (request, response) => admit(request, response, true))
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => {
    if (error.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy()
      return
    }
    const { failure, status } = clientFailure(error.code)
    const served = inFlight.on(socket)
    for (const one of served) one.end(failure, { status, isLast: true })
    if (served.length === 0) socket.write(rawFailure(failure, status))
    socket.destroySoon()
  })

  return {
    get port() {
      return port
    },
    async listen(host, wanted) {
      port = await startListening(server, host, wanted)
      server.on('error', (error: NodeJS.ErrnoException) => log.error('listener broken', { code: error.code }))
      return port
    },
    endCalls(client) {
      const failure: Failure = { code: 'gateway.key_unknown' }
      inFlight.endAll(failure, (served) => served.client === client)
      host?.endCalls(client, failure)
    },
    async close() {
      const failure: Failure = { code: 'bridge.busy' }
      inFlight.endAll(failure)
      host?.close(failure)
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
      const cut = setTimeout(() => server.closeAllConnections(), inFlight.size > 0 ? closingMs : 0)
      await closed
      clearTimeout(cut)
      sockets.close()
    },
  }
}

function startListening(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const fail = ({ code }: NodeJS.ErrnoException): void =>
      reject(
        code === 'EADDRINUSE'
          ? new BridgeError('bridge.port_in_use', `port ${port}`)
          : code === 'EACCES'
            ? new BridgeError('bridge.port_refused', `port ${port}`)
            : new BridgeError('bridge.start_failed', code),
      )
    server.once('error', fail)
    // Many clients may call at the same moment, such as when a machine wakes up; the system's default turns some away.
    server.listen({ host, port, exclusive: true, backlog: 4096 }, () => {
      server.off('error', fail)
      resolve((server.address() as AddressInfo).port)
    })
  })
}

/** What was wrong with bytes that did not become a whole request, by Node's code. */
function clientFailure(code: string | undefined): { failure: Failure; status: number } {
  switch (code) {
    case 'HPE_INVALID_EOF_STATE':
      return { failure: { code: 'gateway.body_incomplete' }, status: statusOf('gateway.body_incomplete') }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { failure: { code: 'gateway.body_incomplete', detail: 'it took too long' }, status: 408 }
    case 'HPE_HEADER_OVERFLOW':
      return {
        failure: { code: 'gateway.request_invalid', detail: 'its headers are too large' },
        status: 431,
      }
    default:
      return { failure: { code: 'gateway.request_invalid' }, status: statusOf('gateway.request_invalid') }
  }
}
