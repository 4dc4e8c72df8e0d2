import { BridgeError, toFailure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import type { InFlight } from '../gateway/in-flight.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { ask } from './ask.ts'
import { endOf, type CallRules } from './call.ts'
import type { ChannelClient, Json } from './channel.ts'
import { Delivery, type DeliverySurroundings, type Parcel } from './delivery.ts'
import { errorCodeOf } from './error-messages.ts'
import { readMessage, type RpcMessage } from './rpc-message.ts'
import { agreementIn, isHeaderSafe, Session } from './session.ts'
import { ServerStream } from './server-stream.ts'

/** What a session is kept for. */
export interface SessionHost {
  readonly client: string
  readonly around: DeliverySurroundings & { readonly inFlight: InFlight }
  /** Aborted when the client is gone. */
  readonly gone: AbortSignal
  upstream(): Upstream | undefined
  /** Says a message that is no answer. */
  readonly pass: (message: RpcMessage, about?: RpcMessage) => void
  readonly answer: ChannelClient['answer']
  readonly answerWithSession: ChannelClient['answerWithSession']
  /** Lets the client's next messages wait until this is settled. */
  hold(until: Promise<unknown>): void
}

/** The session of one client of the older era: begins it, notices when the server forgot it, and begins it anew. */
export class SessionKeeper {
  readonly #host: SessionHost
  #session: Session | undefined
  #reviving: Promise<void> | undefined
  #isPaused = false

  constructor(host: SessionHost) {
    this.#host = host
  }

  get isOpen(): boolean {
    return this.#session !== undefined
  }

  toJson(): Json {
    return this.#session?.toJson() ?? null
  }

  /** Goes on with a session that another bridge has begun. False when it cannot. */
  restore(json: unknown, upstream: Upstream): boolean {
    this.#session = Session.from(json, upstream)
    if (this.#session?.isInitialized) this.#listen(this.#session)
    return this.#session !== undefined
  }

  /** How `initialize` is called. What the client says next waits for the answer, which may name a session. */
  beginning(request: RpcMessage, upstream: Upstream): CallRules {
    this.end()
    let finish = (): void => undefined
    this.#host.hold(new Promise<void>((resolve) => (finish = resolve)))
    return {
      fields: () => [],
      isRepeatable: true,
      listens: false,
      settle: (answer, head) => {
        const agreed = agreementIn(answer, head)
        if (agreed) this.#session = new Session(request, upstream, agreed.id, agreed.version)
        this.#host.answerWithSession(request, answer.bytes, endOf(answer, head))
      },
      left: () => finish(),
    }
  }

  /** How every other request is called, before and after `initialize`. */
  rulesFor(request: RpcMessage): CallRules {
    const isRepeatable = isRepeatableMethod(request.method)
    let used: Session | undefined
    let isRecovered = false
    return {
      isRepeatable,
      listens: false,
      fields: () => {
        used = this.#session
        return used?.fields ?? []
      },
      resumption: (lastEventId) =>
        used && isHeaderSafe(lastEventId) ? [...used.fields, 'Last-Event-ID', lastEventId] : undefined,
      settle: (answer, head) => {
        if (!answer.errorPlace) used?.note(request)
        used?.stream?.wake()
        this.#host.answer(request, answer.bytes, endOf(answer, head))
      },
      refused: (call, head, error) => {
        const loss = used && !isRecovered ? lossIn(used, head, error) : undefined
        if (!used || !loss) return false
        isRecovered = true
        const revived = this.#revive(used)
        // The server's own words are better than ours where it may mean something else.
        if (!isRepeatable && loss === 'perhaps') return false
        revived.then(
          () => (isRepeatable ? call.send() : call.end({ code: 'gateway.session_lost' })),
          (thrown: unknown) => call.end(toFailure(thrown)),
        )
        return true
      },
    }
  }

  /** The header fields of what is no request. */
  get fields(): readonly string[] {
    return this.#session?.fields ?? []
  }

  /** The server has been told that the client is ready, or could not be told. */
  initialized(): void {
    const session = this.#session
    if (!session || session.isInitialized) return
    session.isInitialized = true
    this.#listen(session)
  }

  /** What is no request was refused. */
  refusedNote(head: AnswerHead, error: RpcMessage | undefined): void {
    const session = this.#session
    if (session && lossIn(session, head, error)) this.#revive(session).catch(() => undefined)
  }

  pause(): void {
    this.#isPaused = true
    this.#session?.stream?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#session?.stream?.resume()
  }

  /** Leaves the session as it is at the server. */
  leave(): void {
    this.#session?.stream?.close()
    this.#session = undefined
  }

  /** Ends the session, also at the server, which is told in the background. */
  end(): void {
    const session = this.#session
    this.leave()
    if (session?.id === undefined) return
    const { upstream, fields } = session
    const { client, around } = this.#host
    const done = (): void => clearTimeout(limit)
    const farewell = new Delivery(
      { upstream, client, method: 'DELETE', fields, isRepeatable: true },
      { message() {}, ended: done, refused: done, failed: done },
      around,
    )
    const limit = setTimeout(() => farewell.abandon(), farewellMs)
    farewell.send()
  }

  #listen(session: Session): void {
    const { client, around, pass } = this.#host
    const { upstream, fields } = session
    session.stream = new ServerStream({
      upstream,
      client,
      fields,
      around,
      pass,
      lost: () => void this.#revive(session).catch(() => undefined),
    })
    if (this.#isPaused) session.stream.pause()
    session.stream.open()
  }

  /** Begins the session anew, once for however many calls find it lost. */
  #revive(lost: Session): Promise<void> {
    if (this.#session === lost && !this.#reviving) {
      this.#reviving = this.#beginAnew(lost).finally(() => (this.#reviving = undefined))
      this.#host.hold(this.#reviving)
    }
    return this.#reviving ?? Promise.resolve()
  }

  /** @see [MCP 2025-11-25, Session Management, 4](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management) */
  async #beginAnew(lost: Session): Promise<void> {
    const { client, around, pass, gone } = this.#host
    lost.stream?.close()
    const upstream = this.#host.upstream()
    if (!upstream) throw new BridgeError('connection.unknown')
    const request = (message: RpcMessage, fields: readonly string[]) =>
      ask(message, { upstream, client, fields, isRepeatable: true }, around, { pass, signal: gone })
    const { answer, head } = await request(lost.initialize, [])
    const agreed = agreementIn(answer, head)
    if (!agreed) throw new BridgeError('gateway.session_lost', 'the server begins no other')
    if (agreed.version !== lost.version) {
      throw new BridgeError('gateway.session_lost', `the server now speaks ${agreed.version}`)
    }
    const session = lost.renewed(upstream, agreed.id)
    this.#session = session
    await tell(initializedNote, { upstream, client, fields: session.fields, isRepeatable: true }, around)
    session.isInitialized = true
    for (const again of lost.replay) await request(again, session.fields).catch(() => undefined)
    if (this.#session === session && !gone.aborted) this.#listen(session)
  }
}

/** How long the server may take to hear of the end, in milliseconds. */
const farewellMs = 5_000

const initializedNote = readMessage(
  Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'),
) as RpcMessage

/** Delivers what has no answer; resolves also when that fails. */
function tell(
  note: RpcMessage,
  parcel: Omit<Parcel, 'method' | 'body'>,
  around: DeliverySurroundings,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => resolve()
    new Delivery(
      { ...parcel, method: 'POST', body: note.bytes },
      { message() {}, ended: done, refused: done, failed: done },
      around,
    ).send()
  })
}

/**
 * Whether a refusal says that the session is gone. The specification's word for it is 404; many servers say 400 with an error that answers
 * no request, which can mean something else.
 */
function lossIn(
  { id }: Session,
  { status }: AnswerHead,
  error: RpcMessage | undefined,
): 'surely' | 'perhaps' | undefined {
  if (id === undefined) return undefined
  if (status === 404) return 'surely'
  const isUnassigned = error && (error.id === undefined || error.id === 'null')
  return status === 400 && isUnassigned && errorCodeOf(error) === -32_000 ? 'perhaps' : undefined
}
