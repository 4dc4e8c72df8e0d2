import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { toFailure, type Failure } from '../../shared/errors.ts'
import type { Credentials, Upstream } from '../connections/upstream.ts'
import type { Log } from '../ports.ts'
import {
  isPassable,
  isPlainEventStream,
  pageFailure,
  redirectFailure,
  redirects,
  redirectTarget,
  refusesToken,
  type AnswerHead,
} from './answer-rules.ts'
import { messageEvent, watchEventStream, type EventStreamWatch } from './event-stream.ts'
import { answerFailure, errorMessage, type AnswerOptions } from './failure-answer.ts'
import { requestHeaders, responseHeaders } from './headers.ts'
import { endReason, type Endable } from './in-flight.ts'
import { callOrigin, isRepeatable, readMessage } from './message.ts'
import { collectBody, limitRest, noBody, type RequestBody } from './request-body.ts'
import { discardAnswer, networkFailure, type Sockets, type Target } from './sockets.ts'

/** One admitted local request: who asks, and for what. */
export interface LocalCall {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** The client waits for `100 Continue` before it sends the body. */
  readonly awaitsContinue: boolean
  readonly client: string
  readonly connection: string
  readonly upstream: Upstream
}

/** What all exchanges share. */
export interface ExchangeSurroundings {
  readonly sockets: Sockets
  readonly log: Log
  /** The largest request body that is taken, in bytes. */
  readonly maxRequestBytes: () => number
}

/** How often one request may be redirected, and one call be asked for more scopes. */
const mostHops = 2
const mostStepUps = 3

/** Up to this size in bytes a body is kept while its event stream runs, for the id that an error of ours would answer. */
const mostKeptBytes = 256 * 1024

/**
 * One local request on its way to the server and back. The client gets exactly one of: the server's answer, a failure of ours, or a connection
 * that is visibly cut. When the client leaves, the server's side ends at once.
 */
export class Exchange implements Endable {
  readonly access: AbortSignal
  readonly #call: LocalCall
  readonly #around: ExchangeSurroundings
  #target: Target
  #body: RequestBody = noBody
  #credentials: Credentials | undefined
  #outgoing: ClientRequest | undefined
  #answer: IncomingMessage | undefined
  #events: EventStreamWatch | undefined
  #hold: AbortController | undefined
  #isOver = false
  #isRenewed = false
  #hops = 0
  #stepUps = 0

  constructor(call: LocalCall, around: ExchangeSurroundings) {
    this.#call = call
    this.#around = around
    this.#target = around.sockets.target(call.upstream.url)
    this.access = call.upstream.ended
  }

  /** The client app that asks. */
  get client(): string {
    return this.#call.client
  }

  get socket(): Socket {
    return this.#call.request.socket
  }

  /** Begins. `left` is called once, when nothing of the exchange remains. */
  open(left: () => void): void {
    const { request, response, awaitsContinue, upstream } = this.#call
    response.on('close', () => {
      this.#abandon()
      left()
    })
    collectBody(request, this.#around.maxRequestBytes(), {
      await: () => awaitsContinue && response.writeContinue(),
      done: (body) => {
        if (this.#isOver) return
        this.#body = body
        this.#obtain(() => upstream.credentials())
      },
      refuse: (failure) => this.end(failure),
    })
  }

