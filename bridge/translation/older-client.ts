import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, Json, PendingRequest } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, isSameId, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { ChangeStream } from './change-stream.ts'
import { agreementFor, profileOf, readProfile, type Agreement, type Profile } from './discovery.ts'
import { isOpeningRefusal } from './era.ts'
import { InputRound } from './input-round.ts'
import { olderResult, resultTypeOf } from './older-results.ts'
import { changed, json, notificationOf, rawId, requestOf, resultOf, valuesAt, withMembers } from './splice.ts'
import { idSource, type TranslationHost } from './translation.ts'
import { invalidParams, methodNotFound, mostRounds, severityOf } from './vocabulary.ts'

/** One request of the client, which may take several of ours. */
interface OlderCall {
  readonly request: RpcMessage
  /** What is under way for it; undefined while the client is asked for input. */
  sent: RpcMessage | undefined
  round: InputRound | undefined
  rounds: number
}

/** Methods of 2025-11-25 that the current revision has no like of. Its extension for tasks has other requests and other answers. */
const unmapped = new Set(['tasks/cancel', 'tasks/get', 'tasks/list', 'tasks/result'])

const done = json({})

/**
 * Serves a client of the older era from a server that speaks the current one alone: the session exists here, and every request goes out with
 * all that the client said at its start.
 * @see [MCP 2026-07-28, Compatibility Matrix](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#compatibility-matrix)
 */
