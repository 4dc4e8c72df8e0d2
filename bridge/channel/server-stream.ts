import { errors, type Failure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import type { Endable, InFlight } from '../gateway/in-flight.ts'
import { Delivery, type DeliveryReceiver, type DeliverySurroundings } from './delivery.ts'
import { readMessage, type RpcMessage } from './rpc-message.ts'

/** What a stream of the server's own messages needs. */
export interface ServerStreamOptions {
  readonly upstream: Upstream
  readonly client: string
  /** The header fields of the session. */
  readonly fields: readonly string[]
  readonly around: DeliverySurroundings & { readonly inFlight: InFlight }
  pass(message: RpcMessage): void
  /** The server does not know the session any more. */
  lost(): void
}

/** How long a stream that ended waits until it is opened again, in milliseconds, where the server does not say. */
const reopenMs = 1_000
const mostReopenMs = 60_000

/**
 * The stream by which a server of the older era speaks on its own account. It stays open as long as the server offers it, and goes on after the
 * last event that came.
 * @see [MCP 2025-11-25, Listening for Messages from the Server](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#listening-for-messages-from-the-server)
 */
export class ServerStream implements DeliveryReceiver, Endable {
  access: AbortSignal
  readonly #options: ServerStreamOptions
  #delivery: Delivery | undefined
  #lastEventId: string | undefined
  #retryMs: number | undefined
  #failures = 0
  #timer: NodeJS.Timeout | undefined
  #isPaused = false
  #isOver = false
  /** It failed for a reason that time does not mend. */
  #isDormant = false
  #takeOut: (() => void) | undefined

  constructor(options: ServerStreamOptions) {
    this.#options = options
    this.access = options.upstream.ended
  }

  open(): void {
    if (this.#isOver) return
    const { upstream, client, fields, around } = this.#options
    if (!this.#takeOut) {
      // Another one after each sign-in.
      this.access = upstream.ended
      this.#takeOut = around.inFlight.add(this)
    }
    const resumption = this.#lastEventId === undefined ? [] : ['Last-Event-ID', this.#lastEventId]
    const parcel = {
      upstream,
      client,
      method: 'GET',
      fields: [...fields, ...resumption],
      isRepeatable: true,
    } as const
    this.#delivery = new Delivery(parcel, this, around)
    if (this.#isPaused) this.#delivery.pause()
    this.#delivery.send()
  }

  /** A call went well: what kept the stream from opening may be over. */
  wake(): void {
    if (!this.#isDormant) return
    this.#isDormant = false
    this.open()
  }

  pause(): void {
    this.#isPaused = true
    this.#delivery?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#delivery?.resume()
  }

  close(): void {
    this.#isOver = true
    this.#stop()
  }

  /** The access has ended. There may be another one later. */
  end(): void {
    if (this.#isOver) return
    this.#stop()
    this.#isDormant = true
  }

  #stop(): void {
    clearTimeout(this.#timer)
    this.#takeOut?.()
    this.#takeOut = undefined
    this.#delivery?.abandon()
  }

  message(bytes: Buffer): void {
    if (this.#isOver) return
    this.#failures = 0
    const message = readMessage(bytes)
    // An answer has no place here: nothing was asked on this stream.
    if (message?.kind === 'request' || message?.kind === 'notification') this.#options.pass(message)
  }

  position(id: string): void {
    this.#failures = 0
    this.#lastEventId = id
  }

  retry(ms: number): void {
    this.#retryMs = ms
  }

  ended(): void {
    this.#reopenLater()
  }

  refused({ status }: AnswerHead): void {
    if (this.#isOver) return
    // 404: the session is gone. Everything else, above all 405, means that there is no such stream, or not after this event.
    if (status === 404) return this.#options.lost()
    if (status >= 500 || status === 429) return this.#reopenLater()
    if (this.#lastEventId === undefined) return
    this.#lastEventId = undefined
    this.#reopenLater()
  }

  failed(failure: Failure): void {
    if (this.#isOver) return
    if (errors[failure.code].fixer === 'time') this.#reopenLater()
    else this.end()
  }

  #reopenLater(): void {
    if (this.#isOver) return
    const ms = Math.min((this.#retryMs ?? reopenMs) * 2 ** this.#failures++, mostReopenMs)
    this.#timer = setTimeout(() => this.open(), ms)
  }
}
