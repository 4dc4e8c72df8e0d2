import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd } from '../channel/channel.ts'
import { elementsOf, findMembers } from '../channel/json-bytes.ts'
import { json, notificationOf, rawId, requestOf, withMembers } from './splice.ts'

export interface ChangeStreamOptions {
  readonly nextId: () => string
  /** What every request says in `_meta`. */
  readonly meta: () => Record<string, Buffer>
  readonly take: (message: RpcMessage) => void
  readonly pass: (message: RpcMessage) => void
}

/** By the names of the filter: which lists are watched. */
export type ListWishes = Readonly<Record<string, true>>

/** Told how a subscription ended: with a failure, or with none where the server will tell of the resource. */
type Settle = (failure?: Failure) => void

/** A stream that the server ended is opened again after so long, in milliseconds. */
const reopenMs = 1_000
const mostReopenMs = 60_000

/** How many resources a client may subscribe to. */
const mostUris = 1_000

const none = Buffer.alloc(0)

/**
 * The one stream by which a server of the current era tells of changes, opened anew whenever the client wants to know of something else. The
 * old stream ends when the new one is there, so that nothing is missed between.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions)
 */
export class ChangeStream {
  readonly #options: ChangeStreamOptions
  readonly #uris = new Set<string>()
  #lists: ListWishes = {}
  #current: RpcMessage | undefined
  #opening: RpcMessage | undefined
  /** What was asked for while a stream was being opened. */
  #isStale = false
  #unsettled: { readonly uri: string; readonly settle: Settle }[] = []
  #failures = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: ChangeStreamOptions) {
    this.#options = options
  }

  get uris(): string[] {
    return [...this.#uris]
  }

  owns(request: RpcMessage): boolean {
    return request === this.#current || request === this.#opening
  }

  listenTo(lists: ListWishes): void {
    this.#lists = lists
    this.#open()
  }

  /** Goes on where another bridge was. */
  restore(lists: ListWishes, uris: readonly string[]): void {
    for (const uri of uris) this.#uris.add(uri)
    this.listenTo(lists)
  }

  subscribe(uri: string, settle: Settle): void {
    if (this.#uris.size >= mostUris) return settle({ code: 'gateway.too_many_calls' })
    this.#uris.add(uri)
    this.#unsettled.push({ uri, settle })
    this.#open()
  }

  unsubscribe(uri: string, settle: Settle): void {
    const isChange = this.#uris.delete(uri)
    settle()
    if (isChange) this.#open()
  }

  /** A message on one of the streams. */
  take(message: RpcMessage, stream: RpcMessage): void {
    if (message.method === 'notifications/subscriptions/acknowledged') this.#acknowledged(message, stream)
    else if (stream === this.#current) this.#options.pass(message)
  }

  /** The server has ended a stream, or has refused it. */
  ended(stream: RpcMessage, { failure, isError }: CallEnd): void {
    if (stream === this.#current) this.#current = undefined
    if (stream === this.#opening) {
      this.#opening = undefined
      this.#settle(new Set(), undefined, failure)
    }
    // A server that wants no such stream is not asked again until the client wants to know of something else.
    if (!isError) this.#reopenLater()
  }

  close(): void {
    this.forget()
    this.#lists = {}
    this.#uris.clear()
    for (const stream of [this.#current, this.#opening]) if (stream) this.#cancel(stream)
    this.#current = undefined
    this.#opening = undefined
    this.#settle(new Set())
  }

  /** Opens nothing any more. */
  forget(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #open(): void {
    this.forget()
    this.#isStale = this.#opening !== undefined
    if (this.#isStale) return
    if (this.#uris.size === 0 && Object.keys(this.#lists).length === 0) {
      if (this.#current) this.#cancel(this.#current)
      this.#current = undefined
      return
    }
    const { nextId, meta, take } = this.#options
    const resources = this.#uris.size > 0 ? { resourceSubscriptions: this.uris } : {}
    const params = withMembers(none, undefined, {
      _meta: withMembers(none, undefined, meta()),
      notifications: json({ ...this.#lists, ...resources }),
    })
    this.#opening = requestOf(nextId(), 'subscriptions/listen', params)
    take(this.#opening)
  }

  #acknowledged(message: RpcMessage, stream: RpcMessage): void {
    // Also said when a broken stream has been opened again.
    if (stream !== this.#opening) return
    const old = this.#current
    this.#current = stream
    this.#opening = undefined
    this.#failures = 0
    if (old) this.#cancel(old)
    const asked = this.#isStale ? new Set(subscriptionsIn(stream)) : undefined
    this.#settle(new Set(subscriptionsIn(message)), asked)
    if (this.#isStale) this.#open()
  }

  /** Settles what waits, but for what came after the stream had been asked for. */
  #settle(honored: ReadonlySet<string>, asked?: ReadonlySet<string>, failure = unheard): void {
    const unsettled = this.#unsettled
    this.#unsettled = []
    for (const one of unsettled) {
      if (asked && !asked.has(one.uri)) this.#unsettled.push(one)
      else {
        const isHonored = honored.has(one.uri)
        if (!isHonored) this.#uris.delete(one.uri)
        one.settle(isHonored ? undefined : failure)
      }
    }
  }

  #cancel({ id = 'null' }: RpcMessage): void {
    const params = withMembers(none, undefined, { requestId: rawId(id) })
    this.#options.take(notificationOf('notifications/cancelled', params))
  }

  #reopenLater(): void {
    const ms = Math.min(reopenMs * 2 ** this.#failures++, mostReopenMs)
    this.#timer = setTimeout(() => this.#open(), ms).unref()
  }
}

const unheard: Failure = { code: 'translation.unmapped', detail: 'a subscription to this resource' }

/** The resources in the filter of a request or of its acknowledgement. */
function subscriptionsIn(message: RpcMessage): string[] {
  const { bytes } = message
  const filter = findParams(message, ['notifications'])?.[0]
  const list = filter && findMembers(bytes, filter.start, ['resourceSubscriptions'])?.places[0]
  const elements = list && elementsOf(bytes, list.start)
  return (elements ?? []).flatMap((place) => stringAt(bytes, place) ?? [])
}
