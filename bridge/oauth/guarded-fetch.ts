import { BridgeError } from '../../shared/errors.ts'
import type { Log } from '../ports.ts'
import { exchangeOnce, trustAlso, type Answer, type Exchange, type WireRequest } from './exchange.ts'
import { createReach, type Resolve } from './reach.ts'

export type { Exchange } from './exchange.ts'
export type { Resolve } from './reach.ts'

/** What may be said of a request. Everything has a default, so that `fetch(url)` is a GET. */
export interface GuardedRequest {
  readonly method?: string | undefined
  readonly headers?: Readonly<Record<string, string>> | undefined
  readonly body?: string | URLSearchParams | Uint8Array | null | undefined
  readonly signal?: AbortSignal | undefined
  /** Bytes of the decoded body, 1 MiB by default. */
  readonly maxBytes?: number | undefined
  /** Milliseconds for the whole exchange with all redirects, 15 s by default. */
  readonly timeoutMs?: number | undefined
  /** Milliseconds until each connection stands, 10 s by default. */
  readonly connectTimeoutMs?: number | undefined
  /**
   * `follow` (default): GET and HEAD up to five hops, another method is refused; `same-origin`: like it, but never to another origin;
   * `manual`: the 3xx answer itself.
   */
  readonly redirect?: 'follow' | 'same-origin' | 'manual' | undefined
  /** Sees each piece of the body as it arrives; true ends the reading, and the body is what came so far. For event streams. */
  readonly stopAt?: ((piece: string) => boolean) | undefined
  /** What the request is for, as a sentence in the past tense: the trace shows it. */
  readonly purpose?: string | undefined
}

/** A fetch in its plainest form: what wraps a guarded fetch has this type. */
export type PlainFetch = (input: string | URL, init?: GuardedRequest) => Promise<Response>

/** The only way the sign-in engine talks to the network. Fits the `customFetch` of openid-client. */
export interface GuardedFetch {
  /**
   * Resolves with the answer, its body already read whole. Rejects with a `network.*` error, `server.failed` where the answer is not HTTP,
   * or `url.*`; with the signal's reason when aborted.
   */
  (input: string | URL, init?: GuardedRequest): Promise<Response>
  /** Rejects as a request to this URL would, as far as that is known without asking the network for its host. */
  readonly check: (url: URL) => Promise<void>
}

const MAX_REDIRECTS = 5
const MAX_BYTES = 1024 * 1024
const TIMEOUT_MS = 15_000
const CONNECT_TIMEOUT_MS = 10_000

/** What may be told to another origin after a redirect. Anything else might be a key. */
const harmless = new Set(['accept', 'accept-language', 'mcp-protocol-version', 'user-agent'])

/**
 * A fetch that stays where a server may send us: https or loopback, never further inside than the server the user typed, checked on the
 * address that is connected to and on every redirect, within limits of size and time. No cookies, no proxies, no kept connections.
 * What it learns of the server's address lasts as long as it does: make one for each sign-in or refresh.
 */
export function createGuardedFetch(options: {
  /** The server the user typed: its address decides what may be reached. */
  readonly server: URL
  readonly resolve?: Resolve | undefined
  readonly log?: Log | undefined
  /** Certificates (PEM) trusted beside the usual ones. */
  readonly extraCa?: string | readonly string[] | undefined
  readonly onExchange?: ((exchange: Exchange) => void) | undefined
}): GuardedFetch {
  const reach = createReach(options.server, options.resolve)
  const report = (exchange: Exchange): void => {
    const { method, url, status, failure, durationMs } = exchange
    const to = `${url.origin}${url.pathname}`
    options.log?.debug('asked', { method, to, status, failure: failure?.code, ms: Math.round(durationMs) })
    options.onExchange?.(exchange)
  }
  let secureContext: WireRequest['secureContext']
  const fetch = async (input: string | URL, init: GuardedRequest = {}): Promise<Response> => {
    if (!URL.canParse(String(input))) throw new BridgeError('url.invalid')
    const url = new URL(input)
    const limit = new AbortController()
    const timer = setTimeout(() => {
      limit.abort(new BridgeError('network.timeout', url.host))
    }, init.timeoutMs ?? TIMEOUT_MS)
    const signal = init.signal ? AbortSignal.any([init.signal, limit.signal]) : limit.signal
    try {
      secureContext ??= trustAlso(options.extraCa)
      return toResponse(await followed(url, init, { reach, signal, report, secureContext }))
    } finally {
      clearTimeout(timer)
    }
  }
  return Object.assign(fetch, { check: reach.check })
}

