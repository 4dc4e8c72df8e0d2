import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, Json, PendingRequest } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, isSameId, type RpcMessage } from '../channel/rpc-message.ts'
import { Announcements, onceSoon } from './announcements.ts'
import { Calls } from './calls.ts'
import type { Child } from './child.ts'
import { Children } from './children.ts'
import { Handshake, resultAnswer, saidBy } from './era.ts'
import { listKinds } from './items.ts'
import { Listening } from './listening.ts'
import { LogLevel } from './log-level.ts'
import { Lists, usualPatience } from './lists.ts'
import { Mapping, toServer } from './mapping.ts'
import type { AllParts } from './parts.ts'
import { astrayAnswer, refusalOf } from './refusals.ts'
import { Router, type Astray, type Route } from './router.ts'
import { messageOf } from './splicing.ts'
import { readState, writeState } from './state.ts'
import { UriSpace } from './uris.ts'
import { discoverResult, initializeResult, type Introduced } from './welcome.ts'

/** How many requests of one client may be under way, and how many of them may only listen. */
const mostCalls = 4_096
const mostListeners = 32

/**
 * All connections of a client app as one MCP server, for clients of both eras. Each connection has a channel of its own, opened when the client
 * first says something that concerns it. Names and uris tell what belongs to which; see docs/all-connections.md.
 */
export class AllChannel implements Channel {
  onIdle: (() => void) | undefined
  readonly #client: ChannelClient
  readonly #parts: AllParts
  readonly #children: Children
  readonly #calls: Calls
  readonly #level = new LogLevel()
  readonly #uris = new UriSpace()
  readonly #mapping = new Mapping(this.#uris)
  readonly #lists: Lists
  readonly #listening: Listening
  readonly #router: Router
  readonly #announcements: Announcements
  readonly #unwatch: () => void
  #handshake: Handshake | undefined
  #isInitialized = false
  /** A server's session has begun since the client's last answer. */
  #hasNewSession = false
  #isOver = false