export class OlderClientChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #host: TranslationHost
  readonly #nextId = idSource()
  readonly #below: Channel
  readonly #stream: ChangeStream
  #profile: Profile | undefined
  #agreement: Agreement | undefined
  #discovering: RpcMessage | undefined
  #isReady = false
  /** What waits until the server is known, in order. */
  #waiting: RpcMessage[] = []
  readonly #calls = new Map<RpcMessage, OlderCall>()
  readonly #asking = new Set<OlderCall>()

  /** `initialize`: what the client began with, where it did so on another way. */
  constructor(host: TranslationHost, initialize?: RpcMessage) {
    this.#host = host
    this.#profile = initialize && profileOf(initialize)
    const below: ChannelClient = {
      name: host.client.name,
      answer: (request, bytes, end) => this.#answered(request, bytes, end),
      answerWithSession: (request, bytes, end) => this.#answered(request, bytes, end),
      pass: (message, about) => this.#pass(message, about),
      dropped: (request) => this.#dropped(request),
    }
    this.#below = host.open(below)
    this.#below.onIdle = () => this.#lookIdle()
    this.#stream = new ChangeStream({
      nextId: this.#nextId,
      meta: () => this.#meta(),
      take: (message) => this.#below.take(message),
      pass: (message) => host.client.pass(message),
    })
  }

  get awaited(): number {
    return this.#calls.size + this.#asking.size + this.#waiting.length
  }

  take(message: RpcMessage): void {
    if (message.kind === 'answer') return this.#takeInput(message)
    if (message.kind === 'notification') return this.#note(message)
    if (message.method === 'initialize') this.#begin(message)
    else if (message.method === 'ping') this.#answer(message, done)
    else if (!this.#agreement) this.#discoverFor(message)
    else this.#request(message)
  }

  #begin(initialize: RpcMessage): void {
    this.#stream.close()
    this.#isReady = false
    this.#agreement = undefined
    this.#profile = profileOf(initialize)
    this.#discoverFor(initialize)
  }

  #discoverFor(request: RpcMessage): void {
    this.#waiting.push(request)
    if (this.#discovering) return
    const params = withMembers(none, undefined, { _meta: withMembers(none, undefined, this.#meta()) })
    this.#discovering = requestOf(this.#nextId(), 'server/discover', params)
    this.#below.take(this.#discovering)
  }

  #discovered(bytes: Buffer, end: CallEnd): void {
    this.#discovering = undefined
    const answer = readMessage(bytes) as RpcMessage
    const agreement = this.#profile && agreementFor(answer, this.#profile)
    const isRefusal = answer.resultPlace !== undefined || isOpeningRefusal('modern', bytes, end)
    const waiting = this.#waiting
    this.#waiting = []
    this.#agreement = agreement
    for (const message of waiting) {
      if (agreement) this.#goOn(message, agreement, end)
      else if (isRefusal) this.#host.refused(message, named(answer, message), end)
      else this.#host.client.answer(message, named(answer, message), end)
    }
    this.#lookIdle()
  }

  #goOn(message: RpcMessage, { result }: Agreement, end: CallEnd): void {
    if (message.method !== 'initialize') return this.take(message)
    const { bytes } = resultOf(message.id ?? 'null', result)
    this.#host.client.answerWithSession(message, bytes, end)
  }

  #request(request: RpcMessage): void {
    const { bytes } = request
    switch (request.method) {
      case 'logging/setLevel':
        return this.#setLevel(request)
      case 'resources/subscribe':
      case 'resources/unsubscribe':
        return this.#subscribe(request)
      case 'tools/call':
        if (findParams(request, ['task'])?.[0]) return this.#refuse(request, 'a call as a task')
    }
    if (unmapped.has(request.method ?? '')) return this.#refuse(request, request.method)
    const call: OlderCall = { request, sent: undefined, round: undefined, rounds: 0 }
    this.#send(call, this.#translated(request, valuesAt(bytes, request.paramsPlace, ['_meta'])[0]))
  }

  #send(call: OlderCall, message: RpcMessage): void {
    call.sent = message
    this.#calls.set(message, call)
    this.#below.take(message)
  }

  /** The message with all that the current revision wants to be said every time. */
  #translated(message: RpcMessage, meta: Buffer | undefined, more: Record<string, Buffer> = {}): RpcMessage {
    const { bytes, paramsPlace } = message
    const _meta = withMembers(meta ?? none, meta && { start: 0, end: meta.length }, this.#meta())
    return changed(message, { params: withMembers(bytes, paramsPlace, { _meta, ...more }) })
  }

  #meta(): Record<string, Buffer> {
    return this.#profile?.meta ?? {}
  }

  #answered(sent: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (sent === this.#discovering) return this.#discovered(bytes, end)
    if (this.#stream.owns(sent)) return this.#stream.ended(sent, bytes)
    const call = this.#calls.get(sent)
    if (!call) return
    this.#calls.delete(sent)
    call.sent = undefined
    const answer = end.failure || end.isError ? undefined : readMessage(bytes)
    if (answer && resultTypeOf(answer) === 'input_required') return this.#askFor(call, answer, end)
    const named = answer ? olderResult(call.request, answer) : readMessage(bytes)
    this.#finish(call, named ?? undefined, bytes, end)
  }

  #finish(call: OlderCall, answer: RpcMessage | undefined, bytes: Buffer, end: CallEnd): void {
    const { id = 'null' } = call.request
    const own = answer && answer.id !== id ? changed(answer, { id: rawId(id) }).bytes : answer?.bytes
    this.#host.client.answer(call.request, own ?? bytes, end)
    this.#lookIdle()
  }

  /** @see [MCP 2026-07-28, Multi Round-Trip Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr) */
  #askFor(call: OlderCall, answer: RpcMessage, end: CallEnd): void {
    if (++call.rounds > mostRounds) {
      return this.#fail(call, { code: 'server.failed', detail: 'it asks for input without an end' })
    }
    const round = InputRound.begin(answer, this.#nextId)
    if ('code' in round) return this.#fail(call, round, end)
    call.round = round
    this.#asking.add(call)
    for (const question of round.questions) this.#host.client.pass(question, call.request)
    if (round.isComplete) this.#retry(call, round)
  }

  #takeInput(answer: RpcMessage): void {
    for (const call of this.#asking) {
      const taken = call.round?.take(answer)
      if (taken === undefined) continue
      if (taken === 'failed') this.#fail(call, { code: 'translation.input_failed' })
      else if (call.round?.isComplete) this.#retry(call, call.round)
      return
    }
  }

  #retry(call: OlderCall, round: InputRound): void {
    this.#stopAsking(call)
    const { request } = call
    const meta = valuesAt(request.bytes, request.paramsPlace, ['_meta'])[0]
    // Client and server both hold that a retry is another request.
    const again = changed(this.#translated(request, meta, round.answers), { id: rawId(this.#nextId()) })
    this.#send(call, again)
  }

  #stopAsking(call: OlderCall): void {
    this.#asking.delete(call)
    call.round = undefined
  }

  #fail(call: OlderCall, failure: Failure, end: CallEnd = {}): void {
    for (const id of call.round?.open ?? []) this.#withdraw(id)
    this.#stopAsking(call)
    const bytes = errorAnswer(call.request.id, failure)
    this.#host.client.answer(call.request, bytes, { ...end, failure })
    this.#lookIdle()
  }

  /** Tells the client that nobody waits for its answer to a question of ours any more. */
  #withdraw(id: string): void {
    const params = withMembers(none, undefined, { requestId: rawId(id) })
    this.#host.client.pass(notificationOf('notifications/cancelled', params))
  }

  #note(message: RpcMessage): void {
    switch (message.method) {
      case 'notifications/initialized':
        this.#isReady = true
        return this.#stream.listenTo(this.#agreement?.changes ?? {})
      case 'notifications/cancelled':
        return this.#cancel(message)
      // The server asks for the roots whenever it needs them, and what it asked is no request of its own.
      case 'notifications/roots/list_changed':
      case 'notifications/progress':
        return
      default:
        if (this.#agreement) {
          this.#below.take(
            this.#translated(message, valuesAt(message.bytes, message.paramsPlace, ['_meta'])[0]),
          )
        }
    }
  }

  #cancel(message: RpcMessage): void {
    const place = findParams(message, ['requestId'])?.[0]
    const id = place && message.bytes.toString('latin1', place.start, place.end)
    if (id === undefined) return
    const waiting = this.#waiting.find((one) => isSameId(one.id, id))
    if (waiting && waiting.method !== 'initialize') {
      this.#waiting = this.#waiting.filter((one) => one !== waiting)
      this.#host.client.dropped(waiting)
    }
    for (const call of [...this.#calls.values(), ...this.#asking]) {
      if (!isSameId(call.request.id, id)) continue
      if (call.sent) this.#below.take(cancellationOf(call.sent))
      else this.#dropAsking(call)
    }
  }

  #dropAsking(call: OlderCall): void {
    for (const open of call.round?.open ?? []) this.#withdraw(open)
    this.#stopAsking(call)
    this.#host.client.dropped(call.request)
    this.#lookIdle()
  }

  #dropped(sent: RpcMessage): void {
    const call = this.#calls.get(sent)
    if (!call) return
    this.#calls.delete(sent)
    this.#host.client.dropped(call.request)
    this.#lookIdle()
  }

  #pass(message: RpcMessage, about: RpcMessage | undefined): void {
    // A server of the current era asks nothing by requests, and nobody could answer them to it.
    if (message.kind !== 'notification') return
    if (about && this.#stream.owns(about)) this.#stream.take(message, about)
    else this.#host.client.pass(message, about && this.#calls.get(about)?.request)
  }

  #setLevel(request: RpcMessage): void {
    const level = stringAt(request.bytes, findParams(request, ['level'])?.[0])
    if (severityOf(level) === undefined) {
      const failure: Failure = { code: 'gateway.message_invalid', detail: 'there is no such log level' }
      return this.#host.client.answer(request, errorAnswer(request.id, failure, invalidParams), { failure })
    }
    this.#profile = this.#profile?.withLevel(level as string)
    this.#answer(request, done, true)
  }

  #subscribe(request: RpcMessage): void {
    const uri = stringAt(request.bytes, findParams(request, ['uri'])?.[0])
    if (uri === undefined) {
      const failure: Failure = { code: 'gateway.message_invalid', detail: 'it names no resource' }
      return this.#host.client.answer(request, errorAnswer(request.id, failure, invalidParams), { failure })
    }
    const settle = (isHonored: boolean): void => {
      if (isHonored) this.#answer(request, done, true)
      else this.#refuse(request, 'a subscription to this resource')
    }
    if (request.method === 'resources/subscribe') this.#stream.subscribe(uri, settle)
    else this.#stream.unsubscribe(uri, settle)
  }

  #answer(request: RpcMessage, result: Buffer, changesSession = false): void {
    const { bytes } = resultOf(request.id ?? 'null', result)
    if (changesSession) this.#host.client.answerWithSession(request, bytes, {})
    else this.#host.client.answer(request, bytes, {})
  }

  #refuse(request: RpcMessage, detail: string | undefined): void {
    const failure: Failure = { code: 'translation.unmapped', ...(detail === undefined ? {} : { detail }) }
    this.#host.client.answer(request, errorAnswer(request.id, failure, methodNotFound), { failure })
  }

  #lookIdle(): void {
    if (this.awaited === 0) this.onIdle?.()
  }

  pending(): PendingRequest[] {
    const calls = [...this.#calls.values(), ...this.#asking].map(({ request }) =>
      isRepeatableMethod(request.method) ? { message: request } : { id: request.id },
    )
    return [...calls, ...this.#waiting.map((message) => ({ message }))]
  }

  session(): Json {
    if (!this.#agreement || !this.#profile) return null
    return {
      profile: this.#profile.toJson(),
      agreement: { ...this.#agreement, result: this.#agreement.result.toString('latin1') },
      isReady: this.#isReady,
      uris: this.#stream.uris,
    }
  }

  restore(session: Json): boolean {
    if (session === null) return true
    const state = readProfile(session)
    if (!state) return false
    this.#profile = state.profile
    this.#agreement = state.agreement
    this.#isReady = state.isReady
    this.#stream.restore(state.isReady ? state.agreement.changes : {}, state.uris)
    return true
  }

  giveUp(failure: Failure): void {
    this.#below.giveUp(failure)
    for (const call of this.#asking) {
      if (!isRepeatableMethod(call.request.method)) this.#fail(call, failure)
    }
  }

  pause(): void {
    this.#below.pause()
  }

  resume(): void {
    this.#below.resume()
  }

  close(isForGood: boolean): void {
    this.#stream.forget()
    this.#asking.clear()
    this.#below.close(isForGood)
  }
}

const none = Buffer.alloc(0)

function cancellationOf({ id = 'null' }: RpcMessage): RpcMessage {
  return notificationOf('notifications/cancelled', withMembers(none, undefined, { requestId: rawId(id) }))
}

function named(answer: RpcMessage, { id = 'null' }: RpcMessage): Buffer {
  return changed(answer, { id: rawId(id) }).bytes
}
