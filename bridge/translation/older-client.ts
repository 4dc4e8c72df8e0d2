import { z } from 'zod'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, Json, PendingRequest } from '../channel/channel.ts'
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
import { ChangeStream } from './change-stream.ts'
import { Inquiries, type OlderCall } from './inquiries.ts'
import { Introduction } from './introduction.ts'
import { olderResult, resultTypeOf } from './older-results.ts'
import { changed, json, notificationOf, rawId, resultOf, valuesAt, withMembers } from './splice.ts'
import { idSource, type TranslationHost } from './translation.ts'
import { invalidParams, methodNotFound, severityOf } from './vocabulary.ts'

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
  readonly #introduction: Introduction
  #isReady = false
  readonly #calls = new Map<RpcMessage, OlderCall>()
  readonly #inquiries: Inquiries

  /** `initialize`: what the client began with, where it did so on another way. */
  constructor(host: TranslationHost, initialize?: RpcMessage) {
    this.#host = host
    const below: ChannelClient = {
      name: host.client.name,
      answer: (request, bytes, end) => this.#answered(request, bytes, end),
      answerWithSession: (request, bytes, end) => this.#answered(request, bytes, end),
      pass: (message, about) => this.#pass(message, about),
      dropped: (request) => this.#dropped(request),
    }
    this.#below = host.open(below)
    this.#below.onIdle = () => this.#lookIdle()
    this.#introduction = new Introduction(host, initialize, {
      nextId: this.#nextId,
      send: (message) => this.#below.take(message),
      known: (message) => this.take(message),
    })
    this.#inquiries = new Inquiries({
      nextId: this.#nextId,
      pass: (message, about) => host.client.pass(message, about),
      retry: (call, answers) => this.#retry(call, answers),
      fail: (call, failure, end) => this.#fail(call, failure, end),
    })
    this.#stream = new ChangeStream({
      nextId: this.#nextId,
      meta: () => this.#introduction.meta,
      take: (message) => this.#below.take(message),
      pass: (message) => host.client.pass(message),
    })
  }

  get awaited(): number {
    return this.#calls.size + this.#inquiries.calls.length + this.#introduction.waiting.length
  }

  take(message: RpcMessage): void {
    if (message.kind === 'answer') return this.#inquiries.take(message)
    if (message.kind === 'notification') return this.#note(message)
    if (message.method === 'initialize') this.#begin(message)
    else if (message.method === 'ping') this.#answer(message, done)
    else if (!this.#introduction.agreement) this.#introduction.wait(message)
    else this.#request(message)
  }

  #begin(initialize: RpcMessage): void {
    this.#stream.close()
    this.#isReady = false
    this.#introduction.begin(initialize)
  }

  #request(request: RpcMessage): void {
    const { bytes, method } = request
    if (method === 'logging/setLevel') return this.#setLevel(request)
    if (method === 'resources/subscribe' || method === 'resources/unsubscribe')
      return this.#subscribe(request)
    if (method === 'tools/call' && findParams(request, ['task'])?.[0]) {
      return this.#refuse(request, 'a call as a task')
    }
    if (unmapped.has(method ?? '')) return this.#refuse(request, method)
    this.#send(
      { request, rounds: 0 },
      this.#translated(request, valuesAt(bytes, request.paramsPlace, ['_meta'])[0]),
    )
  }

  #send(call: OlderCall, message: RpcMessage): void {
    this.#calls.set(message, call)
    this.#below.take(message)
  }

  /** The message with all that the current revision wants to be said every time. */
  #translated(message: RpcMessage, meta: Buffer | undefined, more: Record<string, Buffer> = {}): RpcMessage {
    const { bytes, paramsPlace } = message
    const _meta = withMembers(meta ?? none, meta && { start: 0, end: meta.length }, this.#introduction.meta)
    return changed(message, { params: withMembers(bytes, paramsPlace, { _meta, ...more }) })
  }

  #answered(sent: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (this.#introduction.owns(sent)) {
      this.#introduction.answered(bytes, end)
      return this.#lookIdle()
    }
    if (this.#stream.owns(sent)) return this.#stream.ended(sent, end)
    const call = this.#calls.get(sent)
    if (!call) return
    this.#calls.delete(sent)
    const answer = end.failure || end.isError ? undefined : readMessage(bytes)
    if (answer && resultTypeOf(answer) === 'input_required') {
      return this.#inquiries.begin(call, answer, end)
    }
    const named = answer ? olderResult(call.request, answer) : readMessage(bytes)
    this.#finish(call, named ?? undefined, bytes, end)
  }

  #finish(call: OlderCall, answer: RpcMessage | undefined, bytes: Buffer, end: CallEnd): void {
    const { id = 'null' } = call.request
    const own = answer && answer.id !== id ? changed(answer, { id: rawId(id) }).bytes : answer?.bytes
    this.#host.client.answer(call.request, own ?? bytes, end)
    this.#lookIdle()
  }

  #retry({ request, ...rest }: OlderCall, answers: Record<string, Buffer>): void {
    const meta = valuesAt(request.bytes, request.paramsPlace, ['_meta'])[0]
    // Client and server both hold that a retry is another request.
    const again = changed(this.#translated(request, meta, answers), { id: rawId(this.#nextId()) })
    this.#send({ request, ...rest }, again)
  }

  #fail({ request }: OlderCall, failure: Failure, end: CallEnd): void {
    this.#host.client.answer(request, errorAnswer(request.id, failure), { ...end, failure })
    this.#lookIdle()
  }

  #note(message: RpcMessage): void {
    switch (message.method) {
      case 'notifications/initialized':
        this.#isReady = true
        return this.#stream.listenTo(this.#introduction.agreement?.changes ?? {})
      case 'notifications/cancelled':
        return this.#cancel(message)
      // The server asks for the roots whenever it needs them, and what it asked is no request of its own.
      case 'notifications/roots/list_changed':
      case 'notifications/progress':
        return
      default:
        if (this.#introduction.agreement) {
          this.#below.take(
            this.#translated(message, valuesAt(message.bytes, message.paramsPlace, ['_meta'])[0]),
          )
        }
    }
  }

  #cancel(message: RpcMessage): void {
    const id = cancelledId(message)
    if (id === undefined) return
    const waiting = this.#introduction.cancel(id)
    if (waiting) this.#host.client.dropped(waiting)
    for (const [sent, { request }] of this.#calls) {
      if (isSameId(request.id, id)) this.#below.take(cancellationOf(sent))
    }
    for (const { request } of this.#inquiries.drop(id)) this.#host.client.dropped(request)
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
    this.#introduction.setLevel(level as string)
    this.#answer(request, done, true)
  }

  #subscribe(request: RpcMessage): void {
    const uri = stringAt(request.bytes, findParams(request, ['uri'])?.[0])
    if (uri === undefined) {
      const failure: Failure = { code: 'gateway.message_invalid', detail: 'it names no resource' }
      return this.#host.client.answer(request, errorAnswer(request.id, failure, invalidParams), { failure })
    }
    const settle = (failure?: Failure): void => {
      if (!failure) return this.#answer(request, done, true)
      this.#host.client.answer(request, errorAnswer(request.id, failure), { failure })
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
    const calls = [...this.#calls.values(), ...this.#inquiries.calls].map(({ request }) =>
      isRepeatableMethod(request.method) ? { message: request } : { id: request.id },
    )
    return [...calls, ...this.#introduction.waiting.map((message) => ({ message }))]
  }

  session(): Json {
    const introduction = this.#introduction.toJson()
    return introduction === null ? null : { introduction, isReady: this.#isReady, uris: this.#stream.uris }
  }

  restore(session: Json): boolean {
    if (session === null) return true
    const { data } = State.safeParse(session)
    if (!data || !this.#introduction.restore(data.introduction)) return false
    this.#isReady = data.isReady
    this.#stream.restore(data.isReady ? (this.#introduction.agreement?.changes ?? {}) : {}, data.uris)
    return true
  }

  giveUp(failure: Failure): void {
    this.#below.giveUp(failure)
    this.#inquiries.giveUp(failure)
  }

  pause(): void {
    this.#below.pause()
  }

  resume(): void {
    this.#below.resume()
  }

  close(isForGood: boolean): void {
    this.#stream.forget()
    this.#below.close(isForGood)
  }
}

const State = z.strictObject({ introduction: z.json(), isReady: z.boolean(), uris: z.array(z.string()) })

const none = Buffer.alloc(0)

function cancellationOf({ id = 'null' }: RpcMessage): RpcMessage {
  return notificationOf('notifications/cancelled', withMembers(none, undefined, { requestId: rawId(id) }))
}
