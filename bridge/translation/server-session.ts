import { z } from 'zod'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, Json, OpenChannel } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { cancelledId, findParams, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { EarlyQuestions } from './early-questions.ts'
import { isNoEventStream, isOpeningRefusal } from './era.ts'
import type { ModernCall } from './modern-call.ts'
import { capabilitiesOf } from './session-key.ts'
import { SessionWishes } from './session-wishes.ts'
import type { TranslationHost } from './translation.ts'
import {
  changed,
  json,
  notificationOf,
  parsed,
  rawId,
  record,
  requestOf,
  resultOf,
  valuesAt,
  withMembers,
} from './splice.ts'
import { inputMethods, methodNotFound, severityOf } from './vocabulary.ts'

const none = Buffer.alloc(0)

/** What the server said of itself at the start of a session. */
export interface Agreed {
  readonly capabilities: Buffer
  readonly info: Buffer | undefined
  readonly instructions: Buffer | undefined
  /** The capabilities, read. */
  readonly offers: Readonly<Record<string, unknown>>
}

export interface ServerSessionOptions {
  readonly name: string
  readonly open: OpenChannel
  readonly transport: TranslationHost['transport']
  readonly nextId: () => string
  answered(call: ModernCall, bytes: Buffer, end: CallEnd): void
  dropped(call: ModernCall): void
  /** The server asks something during this call; false where that is too much. */
  asks(call: ModernCall, question: RpcMessage): boolean
  /** A notification of the server's, about a call where it is about one. */
  says(message: RpcMessage, call: ModernCall | undefined): void
}

/** Waits for the start of a session, and gets one of these. */
export interface SessionWaiter {
  ready(): void
  /** The server knows no sessions, or is none. */
  refused(bytes: Buffer, end: CallEnd): void
  failed(bytes: Buffer, end: CallEnd): void
}

/**
 * A session at a server of the older era, for all requests of a client that names the same capabilities.
 * @see [MCP 2025-11-25, Lifecycle](https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle)
 */
export class ServerSession {
  readonly key: string
  readonly below: Channel
  readonly #options: ServerSessionOptions
  #agreed: { readonly agreed: Agreed; readonly result: Buffer } | undefined
  #initialize: RpcMessage | undefined
  #waiters: SessionWaiter[] = []
  #capabilities: Readonly<Record<string, unknown>> | undefined
  readonly #calls = new Map<RpcMessage, ModernCall>()
  /** Questions of the server's that came outside of any call. */
  readonly #questions = new EarlyQuestions((question) => this.#refuse(question))
  readonly wishes: SessionWishes

  constructor(key: string, options: ServerSessionOptions) {
    this.key = key
    this.#options = options
    const answered = (request: RpcMessage, bytes: Buffer, end: CallEnd): void =>
      this.#answered(request, bytes, end)
    this.wishes = new SessionWishes({
      nextId: options.nextId,
      take: (message) => this.below.take(message),
      canLog: () => 'logging' in this.agreed.offers,
    })
    this.below = options.open({
      name: options.name,
      answer: answered,
      answerWithSession: answered,
      pass: (message, about) => this.#pass(message, about),
      dropped: (request) => this.#dropped(request),
    })
  }

  /** Throws before the session is open. */
  get agreed(): Agreed {
    if (!this.#agreed) throw new TypeError('the session is not open')
    return this.#agreed.agreed
  }

  get isIdle(): boolean {
    return this.#calls.size === 0 && this.#waiters.length === 0
  }

  /** Begins the session if it has not been begun. */
  open(waiter: SessionWaiter): void {
    if (this.#agreed) return waiter.ready()
    this.#waiters.push(waiter)
    if (this.#initialize) return
    this.#initialize = requestOf(this.#options.nextId(), 'initialize', Buffer.from(this.key, 'latin1'))
    this.below.take(this.#initialize)
  }

  #opened(bytes: Buffer, end: CallEnd): void {
    this.#initialize = undefined
    const waiters = this.#waiters
    this.#waiters = []
    const answer = end.failure || end.isError ? undefined : readMessage(bytes)
    const result = answer?.resultPlace && bytes.subarray(answer.resultPlace.start, answer.resultPlace.end)
    if (result) {
      this.#agreed = { agreed: agreedIn(result), result }
      this.below.take(notificationOf('notifications/initialized'))
      for (const waiter of waiters) waiter.ready()
      return
    }
    const isNoStream =
      this.#options.transport === 'sse' && end.failure !== undefined && isNoEventStream(end.failure)
    const isRefusal = isNoStream || isOpeningRefusal('session', bytes, end)
    for (const waiter of waiters) {
      if (isRefusal) waiter.refused(bytes, end)
      else waiter.failed(bytes, end)
    }
  }

  send(call: ModernCall): void {
    const sent = call.translated()
    this.#calls.set(sent, call)
    this.below.take(sent)
    if (!call.mayAsk) return
    for (const question of this.#questions.takeAll()) this.#ask(call, question)
  }

  /** Tells the server that nobody waits for a call any more. */
  cancel({ sent }: ModernCall): void {
    if (!sent || !this.#calls.delete(sent)) return
    const params = withMembers(none, undefined, { requestId: rawId(sent.id ?? 'null') })
    this.tell(notificationOf('notifications/cancelled', params))
  }

  tell(message: RpcMessage): void {
    this.below.take(message)
  }

  #answered(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (request === this.#initialize) return this.#opened(bytes, end)
    if (this.wishes.answered(request, !end.failure && !end.isError)) return
    const call = this.#calls.get(request)
    this.#calls.delete(request)
    if (call) this.#options.answered(call, bytes, end)
  }

  #dropped(request: RpcMessage): void {
    const call = this.#calls.get(request)
    this.#calls.delete(request)
    if (call) this.#options.dropped(call)
  }

  #pass(message: RpcMessage, about: RpcMessage | undefined): void {
    const call = about && this.#calls.get(about)
    if (message.kind === 'request') return this.#question(message, call)
    switch (message.method) {
      case 'notifications/progress':
        return this.#progress(message, call)
      case 'notifications/message':
        return this.#log(message, call)
      case 'notifications/cancelled':
        return this.#withdrawn(message)
      // The current revision has nothing that would tell of it: the client sees the outcome when it calls again.
      case 'notifications/elicitation/complete':
        return
      default:
        this.#options.says(message, call)
    }
  }

  #question(question: RpcMessage, call: ModernCall | undefined): void {
    if (question.method === 'ping') return this.tell(resultOf(question.id ?? 'null', json({})))
    // Over HTTP+SSE, and on the stream of the session, nothing says which call it belongs to.
    const asking = call ?? [...this.#calls.values()].find(({ mayAsk }) => mayAsk)
    if (!inputMethods.has(question.method) || (call && !call.mayAsk)) this.#refuse(question)
    else if (!this.canAsk(question)) this.#refuse(question, undeclared)
    else if (asking) this.#ask(asking, question)
    else this.#questions.keep(question)
  }

  /** Whether the client has said that it can be asked this; many servers do not look. */
  canAsk({ method }: RpcMessage): boolean {
    const [name = ''] = method?.split('/', 1) ?? []
    this.#capabilities ??= capabilitiesOf(this.key)
    return Object.hasOwn(this.#capabilities, name)
  }

  #ask(call: ModernCall, question: RpcMessage): void {
    if (!this.#options.asks(call, question)) this.#refuse(question, { code: 'gateway.too_many_calls' })
  }

  #refuse(question: RpcMessage, failure: Failure = notNow): void {
    const bytes = errorAnswer(question.id, failure, methodNotFound)
    this.tell(readMessage(bytes) as RpcMessage)
  }

  #progress(message: RpcMessage, about: ModernCall | undefined): void {
    const { bytes, paramsPlace } = message
    const [token] = valuesAt(bytes, paramsPlace, ['progressToken'])
    const id = token?.toString('latin1')
    const call = about?.id === id ? about : [...this.#calls.values()].find((one) => one.id === id)
    if (!call?.token) return
    const params = withMembers(bytes, paramsPlace, { progressToken: call.token })
    this.#options.says(changed(message, { params }), call)
  }

  /** @see [MCP 2026-07-28, Per-request log level](https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/logging#per-request-log-level) */
  #log(message: RpcMessage, call: ModernCall | undefined): void {
    const severity = severityOf(stringAt(message.bytes, findParams(message, ['level'])?.[0])) ?? 0
    const wants = ({ level }: ModernCall): boolean => level !== undefined && level <= severity
    const listener = call ?? [...this.#calls.values()].find(wants)
    if (listener && wants(listener)) this.#options.says(message, listener)
  }

  #withdrawn(message: RpcMessage): void {
    const id = cancelledId(message)
    for (const call of this.#calls.values()) call.withdraw(id)
    this.#questions.withdraw(id)
  }

  toJson(): Json | undefined {
    if (!this.#agreed) return undefined
    return {
      key: this.key,
      result: this.#agreed.result.toString('latin1'),
      ...(this.wishes.level === undefined ? {} : { level: this.wishes.level }),
      below: this.below.session(),
    }
  }

  /** Goes on with what `toJson` gave in another bridge; false when it cannot. */
  restore(state: Json): boolean {
    const { data } = State.safeParse(state)
    if (!data || !this.below.restore(data.below)) return false
    const result = Buffer.from(data.result, 'latin1')
    this.#agreed = { agreed: agreedIn(result), result }
    this.wishes.level = data.level
    return true
  }

  close(isForGood: boolean): void {
    this.#questions.takeAll()
    this.below.close(isForGood)
  }
}

const notNow: Failure = {
  code: 'translation.unmapped',
  detail: 'the client can be asked for input only during a call',
}

const undeclared: Failure = {
  code: 'translation.unmapped',
  detail: 'the client does not say that it can be asked this',
}

const State = z.strictObject({
  key: z.string(),
  result: z.string(),
  level: z.number().optional(),
  below: z.json(),
})

function agreedIn(result: Buffer): Agreed {
  const place = { start: 0, end: result.length }
  const names = ['capabilities', 'serverInfo', 'instructions']
  const [capabilities = json({}), info, instructions] = valuesAt(result, place, names)
  return { capabilities, info, instructions, offers: record(parsed(capabilities)) }
}
