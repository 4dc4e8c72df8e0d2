import type { IncomingMessage } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import type { CallOrigin, Credentials, Upstream } from '../connections/upstream.ts'
import { isPlainEventStream, type AnswerHead } from '../gateway/answer-rules.ts'
import { ownRequestHeaders } from '../gateway/headers.ts'
import { callOrigin } from '../gateway/message.ts'
import { noBody } from '../gateway/request-body.ts'
import { ServerRequest, type Question, type RequestSurroundings } from '../gateway/server-request.ts'
import { discardAnswer } from '../gateway/sockets.ts'
import { version } from '../version.ts'
import { EventReader } from './event-reader.ts'
import { intoOneLine } from './json-bytes.ts'

/** What one delivery leads to: any number of messages, then one call of `ended`, `refused` or `failed`. */
export interface DeliveryReceiver {
  /** The server takes it, with a status of success. */
  accepted?(head: AnswerHead): void
  /** One message of the server as it came, in one line. Whether it is JSON has not been looked at. */
  message(bytes: Buffer): void
  /** An event of another type than `message`. */
  event?(type: string, bytes: Buffer): void
  /** The event stream can be resumed after this event. */
  position?(id: string): void
  /** How long the server wants a resumption to wait, in milliseconds. */
  retry?(ms: number): void
  /** The answer is at its end, or an event stream was cut. */
  ended(): void
  /** The server said no; the body is empty where it was too large to be an error. */
  refused(head: AnswerHead, body: Buffer): void
  failed(failure: Failure): void
}

/** What is delivered. */
export interface Parcel {
  readonly upstream: Upstream
  /** Where to, if not to the MCP endpoint: of the same origin, since the credentials go there. */
  readonly url?: URL | undefined
  readonly method: 'POST' | 'GET' | 'DELETE'
  readonly body?: Buffer | undefined
  /** Header fields beside those that every delivery has: name, value, name, value … */
  readonly fields: readonly string[]
  readonly isRepeatable: boolean
  /** The client app, for the person who is asked to allow more scopes. */
  readonly client: string
}

/** What all deliveries share. */
export interface DeliverySurroundings extends RequestSurroundings {
  /** The largest message that a server may send, in bytes. */
  readonly mostMessageBytes: () => number
}

const postFields = [
  'Content-Type',
  'application/json',
  'Accept',
  'application/json, text/event-stream',
  'User-Agent',
  `bridgekeeper/${version}`,
]
const otherFields = ['Accept', 'text/event-stream', 'User-Agent', `bridgekeeper/${version}`]

/** More than this, in bytes, is not read of an answer that says no. */
const mostRefusalBytes = 1024 * 1024

/** One message on its way to the server, and what the server says to it. */
export class Delivery implements Question {
  readonly upstream: Upstream
  readonly url: URL | undefined
  readonly method: Parcel['method']
  readonly body: Question['body']
  readonly #parcel: Parcel
  readonly #receiver: DeliveryReceiver
  readonly #around: DeliverySurroundings
  readonly #request: ServerRequest
  #answer: IncomingMessage | undefined
  #isPaused = false
  #isOver = false

  constructor(parcel: Parcel, receiver: DeliveryReceiver, around: DeliverySurroundings) {
    this.upstream = parcel.upstream
    this.url = parcel.url
    this.method = parcel.method
    this.body = parcel.body ? { chunks: [parcel.body], length: parcel.body.length } : noBody
    this.#parcel = parcel
    this.#receiver = receiver
    this.#around = around
    this.#request = new ServerRequest(this, around)
  }

  send(): void {
    this.#request.send()
  }

  /** Closes the server's side. Nothing more is told. */
  abandon(): void {
    this.#isOver = true
    this.#request.abandon()
  }

