import { BridgeError } from '../../shared/errors.ts'
import { version } from '../version.ts'
import { bearerChallenge, type BearerChallenge } from './challenge.ts'
import { createEventReader, type StreamEvent } from './event-reader.ts'
import type { PlainFetch } from './guarded-fetch.ts'

/** Which transport a server speaks: stateless 2026-07-28, sessions up to 2025-11-25, or HTTP+SSE of 2024-11-05. */
type Era = 'modern' | 'session' | 'sse'

/** What an unauthenticated look at a server found. */
export interface ProbeResult {
  readonly asks: 'none' | 'oauth'
  /** Undefined where the server says nothing of it before the sign-in. */
  readonly era: Era | undefined
  /** What the refusal's `WWW-Authenticate` says; absent when it says nothing of Bearer or DPoP. */
  readonly challenge?: BearerChallenge
  readonly supportedVersions?: readonly string[]
}

const MODERN = '2026-07-28'
const SESSION = '2025-11-25'
const STREAM_WAIT_MS = 10_000

const clientInfo = { name: 'bridgekeeper', version }

/** HeaderMismatch, MissingRequiredClientCapability, UnsupportedProtocolVersion: no server of an older era uses them. */
const modernErrors = new Set([-32_020, -32_021, -32_022])
const METHOD_NOT_FOUND = -32_601
const UNSUPPORTED_VERSION = -32_022

/**
 * Asks a server without a token what it wants, with as few and as well-formed requests as can tell: `server/discover`, which any server
 * that guards itself answers with 401; `initialize` where only that is allowed before a session; a GET where nothing takes a POST.
 * A session that came of it is ended. Rejects with `server.not_mcp`, `server.failed`, `server.forbidden` or a `network.*` error.
 * @see [MCP 2026-07-28, Streamable HTTP, backward compatibility](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility)
 */
export async function probe(url: URL, fetch: PlainFetch): Promise<ProbeResult> {
  const discovered = await ask(url, fetch, discoverRequest)
  const modern = guarded(discovered) ?? judgeDiscover(discovered)
  if (modern) return modern
  const initialized = await ask(discovered.url, fetch, initializeRequest)
  await endSession(initialized, fetch)
  const session = guarded(initialized) ?? judgeInitialize(initialized)
  return session ?? (await probeEventStream(initialized, fetch))
}

interface RpcRequest {
  readonly purpose: string
  readonly headers: Readonly<Record<string, string>>
  readonly message: { readonly id: string; readonly method: string; readonly params: unknown }
}

const discoverRequest: RpcRequest = {
  purpose: 'Asked the server what it is, without a token',
  headers: { 'mcp-protocol-version': MODERN, 'mcp-method': 'server/discover' },
  message: {
    id: 'discover',
    method: 'server/discover',
    params: {
      _meta: {
        'io.modelcontextprotocol/protocolVersion': MODERN,
        'io.modelcontextprotocol/clientInfo': clientInfo,
        'io.modelcontextprotocol/clientCapabilities': {},
      },
    },
  },
}

const initializeRequest: RpcRequest = {
  purpose: 'Asked the server the older way, without a token',
  headers: {},
  message: {
    id: 'initialize',
    method: 'initialize',
    params: { protocolVersion: SESSION, capabilities: {}, clientInfo },
  },
}

/** What came back, and from where after a redirect. */
interface Reply {
  readonly url: URL
  readonly response: Response
  /** The JSON-RPC response in the body, if there is one. */
  readonly rpc: RpcResponse | undefined
}

interface RpcResponse {
  readonly result?: Record<string, unknown>
  readonly error?: { readonly code: number; readonly data?: unknown }
}

async function ask(url: URL, fetch: PlainFetch, request: RpcRequest, redirects = 1): Promise<Reply> {
  const seen = findInStream((event) => event.type === 'message' && readRpc(event.data) !== undefined)
  const response = await fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...request.headers,
    },
    body: JSON.stringify({ jsonrpc: '2.0', ...request.message }),
    redirect: 'manual',
    stopAt: seen.look,
    purpose: request.purpose,
  })
  const target = redirectOf(response, url)
  if (target) {
    const sameWay = target.origin === url.origin && [307, 308].includes(response.status)
    if (!sameWay || redirects === 0) {
      throw new BridgeError('network.redirect_refused', `to ${target.origin}${target.pathname}`)
    }
    return ask(target, fetch, request, redirects - 1)
  }
  const text = await response.text()
  return { url, response, rpc: readRpc(isEventStream(response) ? (seen.found()?.data ?? '') : text) }
}

/** The answer of a server that wants a token, whatever it was asked; throws for one that will not say. */
function guarded({ response, rpc }: Reply): ProbeResult | undefined {
  const { status } = response
  const challenge = bearerChallenge(response.headers.get('www-authenticate') ?? undefined)
  // Some answer 400 or 403 to a missing token; the challenge tells it from a refusal.
  if (status === 401 || ((status === 400 || status === 403) && challenge)) {
    return { asks: 'oauth', era: undefined, ...(challenge ? { challenge } : {}) }
  }
  if (status === 403) throw new BridgeError('server.forbidden', 'status 403 without a token')
  // A 5xx with a JSON-RPC error is an older server that stumbled over a method it does not know.
  if (status === 429 || (status >= 500 && !rpc)) throw new BridgeError('server.failed', `status ${status}`)
  return undefined
}

