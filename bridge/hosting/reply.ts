import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { EarlierTry } from '../channel/channel.ts'
import type { Failure } from '../../shared/errors.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { statusOf, type AnswerOptions } from '../gateway/failure-answer.ts'
import type { Endable } from '../gateway/in-flight.ts'
import { limitRest, type RequestBody } from '../gateway/request-body.ts'
import { messageFrame } from './event-frame.ts'
import type { Flow } from './flow.ts'

/** One admitted local request whose MCP ends here. */
export interface LocalRequest {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean
  readonly client: string
  /** Undefined where all connections are meant. */
  readonly connection: string | undefined
  /** Set where the body has been read already. */
  readonly body?: RequestBody
  /** The session that it names, if any, is the server's own. */
  readonly isOutOfSession?: boolean
  /** Set where it has been tried already. */
  readonly earlierTry?: EarlierTry
}

/** What a reply belongs to. */
export interface ReplyOwner {
  readonly flow: Flow
  /** The ids of the requests that still wait for an answer here, as they are written. */
  unanswered(): readonly (string | undefined)[]
  /** Nothing has been sent for a while: the client should see that it is being served. */
  waiting(): void
  /** Called once, when nothing more can be said: it is complete, or the client has left. */
  closed(): void
}

/** How a refusal differs from what the failure alone says. */
export interface Refusal extends AnswerOptions {
  /** The id of the refused message, as it is written. */
  readonly id?: string | undefined
  /** The code of the error, where it is not the one of failures of ours. */
  readonly code?: number
  readonly fields?: readonly string[]
}

/** With more waiting in a response than this, in bytes, its channel rests. */
const mostWaiting = 64 * 1024

/** What all replies share. */
export interface ReplySurroundings {
  /** Ends with the host: what ends with a single access is said by its channel. */
  readonly access: AbortSignal
  /** How long a client may take nothing while something waits for it, in milliseconds. Then it is cut off, since others may wait for it. */
  readonly stallMs: number
}

/** The answer to one local request: a piece of JSON, nothing, or an event stream. */
export class Reply implements Endable {
  readonly access: AbortSignal
  readonly client: string
  readonly request: IncomingMessage
  readonly earlierTry: EarlierTry | undefined
  readonly #response: ServerResponse
  readonly #stallMs: number
  #owner: ReplyOwner | undefined
  #isStreaming = false
  #isOver = false
  #isSilent = true
  #isBlocked = false
  #hasMetBeat = false
  #stall: NodeJS.Timeout | undefined

  constructor(call: LocalRequest, { access, stallMs }: ReplySurroundings) {
    const { request, response, client, earlierTry } = call
    this.access = access
    this.#stallMs = stallMs
    this.client = client
    this.request = request
    this.earlierTry = earlierTry
    this.#response = response
    response.on('drain', () => this.#unblock())
    response.on('close', () => {
      this.#isOver = true
      this.#unblock()
      this.#owner?.closed()
      this.#owner = undefined
    })
  }

  get socket(): Socket {
    return this.request.socket
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isStreaming(): boolean {
    return this.#isStreaming
  }

  belongTo(owner: ReplyOwner): void {
    this.#owner = owner
  }

  /** One JSON document. `fields`: header fields beside the usual ones, name, value, name, value … */
  json(status: number, body: Buffer, fields: readonly string[] = []): void {
    if (this.#isOver) return
    this.#isOver = true
    const usual = ['Content-Type', 'application/json', 'Content-Length', String(body.length)]
    usual.push('Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff')
    this.#response.writeHead(status, [...usual, ...fields]).end(body)
    this.#restIfFull()
  }

  /** A status alone. */
  empty(status: number): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#response.writeHead(status, ['Content-Length', '0', 'Cache-Control', 'no-store']).end()
  }

  /** Begins an event stream. */
  stream(fields: readonly string[] = []): void {
    if (this.#isOver || this.#isStreaming) return
    this.#isStreaming = true
    const usual = [
      'Content-Type',
      'text/event-stream',
      'Cache-Control',
      'no-store',
      'X-Accel-Buffering',
      'no',
    ]
    const response = this.#response.writeHead(200, [...usual, ...fields])
    // The head travels with the first event, unless there is none yet.
    process.nextTick(() => {
      if (this.#isSilent && !this.#isOver) response.flushHeaders()
    })
  }

  /** Writes a piece of the event stream. */
  write(frame: Buffer): void {
    if (this.#isOver) return
    this.#isSilent = false
    if (!this.#response.write(frame)) this.#restIfFull()
  }

  #restIfFull(): void {
    const response = this.#response
    if (this.#isBlocked || !this.#owner || response.writableLength <= mostWaiting) return
    this.#isBlocked = true
    this.#owner.flow.block()
    this.#stall = setTimeout(() => response.destroy(), this.#stallMs)
  }

  #unblock(): void {
    if (!this.#isBlocked) return
    this.#isBlocked = false
    clearTimeout(this.#stall)
    this.#owner?.flow.unblock()
  }

  /** Ends the event stream. */
  finish(): void {
    if (this.#isOver) return
    this.stream()
    this.#isOver = true
    this.#response.end()
  }

  /** Refuses the request. */
  refuse(failure: Failure, options: Refusal = {}): void {
    const { status = statusOf(failure.code), isLast = false, id, code, fields = [] } = options
    const last = isLast ? ['Connection', 'close'] : []
    this.json(status, errorAnswer(id, failure, code), [...fields, ...last])
    limitRest(this.request)
  }

  /** Ends whatever is open with a failure. */
  end(failure: Failure, options: AnswerOptions = {}): void {
    if (this.#isOver) return
    const ids = this.#owner?.unanswered() ?? []
    if (!this.#isStreaming) {
      return this.refuse(failure, { ...options, id: ids.length === 1 ? ids[0] : undefined })
    }
    for (const id of ids) if (id !== undefined) this.write(messageFrame(errorAnswer(id, failure)))
    this.finish()
  }

  /** Called from time to time: what is silent for long is taken for dead by clients and by what lies between. */
  beat(): void {
    if (this.#isOver) return
    if (!this.#isStreaming) {
      if (this.#hasMetBeat) this.#owner?.waiting()
      this.#hasMetBeat = true
    } else if (this.#isSilent) this.#response.write(comment)
    this.#isSilent = true
  }
}

const comment = Buffer.from(':\n\n')
