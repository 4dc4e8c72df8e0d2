import { errors, type Failure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import type { Endable } from '../gateway/in-flight.ts'
import type { CallEnd } from './channel.ts'
import { Delivery, type DeliveryReceiver, type DeliverySurroundings, type Parcel } from './delivery.ts'
import { failureOfStatus, passedOnError } from './error-messages.ts'
import { isSameId, readMessage, withId, type RpcMessage } from './rpc-message.ts'

/** How a call is made, by the era of its client. */
export interface CallRules {
  /** The header fields of the request, asked for at every try. */
  fields(): readonly string[]
  /** Whether the same request may be made again although the server may have acted on it. */
  readonly isRepeatable: boolean
  /** Whether its answer is a stream that stays open for what happens, and is opened again when it breaks. */
  readonly listens: boolean
  /** The header fields that resume its event stream; undefined where that cannot be. */
  resumption?(lastEventId: string): readonly string[] | undefined
  /** Looks at a refusal before it is passed on; true when it sees to the rest. */
  refused?(call: Call, head: AnswerHead, error: RpcMessage | undefined): boolean
  /** What has to be known before the first try; it never rejects. */
  prepare?(): Promise<void> | undefined
  /** The call is over, however it ended. */
  left?(): void
  /** Says the answer, which has the id of the request exactly as that is written. */
  settle(answer: RpcMessage, head: AnswerHead): void
}

/** What calls of one client share. */
export interface CallSurroundings extends DeliverySurroundings {
  readonly client: string
  readonly connection: string
  /** Says a message that is not an answer, and came with the answer to this request. */
  readonly pass: (message: RpcMessage, about: RpcMessage) => void
  /** Answers a request with a failure of ours. */
  readonly fail: (request: RpcMessage, failure: Failure, head: AnswerHead) => void
  /** The call is over; its answer, if it gets one, has been said. */
  readonly left: (call: Call) => void
}

/** How often in a row a resumption may fail, and how long each waits at least, in milliseconds. */
const mostResumptions = 5
const resumeMs = 500
/** How long a server may take to end what was cancelled, in milliseconds. */
const forgetMs = 5_000
/** How long a stream that broke may wait until it is opened again, at most. */
const listenAgainMs = 30_000

/** One request of a client. It gets exactly one answer, unless the client cancels it. */
export class Call implements DeliveryReceiver, Endable {
  readonly request: RpcMessage
  readonly upstream: Upstream
  readonly access: AbortSignal
  readonly rules: CallRules
  /** For the one who keeps it. */
  place = 0
  takeOut: (() => void) | undefined
  readonly #around: CallSurroundings
  #delivery: Delivery | undefined
  #head: AnswerHead = { status: 0, headers: {} }
  #lastEventId: string | undefined
  #retryMs: number | undefined
  #tries = 0
  #isResuming = false
  #hasListened = false
  #hasBegun = false
  #isCancelled = false
  #isPaused = false
  #isOver = false
  #timer: NodeJS.Timeout | undefined
  /** What was wrong with the messages that came so far. */
  #fault: string | undefined

  constructor(request: RpcMessage, upstream: Upstream, rules: CallRules, around: CallSurroundings) {
    this.request = request
    this.upstream = upstream
    this.access = upstream.ended
    this.rules = rules
    this.#around = around
  }

  get isOver(): boolean {
    return this.#isOver
  }

  get isCancelled(): boolean {
    return this.#isCancelled
  }

  /** Whether the server may know of it. */
  get hasBegun(): boolean {
    return this.#hasBegun
  }

  /** Makes the request, as soon as everything for it is known. */
  begin(): void {
    this.#hasBegun = true
    const prepared = this.rules.prepare?.()
    if (prepared) void prepared.then(() => this.send())
    else this.send()
  }

  /** Makes the request, or makes it again. */
  send(): void {
    if (this.#isOver) return
    this.#isResuming = false
    this.#deliver('POST', this.rules.fields())
  }

  #deliver(method: 'POST' | 'GET', fields: readonly string[]): void {
    const parcel: Parcel = {
      upstream: this.upstream,
      client: this.#around.client,
      method,
      body: method === 'POST' ? this.request.bytes : undefined,
      fields,
      isRepeatable: this.rules.isRepeatable || method === 'GET',
    }
    const delivery = new Delivery(parcel, this, this.#around)
    this.#delivery = delivery
    if (this.#isPaused) delivery.pause()
    delivery.send()
  }

  pause(): void {
    this.#isPaused = true
    this.#delivery?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#delivery?.resume()
  }

  /** Nobody waits for the answer any more. What is under way at the server goes on until that ends it. */
  forget(): void {
    this.#isCancelled = true
    this.#timer ??= setTimeout(() => this.abandon(), forgetMs)
  }

  /** Closes the server's side, which cancels the request there, and says nothing. */
  abandon(): void {
    if (this.#isOver) return
    this.#delivery?.abandon()
    this.#leave()
  }

  /** Ends it with an error. */
  end(failure: Failure): void {
    if (this.#isOver) return
    const { client, connection, log } = this.#around
    log.debug('call failed', { client, connection, code: failure.code })
    this.#delivery?.abandon()
    this.#leave()
    if (!this.#isCancelled) this.#around.fail(this.request, failure, this.#head)
  }

  #leave(): void {
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#around.left(this)
  }

  accepted(head: AnswerHead): void {
    // A resumption brings the rest of an answer whose head is known.
    if (!this.#isResuming) this.#head = head
    if (this.rules.listens) this.#hasListened = true
  }

  message(bytes: Buffer): void {
    if (this.#isOver) return
    this.#tries = 0
    const message = readMessage(bytes)
    if (!message || message.kind === 'invalid') this.#fault = 'its answer is no JSON-RPC message'
    else if (message.kind !== 'answer') this.#around.pass(message, this.request)
    else if (isSameId(message.id, this.request.id)) this.#settle(message)
    else this.#fault = 'it answered with another id'
  }

  position(id: string): void {
    this.#tries = 0
    this.#lastEventId = id
  }

  retry(ms: number): void {
    this.#retryMs = ms
  }

  #settle(answer: RpcMessage): void {
    this.#delivery?.release()
    // First, so that a state that goes with the answer does not count the call as one that waits.
    this.#leave()
    if (!this.#isCancelled) this.rules.settle(asAsked(answer, this.request.id), this.#head)
  }

  ended(): void {
    if (this.#isOver) return
    if (this.#isCancelled) return this.#leave()
    if (this.#fault !== undefined) return this.end({ code: 'server.failed', detail: this.#fault })
    if (this.rules.listens) return this.#listenAgain()
    if (this.#lastEventId !== undefined && this.rules.resumption) return this.#resumeLater()
    const wasSilent = this.#head.status === 202 || this.#head.status === 204
    this.end(
      wasSilent ? { code: 'server.failed', detail: 'it gave no answer' } : { code: 'gateway.stream_cut' },
    )
  }

  failed(failure: Failure): void {
    if (this.#isOver) return
    if (this.#isCancelled) return this.#leave()
    const mayPass = errors[failure.code].fixer === 'time'
    if (mayPass && this.#hasListened) return this.#listenAgain()
    if (mayPass && this.#isResuming) return this.#resumeLater()
    this.end(failure)
  }

  refused(head: AnswerHead, body: Buffer): void {
    if (this.#isOver) return
    if (this.#isCancelled) return this.#leave()
    const message = readMessage(body)
    const error = message?.kind === 'answer' && message.errorPlace ? message : undefined
    if (this.rules.refused?.(this, head, error)) return
    if (this.#isResuming) return this.end({ code: 'gateway.stream_cut' })
    this.#head = head
    if (!error || this.request.id === undefined) return this.end(failureOfStatus(head.status))
    const isItsOwn = isSameId(error.id, this.request.id)
    const bytes = isItsOwn ? error.bytes : passedOnError(this.request.id, error)
    const answer = bytes && readMessage(bytes)
    if (answer) this.#settle(answer)
    else this.end(failureOfStatus(head.status))
  }

  #resumeLater(): void {
    if (++this.#tries > mostResumptions) return this.end({ code: 'gateway.stream_cut' })
    const ms = Math.max(this.#retryMs ?? resumeMs, this.#tries > 1 ? resumeMs * 2 ** (this.#tries - 1) : 0)
    this.#timer = setTimeout(() => this.#resumeNow(), ms)
  }

  #resumeNow(): void {
    const fields = this.#lastEventId === undefined ? undefined : this.rules.resumption?.(this.#lastEventId)
    if (!fields) return this.end({ code: 'gateway.stream_cut' })
    this.#isResuming = true
    this.#deliver('GET', fields)
  }

  #listenAgain(): void {
    const ms = Math.min(resumeMs * 2 ** this.#tries++, listenAgainMs)
    this.#timer = setTimeout(() => this.send(), ms)
  }
}

/** How a call ended that the server answered. */
export function endOf({ errorPlace }: RpcMessage, { status }: AnswerHead): CallEnd {
  return { status, isError: errorPlace !== undefined }
}

/** An answer with the id of its request as that is written: some servers write it anew, such as a number with more digits than they keep. */
export function asAsked(answer: RpcMessage, id: string | undefined): RpcMessage {
  if (answer.id === id || id === undefined) return answer
  return readMessage(withId(answer, id)) ?? answer
}
