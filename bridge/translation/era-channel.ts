import type { Failure } from '../../shared/errors.ts'
import type {
  CallEnd,
  Channel,
  ChannelClient,
  Json,
  OpenChannel,
  PendingRequest,
} from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { cancelledId, isSameId, type RpcMessage } from '../channel/rpc-message.ts'
import { eraOfRequest, type EraMemory } from './era.ts'
import { ModernClientChannel } from './modern-client.ts'
import { OlderClientChannel } from './older-client.ts'
import { mostWaiting } from './vocabulary.ts'
import {
  allWays,
  isPlain,
  refusesEra,
  rememberedWay,
  serverEra,
  waysFor,
  waysOverSse,
  type Way,
} from './ways.ts'

/** Where a channel leads, by which ways. */
export interface EraChannelOptions {
  readonly connection: string
  readonly memory: EraMemory
  /** Opens a way over Streamable HTTP, for messages of either era. */
  readonly openHttp: OpenChannel
  /** Opens a way over HTTP+SSE, for messages of the older era. */
  readonly openSse: OpenChannel
}

/** A request that a way was refused for: the first refusal is what the client gets when all ways are. */
interface Trial {
  readonly tried: readonly Way[]
  readonly bytes: Buffer | undefined
  readonly end: CallEnd
}

/**
 * The way of one client to one server, whatever era each of them speaks. It begins as if they spoke the same, and remembers what it found
 * otherwise. While they do speak the same, a message costs one call each way.
 * @see [MCP 2026-07-28, Backward Compatibility](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#backward-compatibility-with-initialization-based-versions)
 */