  constructor(client: ChannelClient, parts: AllParts) {
    this.#client = client
    this.#parts = parts
    const { clock, log, memory, patience = usualPatience } = parts
    this.#children = new Children({
      client: client.name,
      memory,
      connections: () => parts.connections(),
      open: (connection, own) => parts.open(connection, own),
      pass: (child, message, about, stream) => this.#pass(child, message, about, stream),
      sessionChanged: () => void (this.#hasNewSession = true),
      greeted: (child) => this.#greeted(child),
    })
    this.#announcements = new Announcements(clock, (changed) => this.#announce(changed))
    this.#calls = new Calls({
      mapping: this.#mapping,
      answer: (request, bytes, end) => this.#answer(request, bytes, end),
      dropped: (request) => this.#drop(request),
    })
    const children = (): Child[] => this.#children.all()
    this.#lists = new Lists({
      children,
      uris: this.#uris,
      clock,
      log,
      memory,
      toolRules: parts.toolRules,
      owner: client.name,
      patience,
      answer: (request, bytes) => this.#answer(request, bytes),
      changed: ({ changed }) => this.#announcements.plan(changed),
      reached: (child) => this.#listening.attend(child),
    })
    this.#router = new Router({
      connections: () => this.#children.connections,
      children,
      child: (connection) => this.#children.get(connection),
      lists: this.#lists,
      uris: this.#uris,
    })
    this.#listening = new Listening({
      children,
      clock,
      pass: (message, about) => client.pass(message, about),
      subscribe: (uri) => {
        const at = this.#router.childOf(uri)
        if (at) this.#mapping.subscribe(at.child.connection, at.uri, uri)
        return at && { connection: at.child.connection, uri: at.uri }
      },
    })
    // Not in the middle of the change that it is told of.
    this.#unwatch = parts.watch(onceSoon(() => this.#refresh()))
  }

  get awaited(): number {
    return this.#calls.size + this.#lists.size
  }

  take(message: RpcMessage): void {
    if (this.#isOver) return
    if (message.kind === 'request') return this.#request(message)
    if (message.method === 'notifications/cancelled') return this.#cancel(message)
    if (message.method === 'notifications/initialized') {
      this.#isInitialized = true
      return
    }
    if (message.kind === 'answer' || message.method === 'notifications/progress') {
      const about = toServer(message)
      if (about) this.#children.get(about.connection)?.tell(about.message)
      return
    }
    for (const child of this.#children.opened()) child.tell(message)
  }

  pending(): PendingRequest[] {
    // What waits for lists has not been sent at all.
    const others = [...this.#lists.waiting(), ...this.#listening.requests()]
    return [...this.#calls.pending(), ...others.map((message) => ({ message }))]
  }

  session(): Json {
    return writeState({
      handshake: this.#handshake,
      isInitialized: this.#isInitialized,
      level: this.#level.request,
      uris: this.#uris.toJson(),
      children: this.#children.opened().map((child) => [child.connection, child.session()] as const),
    })
  }

  restore(session: Json): boolean {
    const state = readState(session)
    if (!state) return false
    this.#handshake = state.handshake
    this.#isInitialized = state.isInitialized
    this.#level.request = state.level
    this.#uris.restore(state.uris)
    this.#children.begin(state.handshake)
    for (const [connection, own] of state.children) this.#children.get(connection)?.restore(own)
    return true
  }

  giveUp(failure: Failure): void {
    for (const child of this.#children.opened()) child.giveUp(failure)
  }

  pause(): void {
    this.#children.pause()
  }

  resume(): void {
    this.#children.resume()
  }

  close(isForGood: boolean): void {
    this.#isOver = true
    this.#unwatch()
    this.#announcements.close()
    this.#lists.close()
    for (const child of this.#children.opened()) child.close(isForGood)
    this.#calls.clear()
  }

  #request(request: RpcMessage): void {
    if (this.awaited >= mostCalls) return this.#fail(request, { code: 'gateway.too_many_calls' })
    const said = saidBy(request)
    const refusal = refusalOf(request, said, this.#handshake !== undefined)
    if (refusal) return this.#answer(request, refusal.bytes, refusal.end)
    const kind = listKinds.get(request.method ?? '')
    if (kind) return this.#lists.request(request, kind, said !== undefined)
    switch (request.method) {
      case 'initialize':
        return this.#initialize(request)
      case 'server/discover':
        return this.#answer(request, resultAnswer(request, discoverResult(this.#introduced())))
      case 'ping':
        return this.#answer(request, resultAnswer(request, {}))
      case 'logging/setLevel':
        return this.#setLevel(request)
      case 'subscriptions/listen':
        return this.#listening.size < mostListeners
          ? this.#listening.begin(request)
          : this.#fail(request, { code: 'gateway.too_many_calls' })
      default:
        return this.#router.route(request, (route) => this.#follow(request, route))
    }
  }

  #initialize(request: RpcMessage): void {
    this.#handshake = new Handshake(request)
    this.#isInitialized = false
    for (const child of this.#children.begin(this.#handshake)) {
      this.#lists.forget(child)
      child.close(true, { code: 'connection.ended' })
    }
    const result = initializeResult(this.#handshake.version, this.#introduced())
    this.#client.answerWithSession(request, resultAnswer(request, result), {})
  }

  #introduced(): Introduced[] {
    const { memory, troubleOf } = this.#parts
    return this.#children.all().map(({ connection, failure, greeting }) => ({
      connection,
      trouble: troubleOf(connection) ?? failure,
      gap: memory.failure(this.#client.name, connection),
      instructions: greeting?.instructions,
    }))
  }

  #setLevel(request: RpcMessage): void {
    this.#level.request = request
    for (const child of this.#children.opened()) if (child.isBegun) this.#level.tell(child)
    this.#answer(request, resultAnswer(request, {}))
  }

  #follow(request: RpcMessage, route: Route | Astray): void {
    if (typeof route !== 'string') return this.#calls.make(request, route)
    const answer = astrayAnswer(request, route, this.#handshake !== undefined)
    this.#answer(request, answer, { isError: true })
  }

  #cancel(note: RpcMessage): void {
    const place = findParams(note, ['requestId'])?.[0]
    const id = place && note.bytes.toString('latin1', place.start, place.end)
    const isMeant = (request: RpcMessage): boolean => id !== undefined && isSameId(request.id, id)
    this.#calls.cancel(note, isMeant)
    for (const request of [...this.#lists.waiting(), ...this.#listening.requests()].filter(isMeant)) {
      this.#lists.drop(request)
      this.#listening.end(request)
      this.#drop(request)
    }
  }

  #drop(request: RpcMessage): void {
    this.#client.dropped(request)
    this.#lookIfIdle()
  }

  #pass(
    child: Child,
    message: RpcMessage,
    about: RpcMessage | undefined,
    stream: RpcMessage | undefined,
  ): void {
    const { method = '' } = message
    if (method.endsWith('/list_changed')) return this.#lists.outdate(child, method)
    const mapped = this.#mapping.fromServer(child.connection, message)
    if (stream && !about) return void this.#listening.pass(mapped, stream)
    this.#client.pass(mapped, about)
  }

  #greeted(child: Child): void {
    if (!child.hasGreeted || !child.greeting) return
    this.#parts.memory.keepGreeting(this.#client.name, child.connection, child.greeting)
    this.#level.tell(child)
  }

  /** The connections may be others, or one that could not be used may work by now. */
  #refresh(): void {
    if (this.#isOver) return
    this.#lists.noticeRules()
    const { gone, isChanged } = this.#children.refresh()
    for (const child of gone) {
      this.#lists.forget(child)
      this.#uris.forget(child.connection)
      child.close(true, { code: 'connection.unknown', detail: child.connection })
    }
    const recovered = this.#children.recovered(this.#parts.troubleOf)
    for (const child of recovered) this.#lists.outdateAll(child)
    if (!isChanged && recovered.length === 0) return
    for (const child of this.#children.all()) this.#listening.attend(child)
    for (const { changed } of listKinds.values()) this.#announcements.plan(changed)
  }

  #announce(changed: string): void {
    if (this.#isInitialized) this.#client.pass(messageOf({ jsonrpc: '2.0', method: changed }))
    this.#listening.announce(changed)
  }

  #fail(request: RpcMessage, failure: Failure): void {
    this.#answer(request, errorAnswer(request.id, failure), { failure })
  }

  #answer(request: RpcMessage, bytes: Buffer, end: CallEnd = {}): void {
    if (this.#hasNewSession) this.#client.answerWithSession(request, bytes, end)
    else this.#client.answer(request, bytes, end)
    this.#hasNewSession = false
    this.#lookIfIdle()
  }

  #lookIfIdle(): void {
    if (this.onIdle && this.awaited === 0) this.onIdle()
  }
}