  /** Ends it with a failure: by an answer where none has begun, else by an error at the end of the event stream, else by a cut. */
  end(failure: Failure, options: AnswerOptions = {}): void {
    if (this.#isOver) return
    const { request, response, client, connection } = this.#call
    this.#around.log.debug('call failed', { client, connection, code: failure.code })
    this.#abandon()
    if (this.#answer) return this.#cut(failure)
    answerFailure(response, failure, options, readMessage(this.#body).id)
    limitRest(request)
  }

  #fail(thrown: unknown): void {
    const failure = toFailure(thrown)
    if (failure.code === 'bridge.internal') this.#around.log.error('call broken', { error: thrown })
    this.end(failure)
  }

  /** Lets go of the server's side, and of a hold. */
  #abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#outgoing?.destroy()
    this.#hold?.abort()
  }

  /** Sends the request with the credentials that `ask` gives: at once where they come without a promise, as they do in nearly every call. */
  #obtain(ask: () => Credentials | Promise<Credentials>): void {
    try {
      const credentials = ask()
      if (!(credentials instanceof Promise)) return this.#send(credentials)
      credentials.then(
        (later) => this.#send(later),
        (thrown: unknown) => this.#fail(thrown),
      )
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #send(credentials: Credentials): void {
    if (this.#isOver) return
    if (this.access.aborted) return this.end(endReason(this.access))
    this.#credentials = credentials
    const { method = '', rawHeaders } = this.#call.request
    const { chunks, length } = this.#body
    const bodyLength = length > 0 || method === 'POST' ? length : undefined
    try {
      const headers = requestHeaders(rawHeaders, credentials, this.#target.host, bodyLength)
      const outgoing = this.#target.request(method, headers)
      this.#outgoing = outgoing
      // An earlier try may still have something to say; it does not count any more.
      outgoing.on('response', (answer) => {
        if (this.#outgoing !== outgoing) return
        try {
          this.#receive(answer)
        } catch (thrown) {
          this.#fail(thrown)
        }
      })
      outgoing.on('error', (error) => {
        if (this.#outgoing === outgoing) this.#lose(networkFailure(error))
      })
      // Some ends come without an error, such as a change of protocol that nobody asked for.
      outgoing.on('close', () => {
        if (this.#outgoing === outgoing) this.#lose({ code: 'gateway.stream_cut' })
      })
      for (const chunk of chunks) outgoing.write(chunk)
      outgoing.end()
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #receive(answer: IncomingMessage): void {
    const { statusCode: status = 0, headers } = answer
    const head: AnswerHead = { status, headers }
    if (status === 200 || status === 202) return this.#relay(answer, head)
    if (refusesToken(head)) return this.#renew(answer)
    const challenge = headers['www-authenticate']
    if (challenge !== undefined && this.#call.upstream.asksStepUp(status, challenge)) {
      return this.#askForMore(answer, challenge)
    }
    if (redirects(head)) return this.#follow(answer, head)
    this.#relay(answer, head)
  }

  /** No answer came: one more try, where an idle connection had died and a second time does no harm. */
  #lose(failure: Failure): void {
    if (this.#isOver || this.#answer) return
    const { method = '' } = this.#call.request
    const hadDied = this.#outgoing?.reusedSocket === true && failure.code === 'gateway.stream_cut'
    if (hadDied && this.#credentials && isRepeatable(method, this.#body)) {
      // What else is idle may have died with it. On a connection that is new there is no second repetition.
      this.#around.sockets.dropIdle()
      return this.#send(this.#credentials)
    }
    this.end(failure)
  }

  #renew(answer: IncomingMessage): void {
    this.#discard(answer)
    const used = this.#credentials
    if (this.#isRenewed || !used) return this.end({ code: 'server.refused_token' })
    this.#isRenewed = true
    this.#obtain(() => this.#call.upstream.refused(used, answer.headers['www-authenticate']))
  }

  #askForMore(answer: IncomingMessage, challenge: string): void {
    this.#discard(answer)
    const { client, request, upstream } = this.#call
    const used = this.#credentials
    if (++this.#stepUps > mostStepUps || !used) return this.end({ code: 'step_up.limit' })
    // What it grants is too little, but it is good.
    upstream.accepted(used)
    const hold = new AbortController()
    this.#hold = hold
    const by = callOrigin(client, request.headers, this.#body)
    this.#obtain(() => upstream.stepUp(used, challenge, by, hold.signal))
  }

  /** Lets an answer pass that is not the last word. What happens to its connection is no concern of the call any more. */
  #discard(answer: IncomingMessage): void {
    this.#outgoing = undefined
    discardAnswer(answer)
  }

  #follow(answer: IncomingMessage, head: AnswerHead): void {
    this.#discard(answer)
    const { url } = this.#target
    const next = redirectTarget(head, url)
    if (!next || !this.#credentials || ++this.#hops > mostHops) return this.end(redirectFailure(head, url))
    this.#target = this.#around.sockets.target(next)
    this.#send(this.#credentials)
  }

  #relay(answer: IncomingMessage, head: AnswerHead): void {
    const { request, response, upstream } = this.#call
    const page = pageFailure(head)
    if (page) return this.end(page.failure, { status: page.status })
    if (!isPassable(head))
      return this.end({ code: 'server.failed', detail: 'its answer cannot be passed on' })
    if (head.status < 300 && this.#credentials) upstream.accepted(this.#credentials)
    response.writeHead(head.status, responseHeaders(answer.rawHeaders))
    this.#answer = answer
    if (request.method === 'POST' && this.#body.length <= mostKeptBytes && isPlainEventStream(head)) {
      this.#events = watchEventStream()
    } else {
      this.#body = noBody
    }
    this.#pass(answer)
  }

  #pass(answer: IncomingMessage): void {
    const { response } = this.#call
    let hasBegun = false
    answer.on('data', (chunk: Buffer) => {
      if (this.#isOver) return
      hasBegun = true
      this.#events?.push(chunk)
      // The last chunk takes the end with it, which spares a packet.
      if (answer.complete && answer.readableLength === 0) this.#finish(chunk)
      else if (!response.write(chunk)) answer.pause()
    })
    answer.on('end', () => this.#finish())
    answer.on('close', () => this.end({ code: 'gateway.stream_cut' }))
    response.on('drain', () => answer.resume())
    // The head travels with the first bytes of the body, unless there are none yet: a stream may be silent for hours. In the next tick all
    // that came in the same packet has been read.
    process.nextTick(() => {
      if (!hasBegun && !this.#isOver && !answer.complete) response.flushHeaders()
    })
  }

  #finish(lastChunk?: Buffer): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#call.response.end(lastChunk)
  }

  /** The answer has begun. An event of ours may stand between two of the server's only, and must not end a call that the client can resume. */
  #cut(failure: Failure): void {
    const { response } = this.#call
    const isResumable = failure.code === 'gateway.stream_cut' && this.#events?.hasIds() === true
    const mayAdd = this.#events?.isBetweenEvents() === true && !isResumable
    const id = mayAdd ? readMessage(this.#body).id : undefined
    if (id === undefined) response.destroy()
    else response.end(messageEvent(errorMessage(failure, id)))
  }
}
