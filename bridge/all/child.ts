import { errors, type Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, Json } from '../channel/channel.ts'
import { errorAnswer, passedOnError } from '../channel/error-messages.ts'
import { readMessage, withId, type RpcMessage } from '../channel/rpc-message.ts'
import { initializedNote, nextOwnId, ownRequest, type Handshake } from './era.ts'
import type { Greeting } from './memory.ts'
import { messageOf, valueAt } from './splicing.ts'

/** What becomes of a request to one server. Exactly one of the two is called. */
export interface Asked {
  /** The client's request that it is made for; undefined for one of the bridge's own. */
  readonly request?: RpcMessage
  answered(bytes: Buffer, end: CallEnd): void
  dropped(): void
}

/** What a child is opened with. */
export interface ChildOptions {
  readonly connection: string
  /** The client app, by its name. */
  readonly client: string
  /** For a client of the older era: how it began. */
  readonly handshake: Handshake | undefined
  open(client: ChannelClient): Channel | Failure
  /** A request or a notification of this server: about a request of the client, if it is about one, which came on the stream of `sent`. */
  pass(child: Child, message: RpcMessage, about: RpcMessage | undefined, sent: RpcMessage | undefined): void
  /** Its session is another one than before. */
  sessionChanged(): void
  /** The server has said who it is, or why not. */
  greeted(child: Child): void
}

/** One connection of a client that uses all of them: its channel, and the handshake that the client does not see. */
export class Child implements ChannelClient {
  readonly name: string
  readonly connection: string
  /** Why it could not be used when it was last tried. */
  failure: Failure | undefined
  greeting: Greeting | undefined
  /** Whether `greeting` is what the server said to this client, and not only what is remembered. */
  hasGreeted = false
  readonly #options: ChildOptions
  #channel: Channel | undefined
  #state: 'new' | 'beginning' | 'begun' = 'new'
  /** What waits for the handshake, in order. */
  #waiting: RpcMessage[] = []
  readonly #asked = new Map<RpcMessage, Asked>()
  #isPaused = false
  #isOver = false

  constructor(options: ChildOptions) {
    this.#options = options
    this.name = options.client
    this.connection = options.connection
  }

  /** Whether anything has been sent to the server. */
  get isBegun(): boolean {
    return this.#state !== 'new'
  }

  /** Whether a person had to do something before it can be used. */
  get needsPerson(): boolean {
    return this.failure !== undefined && errors[this.failure.code].fixer === 'user'
  }