type Context = Pick<WireRequest, 'reach' | 'signal' | 'report' | 'secureContext'>

async function followed(start: URL, init: GuardedRequest, context: Context): Promise<Answer> {
  const { redirect = 'follow' } = init
  const { method, ...sent } = normalized(init)
  let { headers, body } = sent
  let url = start
  for (let hops = 0; ; hops += 1) {
    const answer = await exchangeOnce({
      ...context,
      url,
      method,
      headers,
      body,
      maxBytes: init.maxBytes ?? MAX_BYTES,
      connectTimeoutMs: init.connectTimeoutMs ?? CONNECT_TIMEOUT_MS,
      stopAt: init.stopAt,
      purpose: hops === 0 ? init.purpose : 'Followed a redirect',
    })
    const location = [301, 302, 303, 307, 308].includes(answer.status) ? answer.headers.get('location') : null
    if (redirect === 'manual' || location === null) return answer
    const target = redirectTarget(location, url)
    if (method !== 'GET' && method !== 'HEAD') throw refused(`${method} to ${place(url)}`, target)
    if (hops === MAX_REDIRECTS) throw refused('too many redirects, last', target)
    if (target.origin !== url.origin) {
      if (redirect === 'same-origin') throw refused(place(url), target)
      headers = Object.fromEntries(Object.entries(headers).filter(([name]) => harmless.has(name)))
    }
    url = target
    body = undefined
  }
}

function normalized(init: GuardedRequest): {
  method: string
  headers: Record<string, string>
  body: Uint8Array | undefined
} {
  const headers: Record<string, string> = { 'user-agent': 'Bridgekeeper', accept: '*/*' }
  for (const [name, value] of Object.entries(init.headers ?? {})) headers[name.toLowerCase()] = value
  // An encoded body could be small on the wire and huge in memory; what comes encoded all the same is limited after decoding.
  headers['accept-encoding'] = 'identity'
  for (const ours of ['connection', 'content-length', 'cookie', 'host', 'transfer-encoding'])
    delete headers[ours]
  const { body } = init
  if (body instanceof URLSearchParams)
    headers['content-type'] ??= 'application/x-www-form-urlencoded;charset=UTF-8'
  const bytes = body instanceof Uint8Array ? body : Buffer.from(String(body ?? ''))
  return {
    method: (init.method ?? 'GET').toUpperCase(),
    headers,
    body: body === undefined || body === null ? undefined : bytes,
  }
}

function redirectTarget(location: string, from: URL): URL {
  if (!URL.canParse(location, from.href)) {
    throw new BridgeError('network.redirect_refused', `${place(from)} redirects to what is no address`)
  }
  const target = new URL(location, from)
  const web = target.protocol === 'https:' || target.protocol === 'http:'
  if (!web || target.username || target.password) throw refused(place(from), target)
  return target
}

/** Query and fragment stay out of it: they may hold secrets. */
function place(url: URL): string {
  return url.protocol === 'https:' || url.protocol === 'http:'
    ? `${url.origin}${url.pathname}`
    : `${url.protocol}…`
}

function refused(from: string, target: URL): BridgeError {
  return new BridgeError('network.redirect_refused', `${from} redirects to ${place(target)}`)
}

function toResponse({ status, headers, body }: Answer): Response {
  if (status < 200 || status > 599) throw new BridgeError('server.failed', `status ${status}`)
  const bodiless = [204, 205, 304].includes(status)
  return new Response(bodiless ? null : body, { status, headers })
}