/** Undefined: an older server, or none; ask on. */
function judgeDiscover({ response, rpc }: Reply): ProbeResult | undefined {
  if (rpc?.result) {
    const versions = stringsIn(rpc.result.supportedVersions)
    // An older server may answer any method with an empty result: open, but of no known era.
    return {
      asks: 'none',
      ...(versions ? { era: 'modern', supportedVersions: versions } : { era: undefined }),
    }
  }
  if (rpc?.error) {
    const { code, data } = rpc.error
    const versions =
      code === UNSUPPORTED_VERSION
        ? stringsIn((data as { supported?: unknown } | undefined)?.supported)
        : undefined
    const modern = modernErrors.has(code) || (code === METHOD_NOT_FOUND && response.status === 404)
    // It may serve the older era as well, and that alone to us.
    if (versions && !versions.includes(MODERN)) return undefined
    if (modern) return { asks: 'none', era: 'modern', ...(versions ? { supportedVersions: versions } : {}) }
    return response.ok ? { asks: 'none', era: 'session' } : undefined
  }
  if (response.ok) throw notMcp(response)
  return undefined
}

/** Undefined: nothing here takes a POST of ours. */
function judgeInitialize({ response, rpc }: Reply): ProbeResult | undefined {
  if (response.status >= 500) throw new BridgeError('server.failed', `status ${response.status}`)
  if (rpc) return { asks: 'none', era: 'session' }
  if (response.ok) throw notMcp(response)
  return undefined
}

/** HTTP+SSE: a GET opens a stream whose first event names where to post. */
async function probeEventStream({ url, response: refusal }: Reply, fetch: PlainFetch): Promise<ProbeResult> {
  if (![400, 404, 405, 406].includes(refusal.status)) throw notMcp(refusal)
  const seen = findInStream(() => true)
  const response = await fetch(url, {
    headers: { accept: 'text/event-stream' },
    redirect: 'same-origin',
    timeoutMs: STREAM_WAIT_MS,
    stopAt: seen.look,
    purpose: 'Asked the server for a stream of its events, without a token',
  })
  const asked = guarded({ url, response, rpc: undefined })
  if (asked) return { ...asked, era: 'sse' }
  if (!response.ok) throw notMcp(refusal)
  if (!isEventStream(response) || seen.found()?.type !== 'endpoint') throw notMcp(response)
  return { asks: 'none', era: 'sse' }
}

/** The session served one question. A server that knows no DELETE, or fails at it, ends it by itself some day. */
async function endSession({ url, response, rpc }: Reply, fetch: PlainFetch): Promise<void> {
  const session = response.headers.get('mcp-session-id')
  if (session === null || !response.ok) return
  const negotiated = rpc?.result?.protocolVersion
  const headers = {
    'mcp-session-id': session,
    'mcp-protocol-version': typeof negotiated === 'string' ? negotiated : SESSION,
  }
  await fetch(url, { method: 'DELETE', headers, redirect: 'manual', purpose: 'Ended the session' }).catch(
    (thrown: unknown) => {
      if (!(thrown instanceof BridgeError)) throw thrown
    },
  )
}

function redirectOf(response: Response, from: URL): URL | undefined {
  const location = response.headers.get('location')
  const redirects = [301, 302, 303, 307, 308].includes(response.status)
  return redirects && location !== null && URL.canParse(location, from.href)
    ? new URL(location, from)
    : undefined
}

function isEventStream(response: Response): boolean {
  return /^text\/event-stream\b/i.test(response.headers.get('content-type') ?? '')
}

/** Watches a stream for the first event that fits. */
function findInStream(fits: (event: StreamEvent) => boolean): {
  readonly look: (piece: string) => boolean
  readonly found: () => StreamEvent | undefined
} {
  const read = createEventReader()
  let first: StreamEvent | undefined
  const look = (piece: string): boolean => {
    first ??= read(piece).find(fits)
    return first !== undefined
  }
  return { look, found: () => first }
}

function readRpc(text: string): RpcResponse | undefined {
  const message = parseJson(text)
  if (!isObject(message) || message.jsonrpc !== '2.0') return undefined
  if (isObject(message.result)) return { result: message.result }
  const { error } = message
  if (isObject(error) && typeof error.code === 'number')
    return { error: { code: error.code, data: error.data } }
  return undefined
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function stringsIn(value: unknown): string[] | undefined {
  return Array.isArray(value) ? value.filter((item) => typeof item === 'string').slice(0, 50) : undefined
}

function notMcp(response: Response): BridgeError {
  const type =
    /^[\w.+-]+\/[\w.+-]+/.exec(response.headers.get('content-type') ?? '')?.[0] ?? 'no content type'
  return new BridgeError('server.not_mcp', `it answered with status ${response.status}, ${type}`)
}
