import { z } from 'zod'
import type { Failure } from '../../shared/errors.ts'
import type {
  CallEnd,
  Channel,
  ChannelClient,
  Json,
  OpenChannel,
  PendingRequest,
} from '../channel/channel.ts'
import { errorAnswer, errorCodeOf, passedOnError } from '../channel/error-messages.ts'
import { findParams, isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { absenceIn } from './absence.ts'
import { HeldListens, listChanged } from './held-listens.ts'
import { listNames, type ListName } from './knowledge.ts'
import { Lessons, lists } from './lessons.ts'
import type { Memory } from './memory.ts'
import { Refusals, type SignInPages } from './refusals.ts'
import { emptyResult, isModern, standInDiscover, standInInitialize, standInList } from './stand-in.ts'

/** What the layers of a bridge share. */
export interface LastKnownSurroundings {
  readonly memory: Memory
  readonly pages: SignInPages
  /** The server of a connection gave an answer. */
  readonly used: (connection: string) => void
  /** Calls back whenever a connection comes to work, such as after a sign-in. Returns what ends that. */
  readonly watch: (connection: string, connected: () => void) => () => void
  /** The server said that a list of its own has changed. */
  readonly changed: (connection: string) => void
}

const Line = z.string().max(64 * 1024)
const State = z.strictObject({
  below: z.json(),
  initialize: Line.optional(),
  level: Line.optional(),
  shown: z.array(z.tuple([z.enum(listNames), z.string()])),
  isUnknown: z.boolean(),
  isPromised: z.boolean(),
  isOfSession: z.boolean(),
  canOpenPages: z.boolean(),
})

/** How long it takes until a server that was away is tried again, at first and at most, in milliseconds. */
const retryMs = 5_000
const mostRetryMs = 300_000

/** How many requests may wait for the server to be there again. */
const mostWaiting = 1_024

/** The codes of JSON-RPC for a method that the server does not have, and for a parameter that makes no sense, such as a cursor. */
const methodNotFound = -32_601
const invalidParams = -32_602

const initializedNote = readMessage(
  Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'),
) as RpcMessage

/**
 * Stands in for a server that somebody must sign in to, or that cannot be reached: it stays present with its last known lists, and a call says what
 * is to be done. As long as the server is there everything passes unchanged, and what it lists is learned.
 */
export class LastKnownChannel implements Channel, ChannelClient {
  readonly name: string
  onIdle: (() => void) | undefined
  readonly #client: ChannelClient
  readonly #connection: string
  readonly #around: LastKnownSurroundings
  readonly #below: Channel
  readonly #lessons: Lessons
  readonly #refusals: Refusals
  readonly #listens = new HeldListens()
  readonly #unwatch: readonly (() => void)[]
  /** What the client began with, where it was answered in the server's place: the server hears it when it is there again. */
  #initialize: RpcMessage | undefined
  #isBeginning = false
  #level: RpcMessage | undefined
  /** Requests of ours, whose answers the client does not get. */
  readonly #hidden = new Set<RpcMessage>()
  /** What waits until the server has heard of the client. */
  #waiting: RpcMessage[] = []
  /** The lists that the client was shown from memory, by their digests. */
  readonly #shown = new Map<ListName, string>()
  /** The client was shown a server of which nothing was known, and has to hear when that is over; and what it was promised then. */
  #isUnknown = false
  #isPromised = false
  #isOfSession = false
  #isUsed = false
  #tries = 0
  #retry: NodeJS.Timeout | undefined

  constructor(
    client: ChannelClient,
    { connection, ...around }: LastKnownSurroundings & { readonly connection: string },
    open: OpenChannel,
  ) {
    this.name = client.name
    this.#client = client
    this.#connection = connection
    this.#around = around
    this.#lessons = new Lessons(connection, around.memory)
    this.#refusals = new Refusals(connection, around.pages, client)
    this.#below = open(this)
    this.#below.onIdle = () => {
      if (this.awaited === 0) this.onIdle?.()
    }
    this.#unwatch = [
      around.watch(connection, () => this.#connected()),
      around.memory.watch(connection, (name, { digest }) => this.#listLearned(name, digest)),
    ]
  }

  get awaited(): number {
    return this.#below.awaited - this.#hidden.size + this.#waiting.length + this.#refusals.size
  }

  take(message: RpcMessage): void {
    if (message.method === 'initialize') return this.#reset(message)
    if (message.method === 'notifications/cancelled' && this.#cancel(message)) return
    if (this.#initialize) return this.#takeAway(message)
    this.#below.take(message)
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#answer(request, bytes, end, (answer, as) => this.#client.answer(request, answer, as))
  }

  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#answer(request, bytes, end, (answer, as) => this.#client.answerWithSession(request, answer, as))
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    if (this.#listens.isRepeated(message, about)) return this.#announce()
    this.#client.pass(message, about)
    if (message.method?.endsWith('/list_changed')) this.#around.changed(this.#connection)
  }

  dropped(request: RpcMessage): void {
    if (this.#hidden.delete(request)) return
    this.#listens.end(request)
    this.#client.dropped(request)
  }

  pending(): PendingRequest[] {
    const below = this.#below.pending().filter(({ message }) => !message || !this.#hidden.has(message))
    const here = [...this.#waiting, ...this.#refusals.held, ...this.#listens.waiting]
    return [...below, ...here.map((message) => ({ message }))]
  }

  session(): Json {
    const below = this.#below.session()
    const { canOpenPages } = this.#refusals
    if (below === null && !this.#initialize && this.#shown.size === 0) return null
    const line = (message: RpcMessage): string => message.bytes.toString('latin1')
    return {
      below,
      ...(this.#initialize ? { initialize: line(this.#initialize) } : {}),
      ...(this.#level ? { level: line(this.#level) } : {}),
      shown: [...this.#shown].map(([name, digest]) => [name, digest]),
      isUnknown: this.#isUnknown,
      isPromised: this.#isPromised,
      isOfSession: this.#isOfSession,
      canOpenPages,
    }
  }

  restore(session: Json): boolean {
    if (session === null) return this.#below.restore(null)
    const { data: state } = State.safeParse(session)
    if (!state || !this.#below.restore(state.below)) return false
    const message = (line: string | undefined): RpcMessage | undefined =>
      line === undefined ? undefined : readMessage(Buffer.from(line, 'latin1'))
    this.#initialize = message(state.initialize)
    this.#level = message(state.level)
    for (const [name, digest] of state.shown) this.#shown.set(name, digest)
    this.#isUnknown = state.isUnknown
    this.#isPromised = state.isPromised
    this.#isOfSession = state.isOfSession
    this.#refusals.canOpenPages = state.canOpenPages
    if (this.#initialize) this.#wakeLater()
    return true
  }

  giveUp(failure: Failure): void {
    this.#below.giveUp(failure)
  }

  pause(): void {
    this.#below.pause()
  }

  resume(): void {
    this.#below.resume()
  }

  close(isForGood: boolean): void {
    clearTimeout(this.#retry)
    for (const unwatch of this.#unwatch) unwatch()
    this.#refusals.close()
    this.#waiting = []
    this.#below.close(isForGood)
  }

  /** The client begins. */
  #reset(initialize: RpcMessage): void {
    const waiting = this.#waiting
    this.#initialize = undefined
    this.#isBeginning = false
    this.#level = undefined
    this.#waiting = []
    this.#isUnknown = false
    this.#isPromised = false
    this.#shown.clear()
    this.#isOfSession = true
    this.#refusals.begin(initialize)
    for (const message of [initialize, ...waiting]) this.#below.take(message)
  }

  /** Takes what a client says to a server that has not heard of it yet. */
  #takeAway(message: RpcMessage): void {
    // What is no request is about a session that there is not. That the client is ready is told with its beginning.
    if (message.kind !== 'request') return
    if (message.method === 'ping') return this.#client.answer(message, emptyResult(message), {})
    if (message.method === 'logging/setLevel') return this.#keepLevel(message)
    if (this.#waiting.length >= mostWaiting) return this.#fail(message, { code: 'gateway.too_many_calls' })
    this.#waiting.push(message)
    this.#beginBelow()
  }

  #keepLevel(message: RpcMessage): void {
    this.#level = message
    this.#client.answer(message, emptyResult(message), {})
  }

  /** Tells the server what the client began with. */
  #beginBelow(): void {
    if (!this.#initialize || this.#isBeginning) return
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#isBeginning = true
    this.#hidden.add(this.#initialize)
    this.#below.take(this.#initialize)
  }

  #begun(bytes: Buffer, { failure, isError }: CallEnd): void {
    this.#isBeginning = false
    const waiting = this.#waiting
    this.#waiting = []
    if (failure) {
      for (const request of waiting) if (!this.#standIn(request, failure)) this.#fail(request, failure)
      if (absenceIn(failure) === 'time') this.#wakeLater()
    } else if (isError) {
      const error = readMessage(bytes)
      for (const request of waiting) {
        const answer = error && passedOnError(request.id ?? 'null', error)
        if (answer) this.#client.answer(request, answer, { isError })
      }
    } else {
      this.#initialize = undefined
      this.#tries = 0
      this.#below.take(initializedNote)
      if (this.#level) {
        this.#hidden.add(this.#level)
        this.#below.take(this.#level)
      }
      for (const request of waiting) this.#below.take(request)
      this.#announce()
    }
    if (this.awaited === 0) this.onIdle?.()
  }

  #answer(
    request: RpcMessage,
    bytes: Buffer,
    end: CallEnd,
    say: (bytes: Buffer, end: CallEnd) => void,
  ): void {
    if (this.#hidden.size > 0 && this.#hidden.delete(request)) {
      if (request === this.#initialize) this.#begun(bytes, end)
      return
    }
    if (end.failure) {
      if (!this.#standIn(request, end.failure, say)) say(bytes, end)
      return
    }
    const list = lists.get(request.method ?? '')
    if (end.isError && list && this.#isPromised && isMissing(bytes)) {
      // It was promised before the server could be asked whether it has such a list.
      return say(standInList(request, list.name, undefined), {})
    }
    if (list) this.#shown.delete(list.name)
    this.#listens.end(request)
    say(bytes, end)
    if (end.isError) return
    if (!this.#isUsed) {
      this.#isUsed = true
      this.#around.used(this.#connection)
    }
    this.#lessons.take(request, bytes)
  }

  /** Answers in the server's place; false where that is not to be done. */
  #standIn(
    request: RpcMessage,
    failure: Failure,
    say = (bytes: Buffer, end: CallEnd): void => this.#client.answer(request, bytes, end),
  ): boolean {
    if (this.#refusals.refuse(request, failure, say)) return true
    const absence = absenceIn(failure)
    if (!absence) return false
    const { method = '' } = request
    const known = this.#around.memory.of(this.#connection)
    const standIn = { connection: this.#connection, failure, known }
    const list = lists.get(method)
    if (list) {
      const isShown = absence === 'person' || this.#initialize !== undefined || known?.lists[list.name]
      if (!isShown) return false
      if (findParams(request, ['cursor'])?.[0]) {
        // The pages of the server's own list are gone with it; the client begins at the first one again.
        say(errorAnswer(request.id, failure, invalidParams), { failure })
        return true
      }
      this.#shown.set(list.name, known?.lists[list.name]?.digest ?? '')
      this.#noteUnknown(!known)
      say(standInList(request, list.name, known), {})
      return true
    }
    switch (method) {
      case 'initialize':
        this.#initialize = request
        this.#noteUnknown(!known?.self)
        this.#client.answerWithSession(request, standInInitialize(request, standIn), {})
        if (absence === 'time') this.#wakeLater()
        return true
      case 'server/discover':
        this.#noteUnknown(!known?.self)
        say(standInDiscover(request, standIn), {})
        return true
      case 'ping':
        say(emptyResult(request), {})
        return true
      case 'subscriptions/listen': {
        if (!isModern(request)) return false
        const acknowledged = this.#listens.hold(request)
        if (acknowledged) this.#client.pass(acknowledged, request)
        if (absence === 'time') this.#wakeLater()
        return true
      }
      default:
        return false
    }
  }

  #noteUnknown(isUnknown: boolean): void {
    this.#isUnknown ||= isUnknown
    this.#isPromised ||= isUnknown
  }

  #fail(request: RpcMessage, failure: Failure): void {
    this.#client.answer(request, errorAnswer(request.id, failure), { failure })
  }

  /** Somebody signed in. */
  #connected(): void {
    this.#wake()
    const released = this.#refusals.release()
    for (const request of released) this.take(request)
    if (!this.#initialize) this.#announce()
  }

  /** The server may be there again. */
  #wake(): void {
    if (this.#initialize) this.#beginBelow()
    for (const request of this.#listens.release()) this.#below.take(request)
  }

  #wakeLater(): void {
    this.#retry ??= setTimeout(
      () => {
        this.#retry = undefined
        this.#wake()
      },
      Math.min(retryMs * 2 ** this.#tries++, mostRetryMs),
    )
  }

  /** Tells a client that was shown nothing that there is something now. What it was shown of old is told when the new is known. */
  #announce(): void {
    if (!this.#isUnknown) return
    this.#isUnknown = false
    for (const name of ['tools', 'prompts', 'resources'] as const) this.#tellChange(name)
  }

  #listLearned(name: ListName, digest: string): void {
    const shown = this.#shown.get(name)
    if (shown !== undefined && shown !== digest) this.#tellChange(name)
  }

  #tellChange(name: ListName): void {
    this.#shown.delete(name)
    if (this.#isOfSession) this.#client.pass(listChanged(name))
    for (const { request, notice } of this.#listens.noticesOf(name)) this.#client.pass(notice, request)
  }

  #cancel(message: RpcMessage): boolean {
    const place = findParams(message, ['requestId'])?.[0]
    const id = place && message.bytes.toString('latin1', place.start, place.end)
    if (id === undefined) return false
    const waits = this.#waiting.find((one) => isSameId(one.id, id))
    this.#waiting = this.#waiting.filter((one) => one !== waits)
    const request = waits ?? this.#refusals.cancel(id) ?? this.#listens.cancel(id)
    if (request) this.#client.dropped(request)
    return request !== undefined || this.#initialize !== undefined
  }
}

function isMissing(bytes: Buffer): boolean {
  const error = readMessage(bytes)
  return error !== undefined && errorCodeOf(error) === methodNotFound
}