export class EraChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #client: ChannelClient
  readonly #options: EraChannelOptions
  readonly #ways = new Map<Way, Channel>()
  #way: Way | undefined
  /** Of the way that is in use; undefined while messages need a look before they are sent on. */
  #path: Channel | undefined
  /** What the client of the older era began with. */
  #initialize: RpcMessage | undefined
  /** Requests for which more than one way has been or may be tried. */
  readonly #trials = new Map<RpcMessage, Trial>()
  /** `initialize` has no answer yet, and until then nobody knows where the rest is to go. */
  #opening: RpcMessage | undefined
  #held: RpcMessage[] = []
  #isPaused = false

  constructor(client: ChannelClient, options: EraChannelOptions) {
    this.#client = client
    this.#options = options
  }

  get awaited(): number {
    let sum = this.#held.length
    for (const channel of this.#ways.values()) sum += channel.awaited
    return sum
  }

  take(message: RpcMessage): void {
    if (this.#path) this.#path.take(message)
    else this.#takeFirst(message)
  }

  #takeFirst(message: RpcMessage): void {
    if (this.#opening) return this.#hold(message)
    const era = message.kind === 'request' ? eraOfRequest(message) : undefined
    const { connection, memory } = this.#options
    const known = era ? rememberedWay(era, memory.eraOf(connection)) : this.#way
    const way = known ?? 'plain'
    if (message.method === 'initialize') {
      this.#initialize = message
      this.#opening = message
    }
    // The memory may be wrong, and then there are other ways.
    if (era && way !== 'plain') this.#trials.set(message, { tried: [], bytes: undefined, end: {} })
    this.#use(way)
    if (era === 'modern') this.#settle()
    this.#channel(way).take(message)
  }

  #hold(message: RpcMessage): void {
    const id = message.method === 'notifications/cancelled' ? cancelledId(message) : undefined
    const isCancelled = (one: RpcMessage): boolean => one.kind === 'request' && isSameId(one.id, id)
    const cancelled = id === undefined ? undefined : this.#held.find(isCancelled)
    if (!cancelled) return this.#keep(message)
    this.#held = this.#held.filter((one) => one !== cancelled)
    this.#client.dropped(cancelled)
  }

  #keep(message: RpcMessage): void {
    if (this.#held.length < mostWaiting) this.#held.push(message)
    else if (message.kind === 'request') {
      const failure: Failure = { code: 'gateway.too_many_calls' }
      this.#client.answer(message, errorAnswer(message.id, failure), { failure })
    }
  }

  #use(way: Way | undefined): void {
    this.#way = way
    this.#path = undefined
  }

  /** From now on messages go straight to the way in use. */
  #settle(): void {
    this.#path = this.#way && this.#channel(this.#way)
  }

  #channel(way: Way): Channel {
    const open = this.#ways.get(way) ?? this.#open(way)
    this.#ways.set(way, open)
    return open
  }

  #open(way: Way): Channel {
    const { openHttp, openSse } = this.#options
    const client = this.#clientOf(way)
    const [open, transport] = waysOverSse.has(way)
      ? ([openSse, 'sse'] as const)
      : ([openHttp, 'http'] as const)
    const refused = (request: RpcMessage, bytes: Buffer, end: CallEnd): void =>
      this.#refused(way, request, bytes, end)
    const channel = isPlain(way)
      ? open(client)
      : way === 'older-client'
        ? new OlderClientChannel({ client, open, transport, refused }, this.#initialize)
        : new ModernClientChannel({ client, open, transport, refused })
    channel.onIdle = () => {
      if (this.onIdle && this.awaited === 0) this.onIdle()
    }
    if (this.#isPaused) channel.pause()
    return channel
  }

  #clientOf(way: Way): ChannelClient {
    const client = this.#client
    const isRefusal = (request: RpcMessage, bytes: Buffer, end: CallEnd): boolean =>
      isPlain(way) &&
      (end.isError === true || end.failure !== undefined) &&
      refusesEra(way, request, bytes, end)
    return {
      name: client.name,
      pass: (message, about) => client.pass(message, about),
      answer: (request, bytes, end) => {
        if (isRefusal(request, bytes, end)) return this.#refused(way, request, bytes, end)
        if (this.#trials.size > 0) this.#answered(way, request, end)
        client.answer(request, bytes, end)
        if (request === this.#opening) this.#opened(end)
      },
      answerWithSession: (request, bytes, end) => {
        if (isRefusal(request, bytes, end)) return this.#refused(way, request, bytes, end)
        this.#answered(way, request, end)
        client.answerWithSession(request, bytes, end)
        if (request === this.#opening) this.#opened(end)
      },
      dropped: (request) => {
        this.#trials.delete(request)
        client.dropped(request)
      },
    }
  }

  /** A way works for a request, or fails for another reason than the era. */
  #answered(way: Way, request: RpcMessage, { failure }: CallEnd): void {
    const trial = this.#trials.get(request)
    this.#trials.delete(request)
    // What was remembered, and is only confirmed, is looked at anew when it is old.
    if (!trial || trial.tried.length === 0 || failure) return
    const era = serverEra(way, request)
    if (era) this.#options.memory.learn(this.#options.connection, era)
  }

  /** `initialize` has its answer. Where that is an error, the next one may find another way. */
  #opened({ failure, isError }: CallEnd): void {
    this.#opening = undefined
    if (failure || isError) this.#use(undefined)
    else this.#settle()
    const held = this.#held
    this.#held = []
    for (const message of held) this.take(message)
  }

  /** The server does not speak what this way speaks: the next one is tried. */
  #refused(way: Way, request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (request.method === 'initialize') this.#initialize = request
    const before = this.#trials.get(request)
    const tried = [...(before?.tried ?? []), way]
    const trial: Trial = before?.bytes ? { ...before, tried } : { tried, bytes, end }
    const next = this.#nextWay(request, trial)
    if (next) {
      this.#trials.set(request, trial)
      this.#use(next)
      if (request !== this.#opening) this.#settle()
      return this.#channel(next).take(request)
    }
    this.#trials.delete(request)
    this.#use(undefined)
    this.#client.answer(request, trial.bytes ?? bytes, trial.end)
    if (request === this.#opening) this.#opened(trial.end)
  }

  #nextWay(request: RpcMessage, { tried, bytes }: Trial): Way | undefined {
    return waysFor(request, this.#initialize, bytes).find((way) => !tried.includes(way))
  }

  pending(): PendingRequest[] {
    const held = this.#held.filter(({ kind }) => kind === 'request').map((message) => ({ message }))
    return [...[...this.#ways.values()].flatMap((channel) => channel.pending()), ...held]
  }

  session(): Json {
    const session = this.#way === undefined ? null : this.#channel(this.#way).session()
    return session === null || this.#way === undefined ? null : { way: this.#way, session }
  }

  restore(state: Json): boolean {
    if (state === null) return true
    const { way, session } = state as { way?: Way; session?: Json }
    if (way === undefined || session === undefined || !allWays.includes(way)) return false
    this.#use(way)
    this.#settle()
    return this.#channel(way).restore(session)
  }

  giveUp(failure: Failure): void {
    for (const channel of this.#ways.values()) channel.giveUp(failure)
  }

  pause(): void {
    this.#isPaused = true
    for (const channel of this.#ways.values()) channel.pause()
  }

  resume(): void {
    this.#isPaused = false
    for (const channel of this.#ways.values()) channel.resume()
  }

  close(isForGood: boolean): void {
    this.#held = []
    for (const channel of this.#ways.values()) channel.close(isForGood)
  }
}
