import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Failure } from '../../shared/errors.ts'
import { EventFilter } from '../access/answer-filter.ts'
import type { HttpGate, Passage } from '../access/http-gate.ts'
import { noteOfTools, toolsChanged } from '../access/tool-changes.ts'
import type { CallOrigin, Credentials, Upstream } from '../connections/upstream.ts'
import type { Host } from '../hosting/host.ts'
import { clientEraOf } from '../hosting/request-rules.ts'
import { eraRefusal, type EraMemory } from '../translation/era.ts'
import { isPlainBody, isPlainEventStream, type AnswerHead } from './answer-rules.ts'
import { canBeHosted, decodedBody, mayBeEraRefusal, mendedBySignIn, mostRefusalBytes } from './hand-over.ts'
import { messageEvent, watchEventStream, type EventStreamWatch } from './event-stream.ts'
import { answerFailure, errorMessage, type AnswerOptions } from './failure-answer.ts'
import { requestHeaders, responseHeaders, withLength, withPlainAnswer } from './headers.ts'
import type { Endable } from './in-flight.ts'
import { callOrigin, isRepeatable, readMessage } from './message.ts'
import { collectBody, limitRest, noBody, type RequestBody } from './request-body.ts'
import { collectFiltered } from './whole-answer.ts'
import { ServerRequest, type Question, type RequestSurroundings } from './server-request.ts'
import { discardAnswer } from './sockets.ts'

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
export interface ExchangeSurroundings extends RequestSurroundings {
  readonly gate: HttpGate
  /** The largest request body that is taken, in bytes. */
  readonly maxRequestBytes: () => number
  /** Takes over what cannot be passed on as it is. */
  readonly host: Pick<Host, 'serve'> | undefined
  readonly eras: Pick<EraMemory, 'eraOf'> | undefined
}

/** Up to this size in bytes a body is kept while its event stream runs, for the id that an error of ours would answer. */
const mostKeptBytes = 256 * 1024

/**
 * One local request on its way to the server and back. The client gets exactly one of: the server's answer, a failure of ours, or a connection
 * that is visibly cut. When the client leaves, the server's side ends at once.
 */
export class Exchange implements Endable, Question {
  readonly upstream: Upstream
  readonly method: string
  readonly access: AbortSignal
  readonly #call: LocalCall
  readonly #around: ExchangeSurroundings
  #body: RequestBody = noBody
  #passage: Passage | undefined
  #asked: ServerRequest | undefined
  #answer: IncomingMessage | undefined
  #events: EventStreamWatch | undefined
  #filter: EventFilter | undefined
  #status = 0
  /** Whether a part of the answer's body has come. */
  #hasBegun = false
  #isOver = false
  #isHandedOver = false

  constructor(call: LocalCall, around: ExchangeSurroundings) {
    this.#call = call
    this.#around = around
    this.upstream = call.upstream
    this.method = call.request.method ?? ''
    this.access = call.upstream.ended
  }

  get body(): RequestBody {
    return this.#body
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
    const { request, response, awaitsContinue } = this.#call
    response.on('close', () => {
      // What the host has refused before it was a call to it has no other end.
      const isRefused = this.#isHandedOver && response.writableEnded
      this.#passage?.record.end({ outcome: isRefused ? 'refused' : 'cancelled' })
      this.#abandon()
      left()
    })
    collectBody(request, this.#around.maxRequestBytes(), {
      await: () => awaitsContinue && response.writeContinue(),
      done: (body) => {
        if (this.#isOver) return
        this.#body = body
        this.#enter()
      },
      refuse: (failure) => this.end(failure),
    })
  }

  /** Asks the gate first. Nothing is sent to the server before. */
  #enter(): void {
    const { request, client, connection } = this.#call
    const { headers } = request
    const visit = { client, connection, method: this.method, headers, body: this.#body }
    this.#passage = this.#around.gate.look(visit)
    this.#passage.enter(this)
  }

