import { z } from 'zod'
import type { Upstream } from '../connections/upstream.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import type { Json } from './channel.ts'
import { findMembers } from './json-bytes.ts'
import { findParams, readMessage, stringAt, type RpcMessage } from './rpc-message.ts'
import type { ServerStream } from './server-stream.ts'

/** Messages are written as Latin-1, so that every byte comes back. */
const Line = z.string().max(64 * 1024)
const SessionState = z.strictObject({
  initialize: Line,
  id: z.string().optional(),
  version: z.string(),
  isInitialized: z.boolean(),
  level: Line.optional(),
  subscriptions: z.array(z.tuple([z.string(), Line])),
})

/** How many subscriptions to resources a session remembers, to make them again in the next one. */
const mostSubscriptions = 1_000

/** What client and server of the older era have agreed on, and what the client would have to say again to a server that forgot it. */
export class Session {
  readonly initialize: RpcMessage
  readonly upstream: Upstream
  readonly id: string | undefined
  /** The protocol version that the server chose. */
  readonly version: string
  isInitialized = false
  stream: ServerStream | undefined
  #level: RpcMessage | undefined
  readonly #subscriptions = new Map<string, RpcMessage>()

  constructor(initialize: RpcMessage, upstream: Upstream, id: string | undefined, version: string) {
    this.initialize = initialize
    this.upstream = upstream
    this.id = id
    this.version = version
  }

  /**
   * The header fields that every request of the session has.
   * @see [MCP 2025-11-25, Session Management](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management)
   */
  get fields(): readonly string[] {
    const version = ['MCP-Protocol-Version', this.version]
    return this.id === undefined ? version : [...version, 'Mcp-Session-Id', this.id]
  }

  /** Remembers what the server just agreed to, if it would have to be said again. */
  note(request: RpcMessage): void {
    if (request.method === 'logging/setLevel') this.#level = request
    const isAdded = request.method === 'resources/subscribe'
    if (!isAdded && request.method !== 'resources/unsubscribe') return
    const uri = stringAt(request.bytes, findParams(request, ['uri'])?.[0])
    if (uri === undefined) return
    if (!isAdded) this.#subscriptions.delete(uri)
    else if (this.#subscriptions.size < mostSubscriptions) this.#subscriptions.set(uri, request)
  }

  /** What has to be said again in a new session, after its start. */
  get replay(): RpcMessage[] {
    return [...(this.#level ? [this.#level] : []), ...this.#subscriptions.values()]
  }

  /** The same agreement in another session. */
  renewed(upstream: Upstream, id: string | undefined): Session {
    const session = new Session(this.initialize, upstream, id, this.version)
    session.#level = this.#level
    for (const [uri, request] of this.#subscriptions) session.#subscriptions.set(uri, request)
    return session
  }

  toJson(): Json {
    const { initialize, id, version, isInitialized } = this
    return {
      initialize: latin1(initialize),
      ...(id === undefined ? {} : { id }),
      version,
      isInitialized,
      ...(this.#level ? { level: latin1(this.#level) } : {}),
      subscriptions: [...this.#subscriptions].map(([uri, request]) => [uri, latin1(request)]),
    }
  }

  /** Reads back what `toJson` gave; undefined for anything else. */
  static from(json: unknown, upstream: Upstream): Session | undefined {
    const { data: state } = SessionState.safeParse(json)
    const initialize = state && fromLatin1(state.initialize)
    if (!state || !initialize) return undefined
    const session = new Session(initialize, upstream, state.id, state.version)
    session.isInitialized = state.isInitialized
    if (state.level !== undefined) session.#level = fromLatin1(state.level)
    for (const [uri, line] of state.subscriptions) {
      const request = fromLatin1(line)
      if (request) session.#subscriptions.set(uri, request)
    }
    return session
  }
}

function latin1({ bytes }: RpcMessage): string {
  return bytes.toString('latin1')
}

function fromLatin1(line: string): RpcMessage | undefined {
  return readMessage(Buffer.from(line, 'latin1'))
}

/** What a server's answer to `initialize` agrees to; undefined where it refuses. */
export function agreementIn(
  answer: RpcMessage,
  { headers }: AnswerHead,
): { id: string | undefined; version: string } | undefined {
  const { bytes, resultPlace } = answer
  const result = resultPlace && findMembers(bytes, resultPlace.start, ['protocolVersion'])
  const version = stringAt(bytes, result?.places[0])
  if (version === undefined || !isHeaderSafe(version)) return undefined
  const id = headers['mcp-session-id']
  return { version, id: typeof id === 'string' && isHeaderSafe(id) ? id : undefined }
}

/** Whether a text can be the value of a header as it is. */
export function isHeaderSafe(text: string): boolean {
  return /^[\x21-\x7e]{1,1024}$/.test(text)
}