  /** The rest of the answer does not matter; a short one is read to its end, so that its connection can be used again. */
  release(): void {
    if (this.#isOver) return
    this.#isOver = true
    const answer = this.#answer
    if (!answer) return this.#request.abandon()
    if (answer.complete) return
    answer.removeAllListeners('data').resume()
    discardAnswer(answer)
  }

  pause(): void {
    this.#isPaused = true
    this.#answer?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#answer?.resume()
  }

  headers(credentials: Credentials, host: string): string[] {
    const { method, fields, body } = this.#parcel
    const common = method === 'POST' ? postFields : otherFields
    return ownRequestHeaders(common, fields, credentials, host, body?.length)
  }

  isRepeatable(): boolean {
    return this.#parcel.isRepeatable
  }

  origin(): CallOrigin {
    return callOrigin(this.#parcel.client, {}, this.body)
  }

  failed(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#receiver.failed(failure)
  }

  answered(answer: IncomingMessage, head: AnswerHead): void {
    this.#answer = answer
    if (this.#isPaused) answer.pause()
    if (!isReadable(head)) {
      discardAnswer(answer)
      return this.failed({ code: 'server.failed', detail: 'its answer is encoded' })
    }
    if (head.status >= 300) return this.#collect(answer, mostRefusalBytes, (body) => this.#refuse(head, body))
    this.#receiver.accepted?.(head)
    if (this.#isOver) return
    if (isPlainEventStream(head)) return this.#followEvents(answer)
    this.#collect(answer, this.#around.mostMessageBytes(), (body) => this.#take(body))
  }

  #refuse(head: AnswerHead, body: Buffer | undefined): void {
    this.#isOver = true
    this.#receiver.refused(head, intoOneLine(body ?? Buffer.alloc(0)))
  }

  #take(body: Buffer | undefined): void {
    if (!body) {
      this.#request.abandon()
      return this.failed({ code: 'network.too_large', detail: 'a message' })
    }
    this.#isOver = true
    if (body.length > 0) this.#receiver.message(intoOneLine(body))
    this.#receiver.ended()
  }

  /** Collects a body; undefined where it is larger than `most`. */
  #collect(answer: IncomingMessage, most: number, use: (body: Buffer | undefined) => void): void {
    const chunks: Buffer[] = []
    let length = 0
    const finish = (): void => {
      if (this.#isOver) return
      use(length > most ? undefined : chunks.length === 1 ? chunks[0] : Buffer.concat(chunks))
    }
    answer.on('data', (chunk: Buffer) => {
      if (this.#isOver) return
      length += chunk.length
      chunks.push(chunk)
      if (length > most) {
        finish()
        answer.destroy()
        return
      }
      // The end would come a turn later.
      if (answer.complete && answer.readableLength === 0) finish()
    })
    answer.on('end', finish)
    answer.on('close', () => this.failed({ code: 'gateway.stream_cut' }))
    answer.on('error', () => undefined)
  }

  #followEvents(answer: IncomingMessage): void {
    const receiver = this.#receiver
    const events = new EventReader(
      {
        data: (bytes) => {
          if (!this.#isOver) receiver.message(bytes)
        },
        other: (type, bytes) => {
          if (!this.#isOver) receiver.event?.(type, bytes)
        },
        position: (id) => receiver.position?.(id),
        retry: (ms) => receiver.retry?.(ms),
        overflow: () => {
          this.#request.abandon()
          this.failed({ code: 'network.too_large', detail: 'a message' })
        },
      },
      this.#around.mostMessageBytes(),
    )
    const finish = (): void => {
      if (this.#isOver) return
      this.#isOver = true
      receiver.ended()
    }
    answer.on('data', (chunk: Buffer) => {
      if (!this.#isOver) events.push(chunk)
    })
    answer.on('end', finish)
    answer.on('close', finish)
    answer.on('error', () => undefined)
  }
}

/** Whether an answer's body can be read as it is. */
function isReadable({ headers: { 'content-encoding': encoding } }: AnswerHead): boolean {
  return encoding === undefined || encoding.toLowerCase() === 'identity'
}
