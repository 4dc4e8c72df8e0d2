import { errors, type Failure } from '../../shared/errors.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import { asAsked, endOf } from './call.ts'
import type { CallEnd, Channel, Json, PendingRequest } from './channel.ts'
import type { Delivery } from './delivery.ts'
import { errorAnswer, failureOfStatus, passedOnError } from './error-messages.ts'
import type { HttpChannelOptions, HttpChannelSurroundings } from './http-channel.ts'
import { ServerQuestions } from './server-questions.ts'
import { cancelledId, readMessage, type RpcMessage } from './rpc-message.ts'
import { SseCalls, type SseCall } from './sse-calls.ts'
import { SseKeeper, type SseTimes } from './sse-keeper.ts'
import type { SseLink } from './sse-link.ts'

/** What the channels of one bridge share. */
export type SseChannelSurroundings = Omit<HttpChannelSurroundings, 'tools'>

/** Whose channel it is, and where it leads. */
export interface SseChannelOptions extends HttpChannelOptions {
  /** A link that was opened to find out what the server speaks. */
  readonly link?: SseLink | undefined
  readonly times?: Partial<SseTimes>
}

/** How many notifications and answers of the client may wait for a link. */
const mostNotes = 8_192
/** How long a POST may go on whose request is over, in milliseconds. */
const lateMs = 5_000

/**
 * The way of one client of the older era to a server that speaks HTTP+SSE: what the client says is posted as it is, and answers come on one event
 * stream, found by their ids. There is no stream before the first message. When it breaks, another one is opened, the session is begun anew,
 * and what does no harm a second time is asked again; every other request under way is answered with an error.
 * @see [MCP 2024-11-05, HTTP with SSE](https://modelcontextprotocol.io/specification/2024-11-05/basic/transports#http-with-sse)
 */
