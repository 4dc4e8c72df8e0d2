import { BridgeError, toFailure, type Failure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import { isPlainEventStream, type AnswerHead } from '../gateway/answer-rules.ts'
import type { Endable, InFlight } from '../gateway/in-flight.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { Delivery, type DeliveryReceiver, type DeliverySurroundings } from './delivery.ts'
import { failureOfStatus } from './error-messages.ts'
import { readMessage, type RpcMessage } from './rpc-message.ts'
import { mostAtOnce } from './turns.ts'

/** Gets what one link brings: `ready` at most once, then messages, and `lost` once, unless the link is closed. */
export interface LinkReceiver {
  /** The server has said where messages go. */
  ready(): void
  message(message: RpcMessage): void
  /** How long the server wants the next link to wait, in milliseconds. */
  retry?(ms: number): void
  /** The link is gone. */
  lost(failure: Failure): void
}

export interface LinkOptions {
  readonly upstream: Upstream
  /** The client app, for the person who is asked to allow more scopes. */
  readonly client: string
  readonly around: DeliverySurroundings & { readonly inFlight: InFlight }
  /** How long the server may take to say where messages go, in milliseconds. */
  readonly endpointMs?: number
  /** How long it may take to accept what is no request, in milliseconds. */
  readonly noteMs?: number
}

const usualEndpointMs = 10_000
const usualNoteMs = 30_000

/** A longer address is none. */
const mostEndpointBytes = 8 * 1024

/**
 * One event stream of a server of 2024-11-05, and the place that it named for messages. The stream is the session: with its end, the server
 * forgets what was said.
 * @see [MCP 2024-11-05, HTTP with SSE](https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse)
 */
export class SseLink implements Endable, DeliveryReceiver {
  readonly upstream: Upstream
  readonly access: AbortSignal
  readonly #options: LinkOptions
  readonly #stream: Delivery
  readonly #posts = new Set<Delivery>()
  #receiver: LinkReceiver | undefined
  /** What came before anybody was there to get it. */
  #early: RpcMessage[] = []
  #endpoint: URL | undefined
  #isPaused = false
  #isOver = false
  #isOtherKind = false
  #hasPosted = false
  #timer: NodeJS.Timeout | undefined
  #takeOut: (() => void) | undefined

  constructor(options: LinkOptions) {
    const { upstream, client, around } = options
    this.upstream = upstream
    this.access = upstream.ended
    this.#options = options
    const parcel = { upstream, client, method: 'GET', fields: [], isRepeatable: true } as const
    this.#stream = new Delivery(parcel, this, around)
  }

  /** Whether messages can be posted. */
  get isReady(): boolean {
    return this.#endpoint !== undefined && !this.#isOver
  }

  /** Whether nothing has been said on it yet. */
  get isFresh(): boolean {
    return !this.#hasPosted
  }

  /** Whether as many messages are on their way as may be at once. */
  get isBusy(): boolean {
    return this.#posts.size >= mostAtOnce
  }

  /** Whether the server has shown that it speaks something else. */
  get isOtherKind(): boolean {
    return this.#isOtherKind
  }

  open(receiver: LinkReceiver): void {
    this.#receiver = receiver
    this.#takeOut = this.#options.around.inFlight.add(this)
    this.#stream.send()
  }

  /** Lets nobody get what comes until `adopt`. */
  shelve(): void {
    this.#receiver = undefined
    this.pause()
  }

  /** Goes on with another receiver, who gets at once what came in between. */
  adopt(receiver: LinkReceiver): void {
    this.#receiver = receiver
    for (const message of this.#early.splice(0)) receiver.message(message)
    this.resume()
  }

  /**
   * Posts a message to the place that the server named. A JSON-RPC message in the answer's body goes the way of those on the stream;
   * `outcome` gets the rest. What is no request is given up when the server does not accept it in time; a request has as long as it needs.
   */
  post(message: RpcMessage, fields: readonly string[], outcome: Omit<DeliveryReceiver, 'message'>): Delivery {
    const { upstream, client, around, noteMs = usualNoteMs } = this.#options
    this.#hasPosted = true
    const isRepeatable = isRepeatableMethod(message.method)
    const { bytes: body } = message
    const finish = (): void => {
      clearTimeout(limit)
      this.#posts.delete(delivery)
    }
    const giveUp = (): void => {
      if (!this.#posts.delete(delivery)) return
      delivery.abandon()
      outcome.failed({ code: 'network.timeout' })
    }
    const limit = message.kind === 'request' ? undefined : setTimeout(giveUp, noteMs).unref()
    const delivery = new Delivery(
      { upstream, url: this.#endpoint, client, method: 'POST', body, fields, isRepeatable },
      {
        accepted: (head) => outcome.accepted?.(head),
        // Most servers say `Accepted` here.
        message: (bytes) => this.message(bytes),
        ended: () => {
          finish()
          outcome.ended()
        },
        refused: (head, refusal) => {
          finish()
          outcome.refused(head, refusal)
        },
        failed: (failure) => {
          finish()
          outcome.failed(failure)
        },
      },
      around,
    )
    this.#posts.add(delivery)
    if (this.#isPaused) delivery.pause()
    delivery.send()
    return delivery
  }

  /** Nobody waits for the outcome any more. */
  drop(post: Delivery): void {
    if (this.#posts.delete(post)) post.abandon()
  }

  pause(): void {
    this.#isPaused = true
    this.#stream.pause()
    for (const post of this.#posts) post.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#stream.resume()
    for (const post of this.#posts) post.resume()
  }

  /** Ends it without a word. */
  close(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#takeOut?.()
    this.#stream.abandon()
    for (const post of this.#posts) post.abandon()
    this.#posts.clear()
    this.#early = []
  }

  /** Ends it from outside. */
  end(failure: Failure): void {
    if (this.#isOver) return
    this.close()
    this.#receiver?.lost(failure)
  }

  accepted(head: AnswerHead): void {
    if (!isPlainEventStream(head)) return this.#endAsOther('it answered without an event stream')
    const { endpointMs = usualEndpointMs } = this.#options
    this.#timer = setTimeout(() => this.#endAsOther('it named no place for messages in time'), endpointMs)
  }

  event(type: string, bytes: Buffer): void {
    if (this.#isOver || type !== 'endpoint') return
    try {
      const isFirst = this.#endpoint === undefined
      this.#endpoint = endpointFrom(bytes, this.upstream.url)
      clearTimeout(this.#timer)
      if (isFirst) this.#receiver?.ready()
    } catch (thrown) {
      this.end(toFailure(thrown))
    }
  }

  message(bytes: Buffer): void {
    if (this.#isOver) return
    if (!this.#endpoint) return this.#endAsOther('its event stream begins with a message')
    const message = readMessage(bytes)
    if (!message) return
    if (this.#receiver) this.#receiver.message(message)
    else this.#early.push(message)
  }

  retry(ms: number): void {
    this.#receiver?.retry?.(ms)
  }

  ended(): void {
    if (this.#endpoint) this.end({ code: 'gateway.stream_cut' })
    else this.#endAsOther('its event stream named no place for messages')
  }

  refused({ status }: AnswerHead): void {
    this.#isOtherKind = status < 500 && status !== 429
    this.end(failureOfStatus(status))
  }

  failed(failure: Failure): void {
    this.#isOtherKind = failure.code === 'server.not_mcp'
    this.end(failure)
  }

  #endAsOther(detail: string): void {
    this.#isOtherKind = true
    this.end({ code: 'server.not_mcp', detail })
  }
}

/**
 * The place for messages that an `endpoint` event names, absolute or relative to the URL of the stream. Throws `server.endpoint_refused` for
 * another origin, which must not get the token, and for what is no address.
 */
export function endpointFrom(bytes: Buffer, base: URL): URL {
  const text = bytes.toString('utf8')
  if (bytes.length > mostEndpointBytes || !URL.canParse(text, base.href)) {
    throw new BridgeError('server.endpoint_refused', 'it is no address')
  }
  const url = new URL(text, base)
  if (url.origin !== base.origin) {
    const place = url.origin === 'null' ? url.protocol : url.origin
    throw new BridgeError('server.endpoint_refused', `${place} instead of ${base.origin}`)
  }
  return url
}
