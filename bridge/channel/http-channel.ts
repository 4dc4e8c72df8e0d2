import type { Failure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { InFlight } from '../gateway/in-flight.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { Call, type CallRules, type CallSurroundings } from './call.ts'
import type { CallEnd, Channel, ChannelClient, Json, PendingRequest } from './channel.ts'
import { Delivery, type DeliverySurroundings } from './delivery.ts'
import { errorAnswer } from './error-messages.ts'
import { mirror } from './mirrored-headers.ts'
import { cancelledId, isSameId, readMessage, type RpcMessage } from './rpc-message.ts'
import { SessionKeeper, type SessionHost } from './session-keeper.ts'
import { statelessRules } from './stateless-rules.ts'
import type { ToolCatalogue } from './tool-catalogue.ts'
import { Turns } from './turns.ts'

/** What the channels of one bridge share. */
export interface HttpChannelSurroundings extends DeliverySurroundings {
  readonly upstreams: { get(connection: string): Upstream | undefined }
  readonly inFlight: InFlight
  readonly tools: (upstream: Upstream) => ToolCatalogue
}

/** Whose channel it is, and where it leads. */
export interface HttpChannelOptions {
  readonly connection: string
  readonly client: ChannelClient
}

/** How many requests of one client may be under way, and how many bytes they may have together. */
const mostCalls = 4_096
const mostBytesUnderWay = 256 * 1024 * 1024

/**
 * The way of one client to one server that speaks its own era, over Streamable HTTP: every message is a POST of the bytes that came, and every
 * message of the server is a line.
 * @see [MCP 2026-07-28, Streamable HTTP](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http)
 * @see [MCP 2025-11-25, Streamable HTTP](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http)
 */
export class HttpChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #options: HttpChannelOptions
  readonly #around: HttpChannelSurroundings
  readonly #keeper: SessionKeeper
  readonly #callSurroundings: CallSurroundings
  readonly #gone = new AbortController()
  readonly #calls: Call[] = []
  readonly #turns = new Turns()
  readonly #notes = new Set<Delivery>()
  /** What waits for a session, in order. */
  #waiting: RpcMessage[] = []
  #holds = 0
  #awaited = 0
  #bytesUnderWay = 0
  #isPaused = false

  constructor(options: HttpChannelOptions, around: HttpChannelSurroundings) {
    this.#options = options
    this.#around = around
    const { client, connection } = options
    const host: SessionHost = {
      client: client.name,
      around,
      gone: this.#gone.signal,
      upstream: () => around.upstreams.get(connection),
      pass: (message, about) => this.#pass(message, about),
      answer: (request, bytes, end) => client.answer(request, bytes, end),
      answerWithSession: (request, bytes, end) => client.answerWithSession(request, bytes, end),
      hold: (until) => this.#hold(until),
    }
    this.#keeper = new SessionKeeper(host)
    this.#callSurroundings = {
      ...around,
      client: client.name,
      connection,
      pass: host.pass,
      fail: (request, failure, { status }) => this.#answerFailure(request, failure, status),
      left: (call) => this.#left(call),
    }
  }

  get awaited(): number {
    return this.#awaited + this.#waiting.length
  }

  take(message: RpcMessage): void {
    if (this.#holds === 0) return this.#takeNow(message)
    if (message.method === 'notifications/cancelled' && this.#cancelWaiting(message)) return
    if (message.kind === 'request' && this.#waiting.length >= mostCalls) {
      return this.#refuse(message, { code: 'gateway.too_many_calls' })
    }
    this.#waiting.push(message)
  }

  restore(session: Json): boolean {
    const upstream = this.#around.upstreams.get(this.#options.connection)
    return session === null || (upstream !== undefined && this.#keeper.restore(session, upstream))
  }

  pending(): PendingRequest[] {
    const called = this.#calls
      .filter((call) => !call.isCancelled)
      .map(({ request, rules, hasBegun }) =>
        rules.isRepeatable || !hasBegun ? { message: request } : { id: request.id },
      )
    // What waits has not been sent at all.
    const waiting = this.#waiting.filter(({ kind }) => kind === 'request').map((message) => ({ message }))
    return [...called, ...waiting]
  }

  session(): Json {
    return this.#keeper.toJson()
  }

  pause(): void {
    this.#isPaused = true
    this.#keeper.pause()
    for (const call of this.#calls) call.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#keeper.resume()
    for (const call of this.#calls) call.resume()
  }

  giveUp(failure: Failure): void {
    // What has no turn yet is left to the other bridge.
    this.#turns.clear()
    const lost = this.#calls.filter(({ rules, hasBegun }) => hasBegun && !rules.isRepeatable)
    for (const call of lost) call.end(failure)
  }

  close(isForGood: boolean): void {
    this.#gone.abort()
    this.#waiting = []
    for (const note of this.#notes) note.abandon()
    this.#turns.clear()
    // A copy: each of them leaves the list.
    for (const call of this.#calls.slice()) call.abandon()
    if (isForGood) this.#keeper.end()
    else this.#keeper.leave()
  }

  #takeNow(message: RpcMessage): void {
    const upstream = this.#around.upstreams.get(this.#options.connection)
    if (message.kind === 'request') this.#request(message, upstream)
    else if (message.method === 'notifications/cancelled') this.#cancel(message, upstream)
    else if (upstream) this.#tell(message, upstream)
  }

  #request(request: RpcMessage, upstream: Upstream | undefined): void {
    if (!upstream) return this.#refuse(request, { code: 'connection.unknown' })
    const bytes = this.#bytesUnderWay + request.bytes.length
    if (this.#calls.length >= mostCalls || bytes > mostBytesUnderWay) {
      return this.#refuse(request, { code: 'gateway.too_many_calls' })
    }
    this.#call(request, upstream, this.#rulesFor(request, upstream))
  }

  #rulesFor(request: RpcMessage, upstream: Upstream): CallRules {
    if (request.method === 'initialize') return this.#keeper.beginning(request, upstream)
    const mirrored = this.#keeper.isOpen ? undefined : mirror(request)
    if (!mirrored) return this.#keeper.rulesFor(request)
    const { client } = this.#options
    return statelessRules(request, mirrored, {
      upstream,
      client: client.name,
      around: this.#around,
      catalogue: this.#around.tools(upstream),
      answer: (bytes, end) => client.answer(request, bytes, end),
    })
  }

  #call(request: RpcMessage, upstream: Upstream, rules: CallRules): void {
    const call = new Call(request, upstream, rules, this.#callSurroundings)
    call.place = this.#calls.push(call) - 1
    call.takeOut = this.#around.inFlight.add(call)
    this.#bytesUnderWay += request.bytes.length
    if (!rules.listens) this.#awaited++
    if (this.#isPaused) call.pause()
    this.#turns.take(call)
  }

  #left(call: Call): void {
    const last = this.#calls.pop()
    if (last && last !== call) {
      this.#calls[call.place] = last
      last.place = call.place
    }
    call.takeOut?.()
    this.#bytesUnderWay -= call.request.bytes.length
    if (!call.rules.listens && !call.isCancelled) this.#awaited--
    call.rules.left?.()
    this.#turns.left(call)
    if (this.awaited === 0) this.onIdle?.()
  }

  /** Of the current revision only requests are sent, and cancelling one is closing it; the older era is told in words. */
  #cancel(message: RpcMessage, upstream: Upstream | undefined): void {
    const id = cancelledId(message)
    const meant = this.#calls.filter(
      ({ request, isCancelled }) => id !== undefined && !isCancelled && isSameId(request.id, id),
    )
    const { isOpen } = this.#keeper
    for (const call of meant) {
      // It goes on at the server, and nobody waits for it.
      if (isOpen) call.forget()
      else call.abandon()
      if (isOpen && !call.rules.listens) this.#awaited--
      this.#options.client.dropped(call.request)
    }
    if (isOpen && upstream) this.#tell(message, upstream)
    if (meant.length > 0 && this.awaited === 0) this.onIdle?.()
  }

  #cancelWaiting(message: RpcMessage): boolean {
    const id = cancelledId(message)
    const meant = this.#waiting.filter((one) => one.kind === 'request' && isSameId(one.id, id))
    this.#waiting = this.#waiting.filter((one) => !meant.includes(one))
    for (const request of meant) this.#options.client.dropped(request)
    return meant.length > 0
  }

  /** Delivers a notification or an answer, for which the client expects nothing. */
  #tell(message: RpcMessage, upstream: Upstream): void {
    const isReady = message.method === 'notifications/initialized'
    let over = (): void => undefined
    if (isReady) this.#hold(new Promise<void>((resolve) => (over = resolve)))
    const finish = (): void => {
      this.#notes.delete(delivery)
      if (isReady) this.#keeper.initialized()
      over()
    }
    const parcel = {
      upstream,
      client: this.#options.client.name,
      method: 'POST',
      body: message.bytes,
      fields: [...(mirror(message)?.fields ?? []), ...this.#keeper.fields],
      isRepeatable: isRepeatableMethod(message.method),
    } as const
    const delivery = new Delivery(
      parcel,
      {
        message: (bytes) => this.#passBytes(bytes),
        ended: finish,
        refused: (head, body) => {
          this.#log(message, { code: 'server.failed', detail: `it answered ${head.status}` })
          const error = readMessage(body)
          this.#keeper.refusedNote(head, error?.kind === 'answer' ? error : undefined)
          finish()
        },
        failed: (failure) => {
          this.#log(message, failure)
          finish()
        },
      },
      this.#around,
    )
    this.#notes.add(delivery)
    delivery.send()
  }

  #hold(until: Promise<unknown>): void {
    this.#holds++
    const release = (): void => {
      this.#holds--
      while (this.#holds === 0 && !this.#gone.signal.aborted) {
        const next = this.#waiting.shift()
        if (!next) break
        this.#takeNow(next)
      }
      if (this.awaited === 0) this.onIdle?.()
    }
    until.then(release, release)
  }

  #passBytes(bytes: Buffer): void {
    const message = readMessage(bytes)
    if (message?.kind === 'request' || message?.kind === 'notification') this.#pass(message)
  }

  #pass(message: RpcMessage, about?: RpcMessage): void {
    if (message.method === 'notifications/tools/list_changed') {
      const upstream = this.#around.upstreams.get(this.#options.connection)
      if (upstream) this.#around.tools(upstream).forget()
    }
    this.#options.client.pass(message, about)
  }

  #refuse(request: RpcMessage, failure: Failure): void {
    this.#log(request, failure)
    this.#answerFailure(request, failure)
  }

  #answerFailure(request: RpcMessage, failure: Failure, status = 0): void {
    const end: CallEnd = status === 0 ? { failure } : { failure, status }
    this.#options.client.answer(request, errorAnswer(request.id, failure), end)
  }

  #log(message: RpcMessage, { code }: Failure): void {
    const { connection, client } = this.#options
    this.#around.log.debug('call failed', { client: client.name, connection, method: message.method, code })
  }
}