  /** Sends a request to the server, as soon as the handshake is over. `like` is the client's request for the sake of which that is. */
  ask(request: RpcMessage, asked: Asked, like: RpcMessage = request): void {
    if (this.#isOver) return asked.answered(errorAnswer(request.id, ended), { failure: ended })
    this.#asked.set(request, asked)
    this.#send(request, like)
  }

  /** Sends what has no answer, if the server knows the client at all. */
  tell(message: RpcMessage): void {
    if (this.isBegun) this.#send(message)
  }

  /** Cancels a request of `ask`; its `dropped` or, where it was too late, its `answered` is called. */
  cancel(request: RpcMessage, note?: RpcMessage): void {
    const at = this.#waiting.indexOf(request)
    if (at >= 0) {
      this.#waiting.splice(at, 1)
      return this.dropped(request)
    }
    this.tell(note ?? cancellationOf(request))
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    const asked = this.#asked.get(request)
    this.#asked.delete(request)
    if (end.failure) this.failure = end.failure
    else if (this.#state === 'begun') this.failure = undefined
    asked?.answered(bytes, end)
  }

  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#options.sessionChanged()
    this.answer(request, bytes, end)
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    if (this.#isOver) return
    this.#options.pass(this, message, about && this.#asked.get(about)?.request, about)
  }

  dropped(request: RpcMessage): void {
    const asked = this.#asked.get(request)
    this.#asked.delete(request)
    asked?.dropped()
  }

  session(): Json {
    return this.#state === 'begun' ? (this.#channel?.session() ?? null) : null
  }

  /** Goes on with a session that another bridge has begun; where that cannot be, one is begun anew. */
  restore(session: Json): void {
    if (session === null || !this.#open()) return
    if (this.#channel?.restore(session)) this.#state = 'begun'
    else {
      this.#channel?.close(false)
      this.#channel = undefined
    }
  }

  /** The requests of `ask` that may be made again, since their server has not got them. */
  unsent(): RpcMessage[] {
    const below = this.#channel?.pending() ?? []
    return [...this.#waiting, ...below.flatMap(({ message }) => message ?? [])]
  }

  giveUp(failure: Failure): void {
    this.#channel?.giveUp(failure)
  }

  pause(): void {
    this.#isPaused = true
    this.#channel?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#channel?.resume()
  }

  /** Ends it. Whoever still waits for an answer gets this failure, or nothing without one. */
  close(isForGood: boolean, failure?: Failure): void {
    this.#isOver = true
    this.#channel?.close(isForGood)
    this.#waiting = []
    const left = [...this.#asked]
    this.#asked.clear()
    if (!failure) return
    for (const [request, asked] of left) asked.answered(errorAnswer(request.id, failure), { failure })
  }

  #send(message: RpcMessage, like?: RpcMessage): void {
    if (this.#state === 'begun') return this.#channel?.take(message)
    this.#waiting.push(message)
    if (this.#state === 'new') this.#begin(like)
  }

  #begin(like: RpcMessage | undefined): void {
    if (!this.#open()) return
    const { handshake } = this.#options
    if (!handshake) {
      this.#beginNow()
      // Only to know the server better: nothing waits for it.
      if (like) this.#ask(ownRequest('server/discover', {}, like), (answer) => this.#learn(answer))
      return
    }
    this.#state = 'beginning'
    const request = messageOf(withId(handshake.request, JSON.stringify(nextOwnId())))
    this.#ask(request, (answer, end) => {
      this.#learn(answer)
      if (!this.hasGreeted) return this.#refuseWaiting(answer, end)
      this.#channel?.take(initializedNote)
      this.#beginNow()
    })
  }

  #ask(request: RpcMessage, answered: Asked['answered']): void {
    this.#asked.set(request, { answered, dropped: () => undefined })
    this.#channel?.take(request)
  }

  #open(): boolean {
    if (this.#channel) return true
    const opened = this.#options.open(this)
    if ('code' in opened) {
      this.#refuseWaiting(errorAnswer(undefined, opened), { failure: opened })
      return false
    }
    this.#channel = opened
    if (this.#isPaused) opened.pause()
    return true
  }

  #beginNow(): void {
    this.#state = 'begun'
    for (const message of this.#waiting.splice(0)) this.#channel?.take(message)
  }

  #learn(answer: Buffer): void {
    const message = readMessage(answer)
    const result = message?.resultPlace && valueAt(answer, message.resultPlace)
    if (typeof result !== 'object' || result === null) return
    const { capabilities, instructions } = result as { capabilities?: unknown; instructions?: unknown }
    this.failure = undefined
    this.hasGreeted = true
    this.greeting = {
      capabilities:
        typeof capabilities === 'object' && capabilities !== null ? Object.keys(capabilities) : undefined,
      instructions: typeof instructions === 'string' ? instructions : undefined,
    }
    this.#options.greeted(this)
  }

  /** The handshake failed, and with it all that waited for it. The next request tries again. */
  #refuseWaiting(answer: Buffer, end: CallEnd): void {
    this.#state = 'new'
    const { failure } = end
    this.failure = failure ?? { code: 'server.failed', detail: 'it refuses the client' }
    this.#options.greeted(this)
    const error = readMessage(answer)
    for (const { id, kind, ...waiting } of this.#waiting.splice(0).map((one) => ({ ...one, request: one }))) {
      if (kind !== 'request') continue
      const own = failure || !error || id === undefined ? undefined : passedOnError(id, error)
      this.answer(waiting.request, own ?? errorAnswer(id, this.failure), end)
    }
  }
}

const ended: Failure = { code: 'connection.ended' }

function cancellationOf(request: RpcMessage): RpcMessage {
  const requestId = valueAt(request.bytes, request.idPlace)
  return messageOf({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId } })
}
