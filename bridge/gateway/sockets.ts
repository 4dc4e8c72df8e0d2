import http from 'node:http'
import https from 'node:https'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import { createSocketPool, type SocketPool } from './socket-pool.ts'

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

/** The connections that each client app has for itself: one that opens as many as it may leaves the others theirs. */
export interface AppSockets {
  of(client: string): Sockets
  close(): void
}

/** Opens connections for client apps, of which there are few. */
export function openAppSockets(): AppSockets {
  const apps = new Map<string, Sockets>()
  return {
    of(client) {
      let sockets = apps.get(client)
      if (!sockets) apps.set(client, (sockets = openSockets()))
      return sockets
    },
    close() {
      for (const sockets of apps.values()) sockets.close()
    },
  }
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
  // TCP probes find a dead peer while an answer is awaited, which may rightly take hours.
  keepAliveMsecs: 15_000,
  // Each open stream holds one, and what is beyond the limit waits.
  maxSockets: 512,
  // As many: where fewer may rest, a hundred busy clients close and open connections all the time, which costs more than their calls.
  maxFreeSockets: 512,
}

/** A server's headers may be large, with policies and cookies that we drop. */
const maxHeaderSize = 64 * 1024

/** Opens the connections to all servers. */
export function openSockets({ connectMs, idleMs, now }: SocketTimes = usualTimes): Sockets {
  const pools = new Map<string, SocketPool>()
  const targets = new WeakMap<URL, Target>()
  let sweeper: NodeJS.Timeout | undefined
  let lastSweep = now()

  function rested(): number {
    sweeper ??= setInterval(sweep, sweepMs).unref()
    return now()
  }

  function sweep(): void {
    lastSweep = now()
    const isStale = (since: number): boolean => since > lastSweep || lastSweep - since >= idleMs
    let left = 0
    for (const pool of pools.values()) left += pool.closeIdle(isStale)
    if (left > 0) return
    clearInterval(sweeper)
    sweeper = undefined
  }

  function poolFor({ origin, protocol }: URL): SocketPool {
    let pool = pools.get(origin)
    if (!pool) {
      const agent =
        protocol === 'https:'
          ? // Said outright, so that no setting of the environment turns it off.
            limitConnecting(
              new https.Agent({ ...agentOptions, rejectUnauthorized: true }),
              'secureConnect',
              connectMs,
            )
          : limitConnecting(new http.Agent(agentOptions), 'connect', connectMs)
      pools.set(origin, (pool = createSocketPool(agent, rested)))
    }
    return pool
  }

  function describe(url: URL): Target {
    const isSecure = url.protocol === 'https:'
    const start = isSecure ? https.request : http.request
    const { agent } = poolFor(url)
    // One object for all requests, whose options Node copies at once: to copy them before that costs each call a microsecond.
    const options = {
      agent,
      hostname: url.hostname.replace(/^\[|\]$/g, ''),
      port: url.port || (isSecure ? 443 : 80),
      path: url.pathname + url.search,
      maxHeaderSize,
      insecureHTTPParser: false,
      method: '',
      headers: [] as readonly string[],
    }
    return {
      url,
      host: url.host,
      request(method, headers) {
        // Timers stand still while a machine sleeps, and afterwards its sockets are dead without a sign: the wall clock tells.
        if (Math.abs(now() - lastSweep) > 2 * sweepMs) sweep()
        options.method = method
        options.headers = headers
        return start(options)
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
      for (const pool of pools.values()) pool.closeIdle(() => true)
    },
    close() {
      clearInterval(sweeper)
      for (const { agent, closeIdle } of pools.values()) {
        closeIdle(() => true)
        agent.destroy()
      }
    },
  }
}

/** Ends a connection that is not ready in time. */
function limitConnecting<T extends http.Agent>(agent: T, ready: 'connect' | 'secureConnect', ms: number): T {
  const create = agent.createConnection.bind(agent)
  agent.createConnection = (...args) => {
    // Between two requests nobody else listens.
    const socket = create(...args)?.on('error', () => undefined)
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
