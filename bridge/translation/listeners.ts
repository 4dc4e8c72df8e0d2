import type { Failure } from '../../shared/errors.ts'
import type { ChannelClient } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, isSameId, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import type { ServerSession } from './server-session.ts'
import { changed, json, notificationOf, parsed, rawId, record, valuesAt, withMembers } from './splice.ts'
import { invalidParams, listChanges, subscriptionKey } from './vocabulary.ts'

const none = Buffer.alloc(0)

/** One `subscriptions/listen` of the client's. */
interface Listener {
  readonly request: RpcMessage
  readonly session: ServerSession
  /** Methods of notifications that it is for. */
  readonly methods: ReadonlySet<string>
  readonly uris: readonly string[]
  /** What came before the server had agreed to everything; undefined after the acknowledgement. */
  early: RpcMessage[] | undefined
}

/** How many streams a client may listen to, and to how many resources each. */
const mostListeners = 256
const mostUris = 1_000
/** How much of what came too early is kept for one of them. */
const mostEarly = 100

/**
 * The client's streams of changes, fed by what a session's server says on its own account.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions)
 */
export class Listeners {
  readonly #client: ChannelClient
  readonly #listeners = new Set<Listener>()

  constructor(client: ChannelClient) {
    this.#client = client
  }

  get requests(): RpcMessage[] {
    return [...this.#listeners].map(({ request }) => request)
  }

  uses(session: ServerSession): boolean {
    return [...this.#listeners].some((listener) => listener.session === session)
  }

  listen(request: RpcMessage, session: ServerSession): void {
    const place = findParams(request, ['notifications'])?.[0]
    const wished = parsed(place && request.bytes.subarray(place.start, place.end))
    if (typeof wished !== 'object' || wished === null)
      return this.#refuse(request, wrongFilter, invalidParams)
    if (this.#listeners.size >= mostListeners)
      return this.#refuse(request, { code: 'gateway.too_many_calls' })
    const { offers } = session.agreed
    const lists = listChanges.filter(
      ({ wish, capability }) =>
        record(wished)[wish] === true && record(offers[capability])['listChanged'] === true,
    )
    const uris = record(offers['resources'])['subscribe'] === true ? urisIn(wished) : []
    const methods = new Set<string>(lists.map(({ method }) => method))
    const listener: Listener = { request, session, methods, uris, early: [] }
    this.#listeners.add(listener)
    void Promise.all(uris.map((uri) => session.wishes.subscribe(uri))).then((agreed) => {
      const granted = uris.filter((_, index) => agreed[index])
      const filter = Object.fromEntries(lists.map(({ wish }) => [wish, true] as const))
      this.#acknowledge(listener, granted.length > 0 ? { ...filter, resourceSubscriptions: granted } : filter)
    })
  }

  #acknowledge(listener: Listener, notifications: object): void {
    const { early } = listener
    if (!this.#listeners.has(listener) || !early) return
    const method = 'notifications/subscriptions/acknowledged'
    const params = withMembers(none, undefined, { notifications: json(notifications) })
    listener.early = undefined
    this.#pass(listener, notificationOf(method, params))
    for (const message of early) this.#pass(listener, message)
  }

  /** Whether this notification is one that clients listen for; then those who do have got it. */
  take(session: ServerSession, message: RpcMessage): boolean {
    const isUpdate = message.method === 'notifications/resources/updated'
    if (!isUpdate && !listChanges.some(({ method }) => method === message.method)) return false
    const uri = stringAt(message.bytes, findParams(message, ['uri'])?.[0])
    for (const listener of this.#listeners) {
      if (listener.session !== session) continue
      const isWanted = isUpdate ? isWithin(listener.uris, uri) : listener.methods.has(message.method ?? '')
      if (!isWanted) continue
      if (!listener.early) this.#pass(listener, message)
      else if (listener.early.length < mostEarly) listener.early.push(message)
    }
    return true
  }

  /** Ends the stream with this id; false where there is none. */
  cancel(id: string): boolean {
    for (const listener of this.#listeners) {
      if (!isSameId(listener.request.id, id)) continue
      this.#listeners.delete(listener)
      for (const uri of listener.uris) listener.session.wishes.unsubscribe(uri)
      this.#client.dropped(listener.request)
      return true
    }
    return false
  }

  #pass({ request }: Listener, message: RpcMessage): void {
    const { bytes, paramsPlace } = message
    const [meta] = valuesAt(bytes, paramsPlace, ['_meta'])
    const _meta = withMembers(meta ?? none, meta && { start: 0, end: meta.length }, {
      [subscriptionKey]: rawId(request.id ?? 'null'),
    })
    this.#client.pass(changed(message, { params: withMembers(bytes, paramsPlace, { _meta }) }), request)
  }

  #refuse(request: RpcMessage, failure: Failure, code?: number): void {
    this.#client.answer(request, errorAnswer(request.id, failure, code), { failure })
  }
}

const wrongFilter: Failure = { code: 'gateway.message_invalid', detail: 'it does not say what to listen for' }

function urisIn(filter: object): string[] {
  const { resourceSubscriptions: uris } = filter as { resourceSubscriptions?: unknown }
  const texts = Array.isArray(uris) ? uris.filter((uri) => typeof uri === 'string') : []
  return [...new Set(texts)].slice(0, mostUris)
}

/** A server may name a resource below the one that was subscribed to. */
function isWithin(uris: readonly string[], uri: string | undefined): boolean {
  return (
    uri !== undefined &&
    uris.some((one) => uri === one || uri.startsWith(one.endsWith('/') ? one : `${one}/`))
  )
}
