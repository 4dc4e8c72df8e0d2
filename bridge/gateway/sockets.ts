import http from 'node:http'
import https from 'node:https'
import type { Socket } from 'node:net'
import { BridgeError, type Failure } from '../../shared/errors.ts'

/** Where a request goes: everything of a URL that a request needs, worked out once. */
export interface Target {
  readonly url: URL
  /** The value of the Host field. */
  readonly host: string
  /** Starts a request. Throws a `TypeError` when a header cannot be sent. */
  request(method: string, headers: readonly string[]): http.ClientRequest
}

/** The connections to the servers, kept alive between calls. */
export interface Sockets {
  target(url: URL): Target
  /** Closes what is idle, after one of them was found dead. */
  dropIdle(): void
  close(): void
}

/** How long sockets may take and wait, in milliseconds. */
export interface SocketTimes {
  /** For name, connection and TLS together. */
  readonly connectMs: number
  /** How long a socket waits for the next call. Many servers hang up after 5 s, and a call that meets the hang-up may not be repeated. */
  readonly idleMs: number
  /** The wall clock, in milliseconds since the epoch. */
  readonly now: () => number
}

const usualTimes: SocketTimes = { connectMs: 10_000, idleMs: 3_500, now: Date.now }

/** How often idle sockets are looked at. A timer for each would be set and cleared in every call, and costs a tenth of it. */
const sweepMs = 500

const agentOptions: http.AgentOptions = {
  keepAlive: true,
  // The newest idle socket first: it is the one most likely to be alive, and the others can age and end.
  scheduling: 'lifo',
  // TCP probes find a dead peer while an answer is awaited, which may rightly take hours.
  keepAliveMsecs: 15_000,
  // Each open stream of each client app holds one.
  maxSockets: 512,
  maxFreeSockets: 32,
}

/** A server's headers may be large, with policies and cookies that we drop. */
const maxHeaderSize = 64 * 1024

const restingSince = Symbol('restingSince')

/** A socket with the time of the wall clock when its last call ended. */
interface PooledSocket extends Socket {
  [restingSince]?: number
}

/** Opens the pools for http and https. */
export function openSockets({ connectMs, idleMs, now }: SocketTimes = usualTimes): Sockets {
  const plain = limitConnecting(new http.Agent(agentOptions), 'connect', connectMs)
  // Said outright, so that no setting of the environment turns it off.
  const secure = limitConnecting(
    new https.Agent({ ...agentOptions, rejectUnauthorized: true }),
    'secureConnect',
    connectMs,
  )
  const agents = [plain, secure]
  const targets = new WeakMap<URL, Target>()
  let sweeper: NodeJS.Timeout | undefined
  let lastSweep = now()

  for (const agent of agents) agent.keepSocketAlive = rest

  function rest(socket: PooledSocket): boolean {
    socket[restingSince] = now()
    sweeper ??= setInterval(sweep, sweepMs).unref()
    socket.unref()
    return true
  }

  function idleSockets(): PooledSocket[] {
    return agents.flatMap((agent) => Object.values(agent.freeSockets).flatMap((sockets) => sockets ?? []))
  }

  function sweep(): void {
    lastSweep = now()
    const isFresh = ({ [restingSince]: since = 0 }: PooledSocket): boolean =>
      since <= lastSweep && lastSweep - since < idleMs
    const idle = idleSockets()
    for (const socket of idle) if (!isFresh(socket)) socket.destroy()
    if (idle.some(isFresh)) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function describe(url: URL): Target {
    const isSecure = url.protocol === 'https:'
    const start = isSecure ? https.request : http.request
    const options = {
      agent: isSecure ? secure : plain,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (isSecure ? 443 : 80),
      path: url.pathname + url.search,
      maxHeaderSize,
      insecureHTTPParser: false,
    }
    return {
      url,
      host: url.host,
      request(method, headers) {
        // Timers stand still while a machine sleeps, and afterwards its sockets are dead without a sign: the wall clock tells.
        if (Math.abs(now() - lastSweep) > 2 * sweepMs) sweep()
        return start({ ...options, method, headers })
      },
    }
  }

  return {
    target(url) {
      let target = targets.get(url)
      if (!target) targets.set(url, (target = describe(url)))
      return target
    },
    dropIdle() {
      for (const socket of idleSockets()) socket.destroy()
    },
    close() {
      clearInterval(sweeper)
      for (const agent of agents) agent.destroy()
    },
  }
}

/** Ends a connection that is not ready in time. */
function limitConnecting<T extends http.Agent>(agent: T, ready: 'connect' | 'secureConnect', ms: number): T {
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    const socket = create(...args)
    const timer = setTimeout(() => socket?.destroy(new BridgeError('network.timeout', 'connecting')), ms)
    const stop = (): void => clearTimeout(timer)
    return socket?.once(ready, stop).once('close', stop)
  }
  return agent
}

/** How much of an answer that nobody wants is read, in bytes, and for how long, in milliseconds, to keep its connection for the next request. */
const mostDiscarded = 64 * 1024
const discardMs = 2_000

/** Lets an answer pass unread; one that is too large or too slow costs its connection. */
export function discardAnswer(answer: http.IncomingMessage): void {
  let length = 0
  answer.on('data', (chunk: Buffer) => {
    length += chunk.length
    if (length > mostDiscarded) answer.destroy()
  })
  const timer = setTimeout(() => answer.destroy(), discardMs)
  answer.once('close', () => clearTimeout(timer))
}

/** Codes of Node for a peer that hung up. */
const hangUps = new Set(['ECONNRESET', 'EPIPE', 'ECONNABORTED'])

/** Why a request got no answer, from Node's code alone. */
export function networkFailure(error: unknown): Failure {
  if (error instanceof BridgeError) return error.toFailure()
  const code = codeOf(error)
  const detail = code || 'no code'
  if (code === 'ETIMEDOUT' || code === 'ESOCKETTIMEDOUT') return { code: 'network.timeout', detail }
  if (hangUps.has(code)) return { code: 'gateway.stream_cut', detail }
  if (code === 'HPE_HEADER_OVERFLOW') return { code: 'network.too_large', detail: 'headers' }
  if (code.startsWith('HPE_')) return { code: 'server.failed', detail: 'its answer is not valid HTTP' }
  return isTlsCode(code) ? { code: 'network.tls', detail } : { code: 'network.unreachable', detail }
}

function isTlsCode(code: string): boolean {
  return /^(?:ERR_SSL|ERR_TLS|CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|CRL_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/.test(
    code,
  )
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
