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
import { errorAnswer, errorCodeOf } from '../channel/error-messages.ts'
import { findParams, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { absenceIn, type Absence } from './absence.ts'
import { Introduction, IntroductionState } from './introduction.ts'
import type { Knowledge, ListName } from './knowledge.ts'
import { Lessons, lists } from './lessons.ts'
import type { Memory } from './memory.ts'
import { Refusals, type SignInPages } from './refusals.ts'
import { Showing, ShowingState } from './showing.ts'
import { emptyResult, isModern, standInDiscover, standInInitialize, standInList } from './stand-in.ts'

/** What the layers of a bridge share. */
export interface LastKnownSurroundings {
  readonly memory: Memory
  readonly pages: SignInPages
  /** The server of a connection gave an answer. */
  used(connection: string): void
  /** Calls back whenever a connection comes to work, such as after a sign-in. Returns what ends that. */
  watch(connection: string, connected: () => void): () => void
  /** The server said that a list of its own has changed. */
  changed(connection: string): void
}

const State = z.strictObject({
  below: z.json(),
  introduction: IntroductionState,
  showing: ShowingState,
  canOpenPages: z.boolean(),
})

/** How long it takes until a server that was away is tried again, at first and at most, in milliseconds. */
const retryMs = 5_000
const mostRetryMs = 300_000

/** The codes of JSON-RPC for a method that the server does not have, and for a parameter that makes no sense, such as a cursor. */
const methodNotFound = -32_601
const invalidParams = -32_602

type Say = (bytes: Buffer, end: CallEnd) => void

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
  readonly #introduction: Introduction
  readonly #showing: Showing
  readonly #unwatch: readonly (() => void)[]
  #isUsed = false
  #tries = 0
  #retry: NodeJS.Timeout | undefined

  constructor(
    client: ChannelClient,
    { connection, around }: { readonly connection: string; readonly around: LastKnownSurroundings },
    open: OpenChannel,
  ) {
    this.name = client.name
    this.#client = client
    this.#connection = connection
    this.#around = around
    this.#lessons = new Lessons(connection, around.memory)
    this.#refusals = new Refusals(connection, around.pages, client)
    this.#showing = new Showing(client)
    this.#introduction = new Introduction({
      client,
      send: (message) => this.#below.take(message),
      failed: (request, failure) => this.#fail(request, failure),
      made: () => {
        this.#tries = 0
        this.#showing.announce()
      },
      missed: (failure) => this.#wakeLater(absenceIn(failure)),
    })
    this.#below = open(this)
    this.#below.onIdle = () => this.#tellIdle()
    this.#unwatch = [
      around.watch(connection, () => this.#connected()),
      around.memory.watch(connection, (name, { digest }) => this.#showing.learned(name, digest)),
    ]
  }

  get awaited(): number {
    const { ownCount, waiting } = this.#introduction
    return this.#below.awaited - ownCount + waiting.length + this.#refusals.size
  }

  take(message: RpcMessage): void {
    if (message.method === 'initialize') return this.#begin(message)
    if (message.method === 'notifications/cancelled' && this.#cancel(message)) return
    if (this.#introduction.isDue) this.#introduction.take(message)
    else this.#below.take(message)
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#answer(request, bytes, end, (answer, as) => this.#client.answer(request, answer, as))
  }

  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.#answer(request, bytes, end, (answer, as) => this.#client.answerWithSession(request, answer, as))
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    // The client was told that its subscription stands; now it does.
    if (this.#showing.listens.isRepeated(message, about)) return this.#showing.announce()
    this.#client.pass(message, about)
    if (message.method?.endsWith('/list_changed')) this.#around.changed(this.#connection)
  }

  dropped(request: RpcMessage): void {
    if (this.#introduction.isOwn(request)) {
      const failure = { code: 'gateway.stream_cut' } as const
      return this.#introduction.answered(request, Buffer.alloc(0), { failure })
    }
    this.#showing.listens.end(request)
    this.#client.dropped(request)
  }

  pending(): PendingRequest[] {
    const below = this.#below
      .pending()
      .filter(({ message }) => !message || !this.#introduction.isOwn(message))
    const here = [...this.#introduction.waiting, ...this.#refusals.held, ...this.#showing.listens.waiting]
    return [...below, ...here.map((message) => ({ message }))]
  }

  session(): Json {
    return {
      below: this.#below.session(),
      introduction: this.#introduction.toJson(),
      showing: this.#showing.toJson(),
      canOpenPages: this.#refusals.canOpenPages,
    }
  }

  restore(session: Json): boolean {
    if (session === null) return this.#below.restore(null)
    const { data: state } = State.safeParse(session)
    if (!state || !this.#below.restore(state.below)) return false
    this.#introduction.restore(state.introduction)
    this.#showing.restore(state.showing)
    this.#refusals.canOpenPages = state.canOpenPages
    if (this.#introduction.isDue) this.#wakeLater('time')
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
    this.#below.close(isForGood)
  }

  #begin(initialize: RpcMessage): void {
    const waiting = this.#introduction.reset()
    this.#showing.begin()
    this.#refusals.begin(initialize)
    for (const message of [initialize, ...waiting]) this.#below.take(message)
  }

  #answer(request: RpcMessage, bytes: Buffer, end: CallEnd, say: Say): void {
    if (this.#introduction.isOwn(request)) {
      this.#introduction.answered(request, bytes, end)
      return this.#tellIdle()
    }
    if (end.failure) {
      if (!this.#standIn(request, end.failure, say)) say(bytes, end)
      return
    }
    const list = lists.get(request.method ?? '')
    if (list && end.isError && this.#showing.isPromised && isMissing(bytes)) {
      // It was promised before the server could be asked whether it has such a list.
      return say(standInList(request, list.name, undefined), {})
    }
    if (list) this.#showing.showLive(list.name)
    this.#showing.listens.end(request)
    say(bytes, end)
    if (!end.isError) this.#lessons.take(request, bytes)
    if (this.#isUsed) return
    this.#isUsed = true
    this.#around.used(this.#connection)
  }

  /** Answers in the server's place; false where that is not to be done. */
  #standIn(request: RpcMessage, failure: Failure, say: Say): boolean {
    if (this.#refusals.refuse(request, failure, say)) return true
    const absence = absenceIn(failure)
    if (!absence) return false
    const known = this.#around.memory.of(this.#connection)
    const standIn = { connection: this.#connection, failure, known }
    const list = lists.get(request.method ?? '')
    if (list) return this.#showList(request, list.name, { absence, failure, known }, say)
    switch (request.method) {
      case 'initialize':
        this.#introduction.owe(request)
        this.#showing.showServer(known?.self !== undefined)
        this.#client.answerWithSession(request, standInInitialize(request, standIn), {})
        this.#wakeLater(absence)
        return true
      case 'server/discover':
        this.#showing.showServer(known?.self !== undefined)
        say(standInDiscover(request, standIn), {})
        return true
      case 'ping':
        say(emptyResult(request), {})
        return true
      case 'subscriptions/listen': {
        if (!isModern(request)) return false
        const acknowledged = this.#showing.listens.hold(request)
        if (acknowledged) this.#client.pass(acknowledged, request)
        this.#wakeLater(absence)
        return true
      }
      default:
        return false
    }
  }

  #showList(
    request: RpcMessage,
    name: ListName,
    {
      absence,
      failure,
      known,
    }: { readonly absence: Absence; readonly failure: Failure; readonly known: Knowledge | undefined },
    say: Say,
  ): boolean {
    // That a server cannot be reached is no reason to say that it has nothing, unless the client was told that it is there.
    if (absence === 'time' && !known?.lists[name] && !this.#introduction.isDue) return false
    if (findParams(request, ['cursor'])?.[0]) {
      // The pages of the server's own list are gone with it; the client begins at the first one again.
      say(errorAnswer(request.id, failure, invalidParams), { failure })
      return true
    }
    this.#showing.showList(name, known?.lists[name]?.digest)
    this.#showing.showServer(known !== undefined)
    say(standInList(request, name, known), {})
    return true
  }

  #fail(request: RpcMessage, failure: Failure): void {
    const say: Say = (bytes, end) => this.#client.answer(request, bytes, end)
    if (!this.#standIn(request, failure, say)) say(errorAnswer(request.id, failure), { failure })
  }

  /** Somebody signed in. */
  #connected(): void {
    this.#wake()
    for (const request of this.#refusals.release()) this.take(request)
    if (!this.#introduction.isDue) this.#showing.announce()
  }

  /** The server may be there again. */
  #wake(): void {
    clearTimeout(this.#retry)
    this.#retry = undefined
    this.#introduction.make()
    for (const request of this.#showing.listens.release()) this.#below.take(request)
  }

  /** Tries it again after a while where time alone may mend it, as long as a client waits to hear of it. */
  #wakeLater(absence: Absence | undefined): void {
    if (absence !== 'time') return
    const ms = Math.min(retryMs * 2 ** this.#tries, mostRetryMs)
    this.#retry ??= setTimeout(() => {
      this.#tries++
      this.#wake()
    }, ms)
  }

  #tellIdle(): void {
    if (this.awaited === 0) this.onIdle?.()
  }

  #cancel(message: RpcMessage): boolean {
    const place = findParams(message, ['requestId'])?.[0]
    const id = place && message.bytes.toString('latin1', place.start, place.end)
    if (id === undefined) return false
    const request =
      this.#introduction.cancel(id) ?? this.#refusals.cancel(id) ?? this.#showing.listens.cancel(id)
    if (request) this.#client.dropped(request)
    return request !== undefined
  }
}

function isMissing(bytes: Buffer): boolean {
  const error = readMessage(bytes)
  return error !== undefined && errorCodeOf(error) === methodNotFound
}
