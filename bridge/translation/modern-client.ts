import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, Json, PendingRequest } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import {
  cancelledId,
  findParams,
  isSameId,
  readMessage,
  stringAt,
  type RpcMessage,
} from '../channel/rpc-message.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { versionOf } from './era.ts'
import { HeldCalls } from './held-calls.ts'
import { Listeners } from './listeners.ts'
import { ModernCall } from './modern-call.ts'
import { discoverResult, modernAnswer, refusalOf } from './modern-results.ts'
import { elicitationMissing, elicitationsIn } from './elicitation-errors.ts'
import { ServerSession } from './server-session.ts'
import { sessionKeyOf } from './session-key.ts'
import { named, resultOf } from './splice.ts'
import { idSource, type TranslationHost } from './translation.ts'
import { invalidParams, mostRounds, mostWaiting } from './vocabulary.ts'

/** How many sessions one client may have: one for each set of capabilities that it names. */
const mostSessions = 8

/**
 * Serves a client of the current era from a server that knows sessions only: one is begun for the client when it first asks, and its stateless
 * requests are made in it. What the server asks while it works goes to the client as `input_required`, and the call waits there.
 * @see [MCP 2026-07-28, Compatibility Matrix](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#compatibility-matrix)
 */
export class ModernClientChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #host: TranslationHost
  readonly #nextId = idSource()
  readonly #sessions = new Map<string, ServerSession>()
  /** Requests that wait for the start of their session. */
  readonly #waiting = new Map<RpcMessage, ServerSession>()
  readonly #calls = new Set<ModernCall>()
  readonly #held: HeldCalls
  readonly #listeners: Listeners
  #isPaused = false

  constructor(host: TranslationHost) {
    this.#host = host
    this.#held = new HeldCalls((call) => this.#abandon(call))
    this.#listeners = new Listeners(host.client)
  }

  get awaited(): number {
    let sum = this.#waiting.size
    for (const { request } of this.#calls) if (request) sum++
    return sum
  }

  take(message: RpcMessage): void {
    if (message.kind === 'request') this.#takeRequest(message)
    else if (message.method === 'notifications/cancelled') this.#cancel(message)
    else if (message.kind === 'notification') [...this.#sessions.values()][0]?.tell(message)
  }

  #takeRequest(request: RpcMessage): void {
    if (request.method === 'initialize') {
      const failure: Failure = { code: 'translation.unmapped', detail: 'initialize' }
      return this.#host.refused(request, errorAnswer(request.id, failure), { failure })
    }
    const refusal = refusalOf(request)
    if (refusal) return this.#answer(request, refusal, { status: 400, isError: true })
    const session = this.#sessionFor(request)
    if (!session || this.#waiting.size >= mostWaiting) {
      return this.#fail(request, { code: 'gateway.too_many_calls' })
    }
    this.#waiting.set(request, session)
    session.open({
      ready: () => {
        if (this.#waiting.delete(request)) this.#request(request, session)
        this.#lookIdle()
      },
      refused: (bytes, end) => {
        if (this.#waiting.delete(request)) this.#host.refused(request, named(bytes, request), end)
      },
      failed: (bytes, end) => {
        if (this.#waiting.delete(request)) this.#host.client.answer(request, named(bytes, request), end)
        this.#lookIdle()
      },
    })
  }

  #sessionFor(request: RpcMessage): ServerSession | undefined {
    const key = sessionKeyOf(request)
    // What says nothing of its client is made in the session that there is.
    const [any] = versionOf(request) === undefined ? this.#sessions.values() : []
    const known = this.#sessions.get(key) ?? any
    if (known) return known
    if (this.#sessions.size >= mostSessions && !this.#endIdle()) return undefined
    return this.#begin(key)
  }

  #begin(key: string): ServerSession {
    const session = new ServerSession(key, {
      name: this.#host.client.name,
      open: this.#host.open,
      transport: this.#host.transport,
      nextId: this.#nextId,
      answered: (call, bytes, end) => this.#answered(call, bytes, end),
      dropped: (call) => this.#dropped(call),
      asks: (call, question) => this.#asks(call, question),
      says: (message, call) => this.#says(session, message, call),
    })
    if (this.#isPaused) session.below.pause()
    this.#sessions.set(key, session)
    return session
  }

  #endIdle(): boolean {
    for (const [key, session] of this.#sessions) {
      if (session.isIdle && !this.#listeners.uses(session)) {
        session.close(true)
        return this.#sessions.delete(key)
      }
    }
    return false
  }

  #request(request: RpcMessage, session: ServerSession): void {
    if (request.method === 'server/discover') {
      const { bytes } = resultOf(request.id ?? 'null', discoverResult(session.agreed))
      return this.#host.client.answerWithSession(request, bytes, {})
    }
    if (request.method === 'subscriptions/listen') return this.#listeners.listen(request, session)
    const state = stringAt(request.bytes, findParams(request, ['requestState'])?.[0])
    if (state !== undefined) return this.#retry(request, session, state)
    this.#call(request, session, 0)
  }

  #call(request: RpcMessage, session: ServerSession, rounds: number): void {
    const call = new ModernCall(request, session, this.#nextId(), rounds)
    this.#calls.add(call)
    const isSet = call.level === undefined ? undefined : session.wishes.raiseLevel(call.level)
    if (isSet) void isSet.then(() => this.#calls.has(call) && session.send(call))
    else session.send(call)
  }

  /** @see [MCP 2026-07-28, Client Requirements](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#client-requirements-basic-workflow) */
  #retry(request: RpcMessage, session: ServerSession, state: string): void {
    const call = this.#held.take(state, request)
    if (!call || call.session !== session) {
      if (call) this.#abandon(call)
      return this.#fail(request, { code: 'translation.state_unknown' }, invalidParams)
    }
    if (call.isToBeRepeated) {
      this.#calls.delete(call)
      return this.#call(request, session, call.rounds)
    }
    call.resume(request)
    for (const note of call.takeNotes()) this.#host.client.pass(note, request)
    const outcome = call.takeOutcome()
    if (outcome) this.#finish(call, outcome.bytes, outcome.end)
    else if (call.hasQuestions) this.#askClient(call)
  }

  #answered(call: ModernCall, bytes: Buffer, end: CallEnd): void {
    if (!this.#calls.has(call)) return
    const wanted = end.isError && call.mayAsk ? elicitationsIn(bytes) : undefined
    if (wanted && call.request) {
      if (!wanted.every((one) => call.session.canAsk(one))) {
        return this.#finish(call, elicitationMissing(call.request), { ...end, status: 400 })
      }
      call.repeatAfter(wanted)
      return this.#askClient(call)
    }
    if (call.request) this.#finish(call, bytes, end)
    else call.keepOutcome(bytes, end)
  }

  #finish(call: ModernCall, bytes: Buffer, end: CallEnd): void {
    const { request } = call
    this.#calls.delete(call)
    call.refuseQuestions()
    if (!request) return
    const answer = readMessage(bytes)
    const result = answer ? modernAnswer(request, answer, call.session.agreed) : undefined
    this.#answer(request, result ?? bytes, end)
  }

  /** The server asks its client something, during a call. */
  #asks(call: ModernCall, question: RpcMessage): boolean {
    if (!call.ask(question)) return false
    // What else it asks in the same moment is asked together.
    setImmediate(() => {
      if (this.#calls.has(call) && call.request && call.hasQuestions) this.#askClient(call)
    })
    return true
  }

  #askClient(call: ModernCall): void {
    const { request } = call
    if (!request) return
    if (++call.rounds > mostRounds) {
      this.#finish(call, errorAnswer(call.id, tooMany), { failure: tooMany })
      return call.session.cancel(call)
    }
    const result = this.#held.hold(call)
    this.#answer(request, resultOf(request.id ?? 'null', result).bytes, { status: 200 })
  }

  #says(session: ServerSession, message: RpcMessage, call: ModernCall | undefined): void {
    if (this.#listeners.take(session, message)) return
    if (!call) return this.#host.client.pass(message)
    if (call.request) this.#host.client.pass(message, call.request)
    else call.keepNote(message)
  }

  #cancel(message: RpcMessage): void {
    const id = cancelledId(message)
    if (id === undefined || this.#listeners.cancel(id)) return
    for (const request of this.#waiting.keys()) {
      if (!isSameId(request.id, id)) continue
      this.#waiting.delete(request)
      this.#host.client.dropped(request)
    }
    for (const call of this.#calls) {
      if (call.request && isSameId(call.request.id, id)) this.#abandon(call)
    }
    this.#lookIdle()
  }

  /** Nobody waits for a call any more: the server is told. */
  #abandon(call: ModernCall): void {
    this.#calls.delete(call)
    call.refuseQuestions()
    call.session.cancel(call)
    if (call.request) this.#host.client.dropped(call.request)
  }

  #dropped(call: ModernCall): void {
    if (!this.#calls.delete(call)) return
    if (call.request) this.#host.client.dropped(call.request)
    this.#lookIdle()
  }

  #fail(request: RpcMessage, failure: Failure, code?: number): void {
    this.#answer(request, errorAnswer(request.id, failure, code), { failure })
  }

  #answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#host.client.answer(request, bytes, end)
    this.#lookIdle()
  }

  #lookIdle(): void {
    if (this.awaited === 0) this.onIdle?.()
  }

  pending(): PendingRequest[] {
    const calls = [...this.#calls].flatMap(({ request }) =>
      request ? (isRepeatableMethod(request.method) ? { message: request } : { id: request.id }) : [],
    )
    const untouched = [...this.#waiting.keys(), ...this.#listeners.requests].map((message) => ({ message }))
    return [...calls, ...untouched]
  }

  session(): Json {
    const sessions = [...this.#sessions.values()].flatMap((session) => session.toJson() ?? [])
    return sessions.length > 0 ? { sessions } : null
  }

  restore(state: Json): boolean {
    if (state === null) return true
    const { sessions } = state as { sessions?: Json }
    if (!Array.isArray(sessions) || sessions.length > mostSessions) return false
    return (sessions as readonly Json[]).every((one) => {
      const { key } = (one ?? {}) as { key?: unknown }
      return typeof key === 'string' && this.#begin(key).restore(one)
    })
  }

  giveUp(failure: Failure): void {
    for (const call of this.#calls) {
      if (!call.request || isRepeatableMethod(call.request.method)) continue
      this.#finish(call, errorAnswer(call.id, failure), { failure })
      call.session.cancel(call)
    }
  }

  pause(): void {
    this.#isPaused = true
    for (const { below } of this.#sessions.values()) below.pause()
  }

  resume(): void {
    this.#isPaused = false
    for (const { below } of this.#sessions.values()) below.resume()
  }

  close(isForGood: boolean): void {
    this.#held.close()
    this.#calls.clear()
    this.#waiting.clear()
    for (const session of this.#sessions.values()) session.close(isForGood)
  }
}

const tooMany: Failure = { code: 'server.failed', detail: 'it asks for input without an end' }