export class SseChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #options: SseChannelOptions
  readonly #around: SseChannelSurroundings
  readonly #keeper: SseKeeper
  readonly #calls = new SseCalls()
  /** What has not been posted yet, in order. */
  #queue: (SseCall | RpcMessage)[] = []
  /** What has to be over before the next message is posted. */
  #holder: object | undefined
  readonly #questions = new ServerQuestions()
  #isFlushing = false

  constructor(options: SseChannelOptions, around: SseChannelSurroundings) {
    const { client, connection, link, times } = options
    this.#options = options
    this.#around = around
    const host = {
      client: client.name,
      around,
      times,
      upstream: () => around.upstreams.get(connection),
      ready: () => this.#flush(),
      message: (message: RpcMessage) => this.#receive(message),
      cut: (failure: Failure) => this.#cut(failure),
      failed: (failure: Failure) => this.#failWaiting(failure),
    }
    this.#keeper = new SseKeeper(host, link)
  }

  get awaited(): number {
    return this.#calls.size
  }

  take(message: RpcMessage): void {
    if (message.kind === 'request') this.#takeRequest(message)
    else if (message.method === 'notifications/cancelled') this.#cancel(message)
    else this.#takeNote(message)
  }

  pending(): PendingRequest[] {
    return this.#calls
      .all()
      .map(({ request, isRepeatable, isPosted }) =>
        isRepeatable || !isPosted ? { message: request } : { id: request.id },
      )
  }

  session(): Json {
    return this.#keeper.toJson()
  }

  restore(session: Json): boolean {
    const upstream = this.#around.upstreams.get(this.#options.connection)
    return session === null || (upstream !== undefined && this.#keeper.restore(session, upstream))
  }

  giveUp(failure: Failure): void {
    // What waits is left to the other bridge.
    this.#holder = this
    for (const call of this.#calls.posted()) if (!call.isRepeatable) this.#end(call, failure)
  }

  pause(): void {
    this.#keeper.pause()
  }

  resume(): void {
    this.#keeper.resume()
  }

  close(): void {
    this.#queue = []
    // The stream is the session: its end is the end of both.
    this.#keeper.close()
  }

  #takeRequest(request: RpcMessage): void {
    const refusal = this.#calls.refusal(request)
    if (refusal) return this.#refuse(request, refusal)
    if (request.method === 'initialize' && this.#keeper.begin()) this.#endSession()
    this.#queue.push(this.#calls.add(request))
    this.#flush()
  }

  #takeNote(message: RpcMessage): void {
    if (this.#queue.length >= mostNotes) return this.#log(message, { code: 'gateway.too_many_calls' })
    this.#queue.push(message)
    this.#flush()
  }

  #cancel(message: RpcMessage): void {
    const call = this.#calls.find(cancelledId(message))
    if (!call) return
    this.#queue = this.#queue.filter((one) => one !== call)
    this.#leave(call)
    this.#options.client.dropped(call.request)
    if (call.isPosted) this.#takeNote(message)
    else this.#flush()
  }

  /** The client begins anew: nothing that it said before has a place in the next session. */
  #endSession(): void {
    this.#queue = []
    this.#holder = undefined
    this.#questions.withdraw()
    for (const call of this.#calls.all()) this.#end(call, { code: 'gateway.session_lost' })
  }

  #flush(): void {
    // A post that fails at once would come back here, once for each that waits.
    if (this.#isFlushing) return
    this.#isFlushing = true
    while (this.#keeper.isReady && !this.#keeper.isBusy && !this.#holder) {
      const next = this.#queue.shift()
      if (!next) break
      if ('request' in next) this.#postCall(next)
      else this.#postNote(next)
    }
    this.#isFlushing = false
    if (this.#queue.length > 0) this.#keeper.want()
  }

  #postCall(call: SseCall): void {
    call.isPosted = true
    if (call.request.method === 'initialize') this.#holder = call
    call.post = this.#keeper.post(call.request, {
      accepted: ({ status }) => void (call.status = status),
      ended: () => {
        call.post = undefined
        this.#flush()
      },
      refused: (head, body) => {
        call.post = undefined
        if (!call.isOver) this.#refused(call, head, body)
      },
      failed: (failure) => {
        call.post = undefined
        this.#end(call, failure)
      },
    })
  }

  #postNote(message: RpcMessage): void {
    if (message.kind === 'answer' && !this.#questions.settle(message)) {
      // What it answers was asked in a session that is over.
      return this.#log(message, { code: 'gateway.session_lost' })
    }
    const isReady = message.method === 'notifications/initialized'
    if (isReady) this.#holder = message
    const done = (): void => {
      if (this.#holder === message) this.#holder = undefined
      this.#flush()
    }
    this.#keeper.post(message, {
      ended: done,
      refused: ({ status }) => {
        this.#log(message, failureOfStatus(status))
        if (status === 404) this.#renounce()
        else done()
      },
      failed: (failure) => {
        this.#log(message, failure)
        done()
      },
    })
  }

  #refused(call: SseCall, { status }: AnswerHead, body: Buffer): void {
    call.status = status
    const { request } = call
    if (status === 404 && request.method !== 'initialize') return this.#renounce()
    const message = readMessage(body)
    if (message?.kind === 'answer' && message.errorPlace) this.#settleUnassigned(call, message)
    else this.#end(call, failureOfStatus(status))
  }

  /** The server knows no session at the place that it named. */
  #renounce(): void {
    this.#keeper.renounce({ code: 'gateway.stream_cut' }, { code: 'gateway.session_lost' })
  }

  #receive(message: RpcMessage): void {
    const { kind, id } = message
    if (kind === 'answer' || kind === 'invalid') {
      const call = this.#calls.find(id)
      if (kind === 'invalid') return call?.isPosted ? this.#end(call, notJsonRpc) : undefined
      return call?.isPosted ? this.#settle(call, message) : this.#takeStray(message)
    }
    this.#questions.note(message)
    this.#options.client.pass(message, this.#calls.requestOf(message))
  }

  #takeStray(message: RpcMessage): void {
    const meant = this.#calls.takeStray(message)
    const [only, other] = meant
    const isUnassigned = message.id === undefined || message.id === 'null'
    if (only && !other && isUnassigned && message.errorPlace) return this.#settleUnassigned(only, message)
    for (const call of meant) this.#end(call, otherId)
  }

  /** The server gave an error without an id, as it does when it cannot read a message. */
  #settleUnassigned(call: SseCall, error: RpcMessage): void {
    const bytes = passedOnError(call.request.id ?? 'null', error)
    const answer = bytes && readMessage(bytes)
    if (answer) this.#settle(call, answer)
    else this.#end(call, notJsonRpc)
  }

  #settle(call: SseCall, received: RpcMessage): void {
    const { client } = this.#options
    const { request, status } = call
    const answer = asAsked(received, request.id)
    const end = endOf(answer, { status: status === 0 ? 200 : status, headers: {} })
    this.#leave(call)
    if (request.method === 'initialize') {
      this.#keeper.agreed(request, answer)
      client.answerWithSession(request, answer.bytes, end)
    } else {
      if (!answer.errorPlace) this.#keeper.session?.note(request)
      client.answer(request, answer.bytes, end)
    }
    this.#flush()
  }

  /** Ends a call with an error of ours. */
  #end(call: SseCall, failure: Failure): void {
    if (call.isOver) return
    this.#leave(call)
    this.#refuse(call.request, failure, call.status)
    this.#flush()
  }

  #leave(call: SseCall): void {
    this.#calls.remove(call)
    if (this.#holder === call) this.#holder = undefined
    const { post } = call
    if (post) setTimeout(() => this.#drop(post), lateMs).unref()
    if (this.#calls.size === 0) this.onIdle?.()
  }

  #drop(post: Delivery): void {
    this.#keeper.drop(post)
    this.#flush()
  }

  #cut(failure: Failure): void {
    const { client } = this.#options
    this.#holder = undefined
    const mayPass = errors[failure.code].fixer === 'time' || failure.code === 'gateway.session_lost'
    const posted = this.#calls.posted()
    const repeated = posted.filter(({ mayBeRepeated }) => mayPass && mayBeRepeated)
    const lost = posted.filter((call) => !repeated.includes(call))
    for (const call of repeated) {
      call.repetitions++
      call.isPosted = false
    }
    this.#queue.unshift(...repeated)
    // Another session would take the client's answers for those to requests of its own.
    for (const note of this.#questions.withdraw()) client.pass(note)
    for (const call of lost) this.#end(call, failure)
  }

  #failWaiting(failure: Failure): void {
    const waiting = this.#queue
    this.#queue = []
    for (const one of waiting) if ('request' in one) this.#end(one, failure)
  }

  #refuse(request: RpcMessage, failure: Failure, status = 0): void {
    this.#log(request, failure)
    const end: CallEnd = status === 0 ? { failure } : { failure, status }
    this.#options.client.answer(request, errorAnswer(request.id, failure), end)
  }

  #log(message: RpcMessage, { code }: Failure): void {
    const { connection, client } = this.#options
    this.#around.log.debug('call failed', { client: client.name, connection, method: message.method, code })
  }
}

const otherId: Failure = { code: 'server.failed', detail: 'it answered with another id' }
const notJsonRpc: Failure = { code: 'server.failed', detail: 'its answer is no JSON-RPC message' }