  go(): void {
    if (this.#isOver) return
    this.#asked = new ServerRequest(this, this.#around)
    this.#asked.send()
  }

  refuse(failure: Failure): void {
    this.end(failure)
  }

  /** What the client may use has changed. */
  review(): void {
    const { client, connection, response } = this.#call
    const passage = this.#passage
    if (!passage || this.#isOver) return
    if (!this.#around.gate.policyOf(client, connection).isOpen) {
      passage.record.end({ outcome: 'refused', code: 'access.connection_denied' })
      return this.end({ code: 'connection.unknown' })
    }
    if (!passage.hasNewTools()) return
    if (this.#answer && this.#events?.isBetweenEvents()) this.#tellOfTools()
    // An answer that has not begun is looked at when it does.
    if (!this.#answer || !passage.beginsToFilter()) return
    if (this.method !== 'GET') return this.end({ code: 'gateway.stream_cut' })
    // The client opens its stream again, and then that is looked through.
    this.#abandon()
    response.end()
  }

  #tellOfTools(): void {
    const isOwn = this.method === 'GET'
    // Of a subscription nothing may come before its acknowledgment.
    if (!isOwn && !this.#hasBegun) return
    const note = isOwn ? toolsChanged() : noteOfTools(Buffer.concat(this.#body.chunks))
    if (note) this.#call.response.write(messageEvent(note.bytes.toString()))
  }

  /** Ends it with a failure: by an answer where none has begun, else by an error at the end of the event stream, else by a cut. */
  end(failure: Failure, options: AnswerOptions = {}): void {
    if (this.#isOver) return
    const { request, response, client, connection } = this.#call
    this.#around.log.debug('call failed', { client, connection, code: failure.code })
    this.#passage?.record.end({ outcome: 'failed', code: failure.code })
    this.#abandon()
    if (this.#answer) return this.#cut(failure)
    answerFailure(response, failure, options, readMessage(this.#body).id)
    limitRest(request)
  }

  /** Lets go of the server's side, and of a hold. */
  #abandon(): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#passage?.leave()
    this.#asked?.abandon()
  }

  headers(credentials: Credentials, host: string): string[] {
    const { length } = this.#body
    const bodyLength = length > 0 || this.method === 'POST' ? length : undefined
    const { rawHeaders } = this.#call.request
    const fields = this.#passage?.isFiltered ? withPlainAnswer(rawHeaders) : rawHeaders
    return requestHeaders(fields, credentials, host, bodyLength)
  }

  isRepeatable(): boolean {
    return isRepeatable(this.method, this.#body)
  }

  origin(): CallOrigin {
    return callOrigin(this.#call.client, this.#call.request.headers, this.#body)
  }

  failed(failure: Failure, status?: number): void {
    if (mendedBySignIn.has(failure.code) && this.#handOver(true)) return
    // Where there is no such endpoint, many servers answer with a page.
    if (status !== undefined && this.#refusesEra({ status, headers: {} }) && this.#handOver(false)) return
    this.end(failure, status === undefined ? {} : { status })
  }

  answered(answer: IncomingMessage, head: AnswerHead): void {
    if (this.#isOver) return
    if (this.#passage?.beginsToFilter() && !isPlainBody(head)) return this.#askAgain(answer)
    if (this.#mayRefuseEra(head)) return this.#weigh(answer, head)
    this.#relay(answer, head)
  }

  /** The answer must be looked through, which was not known when it was asked for, and cannot be. */
  #askAgain(answer: IncomingMessage): void {
    discardAnswer(answer)
    if (this.isRepeatable()) this.go()
    else this.end({ code: 'gateway.stream_cut' })
  }

  /** Whether the answer may mean that the server does not speak the client's era. Within a session, and where it is known, it cannot. */
  #mayRefuseEra(head: AnswerHead): boolean {
    const { host, eras } = this.#around
    if (!host || this.method !== 'POST' || !mayBeEraRefusal(head)) return false
    const { request, connection } = this.#call
    if (eras?.eraOf(connection) !== undefined) return false
    if (clientEraOf(request.headers) === 'modern') return true
    return request.headers['mcp-session-id'] === undefined && readMessage(this.#body).method === 'initialize'
  }

  #refusesEra(head: AnswerHead, body: Buffer = Buffer.alloc(0)): boolean {
    return this.#mayRefuseEra(head) && eraRefusal(clientEraOf(this.#call.request.headers), head, body)
  }

  /** Reads a refusal before it is passed on, since another way to the server may be open. */
  #weigh(answer: IncomingMessage, head: AnswerHead): void {
    const chunks: Buffer[] = []
    let length = 0
    const collect = (chunk: Buffer): void => {
      chunks.push(chunk)
      length += chunk.length
      if (length > mostRefusalBytes) settle()
    }
    const settle = (): void => {
      answer.off('data', collect).off('end', settle).off('close', settle)
      if (this.#isOver) return
      if (answer.destroyed && !answer.readableEnded) return this.end({ code: 'gateway.stream_cut' })
      const begun = Buffer.concat(chunks)
      const body = answer.readableEnded ? decodedBody(begun, head) : undefined
      if (body && this.#refusesEra(head, body) && this.#handOver(false)) return
      this.#relay(answer, head, begun)
    }
    answer.on('data', collect).on('end', settle).on('close', settle)
  }

  /** Lets the host go on with a request of which the client has seen nothing yet. */
  #handOver(isOutOfSession: boolean): boolean {
    const { host } = this.#around
    const { request, response, client, connection } = this.#call
    const body = this.#body
    if (!host || this.#isOver || this.#answer || !canBeHosted(request, body)) return false
    this.#isOver = true
    this.#isHandedOver = true
    // The host's own gate judges it by the rules of now, but asks nobody twice and goes on with the same record.
    const earlierTry = { call: this.#passage?.record.call, isApproved: this.#passage?.isApproved === true }
    const call = { request, response, awaitsContinue: false, client, connection }
    host.serve({ ...call, body, isOutOfSession, earlierTry })
    return true
  }

  #relay(answer: IncomingMessage, head: AnswerHead, begun?: Buffer): void {
    const { response } = this.#call
    this.#status = head.status
    const passage = this.#passage
    const isStream = isPlainEventStream(head)
    // What was read already is a refusal, in which no client looks for tools.
    if (passage?.isFiltered && !begun) {
      if (!isStream) return this.#passFiltered(answer, head, passage)
      this.#filter = new EventFilter(() => passage.rules, this.#around.maxRequestBytes())
    }
    response.writeHead(head.status, responseHeaders(answer.rawHeaders))
    this.#answer = answer
    if (isStream && this.#body.length <= mostKeptBytes) this.#events = watchEventStream()
    else this.#body = noBody
    if (begun) {
      passage?.record.took(begun, true)
      this.#events?.push(begun)
      this.#hasBegun = true
      if (answer.readableEnded) return this.#finish(begun)
      response.write(begun)
    }
    this.#pass(answer)
  }

  /** Passes an answer on once it has come whole and has been looked through. */
  #passFiltered(answer: IncomingMessage, head: AnswerHead, passage: Passage): void {
    const { response } = this.#call
    const options = { rules: () => passage.rules, mostBytes: this.#around.maxRequestBytes() }
    collectFiltered(answer, head, options, {
      done: (body) => {
        if (this.#isOver) return
        const length = body.length > 0 ? body.length : undefined
        response.writeHead(head.status, withLength(responseHeaders(answer.rawHeaders), length))
        passage.record.took(body, true)
        this.#finish(body)
      },
      failed: (failure) => this.end(failure),
    })
  }

  #pass(answer: IncomingMessage): void {
    const { response } = this.#call
    const record = this.#passage?.record
    answer.on('data', (received: Buffer) => {
      if (this.#isOver) return
      const chunk = this.#filter ? this.#filter.push(received) : received
      if (!chunk) return this.end({ code: 'network.too_large', detail: 'a message' })
      record?.took(chunk, !this.#hasBegun || this.#events !== undefined)
      this.#hasBegun = true
      this.#events?.push(chunk)
      // The last chunk takes the end with it, which spares a packet.
      if (answer.complete && answer.readableLength === 0) this.#finish(chunk)
      else if (chunk.length > 0 && !response.write(chunk)) answer.pause()
    })
    answer.on('end', () => this.#finish())
    answer.on('close', () => this.end({ code: 'gateway.stream_cut' }))
    response.on('drain', () => answer.resume())
    // The head travels with the first bytes of the body, unless there are none yet: a stream may be silent for hours. In the next tick all
    // that came in the same packet has been read.
    process.nextTick(() => {
      if (!this.#hasBegun && !this.#isOver && !answer.complete) response.flushHeaders()
    })
  }

  #finish(lastChunk?: Buffer): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#passage?.record.answered(this.#status)
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
