import { findParams, type RpcMessage } from '../channel/rpc-message.ts'
import type { Asked, Child } from './child.ts'
import { idOf, ownRequest } from './era.ts'
import type { Clock } from '../ports.ts'
import { listKinds } from './items.ts'
import { messageOf, readForeignValue, valueAt } from './splicing.ts'

const subscriptionId = 'io.modelcontextprotocol/subscriptionId'

/** What listening needs around it. */
export interface ListeningOptions {
  readonly children: () => Iterable<Child>
  readonly clock: Clock
  pass(message: RpcMessage, about: RpcMessage): void
  /** What a uri of the client leads to; it is told of by the same uri. */
  subscribe(uri: string): { readonly connection: string; readonly uri: string } | undefined
}

/** What a client asked to be told of, and the streams of the servers that it comes from. */
interface Listener {
  readonly request: RpcMessage
  /** The JSON of its id. */
  readonly id: string
  readonly flags: readonly string[]
  /** By connection: uris and ids of tasks as the server knows them. */
  readonly own: ReadonlyMap<string, { readonly uris: string[]; readonly taskIds: string[] }>
  readonly streams: Map<Child, RpcMessage>
  /** Servers that have no such streams. */
  readonly refused: Set<Child>
}

/**
 * The subscriptions of a client of the current revision: one stream for each, over one stream to each server.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions)
 */
export class Listening {
  readonly #options: ListeningOptions
  readonly #listeners = new Map<RpcMessage, Listener>()
  readonly #byStream = new Map<RpcMessage, Listener>()

  constructor(options: ListeningOptions) {
    this.#options = options
  }

  requests(): RpcMessage[] {
    return [...this.#listeners.keys()]
  }

  get size(): number {
    return this.#listeners.size
  }

  /** Begins a subscription. What is ours to tell is acknowledged at once: that lists change is seen here, whatever a server offers. */
  begin(request: RpcMessage): void {
    const wish = valueAt(request.bytes, findParams(request, ['notifications'])?.[0])
    const { flags, own, honoured } = this.#read((wish ?? {}) as Record<string, unknown>)
    const listener: Listener = {
      request,
      id: idOf(request),
      flags,
      own,
      streams: new Map(),
      refused: new Set(),
    }
    this.#listeners.set(request, listener)
    const notifications = { ...flagsAsked(flags), ...honoured }
    this.#pass(listener, 'notifications/subscriptions/acknowledged', { notifications })
    for (const child of this.#options.children()) this.#open(listener, child)
  }

  /** Opens the streams to one server that are not open, such as to one that can be used again. */
  attend(child: Child): void {
    for (const listener of this.#listeners.values()) this.#open(listener, child)
  }

  /** Ends a subscription, at the servers too; false where there is none. */
  end(request: RpcMessage): boolean {
    const listener = this.#listeners.get(request)
    this.#listeners.delete(request)
    for (const [child, stream] of listener?.streams ?? []) child.cancel(stream)
    return listener !== undefined
  }

  /** Tells all who asked for it that lists have changed. */
  announce(changed: string): void {
    const flag = [...listKinds.values()].find((kind) => kind.changed === changed)?.flag
    for (const listener of this.#listeners.values()) {
      if (flag !== undefined && listener.flags.includes(flag)) this.#pass(listener, changed, {})
    }
  }

  /** Passes on what came on a stream of a server's, with the id of the client's own; false where it came on none. */
  pass({ method, bytes, paramsPlace }: RpcMessage, stream: RpcMessage): boolean {
    const listener = this.#byStream.get(stream)
    if (!listener) return false
    const isOurs = method === undefined || method === 'notifications/subscriptions/acknowledged'
    if (!isOurs) this.#pass(listener, method, valueAt(bytes, paramsPlace) ?? {})
    return true
  }

  #pass({ id, request }: Listener, method: string, params: object): void {
    const { _meta, ...others } = params as { _meta?: object }
    const meta = { ..._meta, [subscriptionId]: JSON.parse(id) as unknown }
    this.#options.pass(messageOf({ jsonrpc: '2.0', method, params: { ...others, _meta: meta } }), request)
  }

  #open(listener: Listener, child: Child): void {
    if (listener.streams.has(child) || listener.refused.has(child)) return
    if (this.#listeners.get(listener.request) !== listener) return
    const { uris, taskIds } = listener.own.get(child.connection) ?? { uris: [], taskIds: [] }
    const notifications = {
      ...flagsAsked(listener.flags),
      ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
      ...(taskIds.length > 0 ? { taskIds } : {}),
    }
    if (Object.keys(notifications).length === 0) return
    const stream = ownRequest('subscriptions/listen', { notifications }, listener.request)
    listener.streams.set(child, stream)
    this.#byStream.set(stream, listener)
    const over = (): void => {
      this.#byStream.delete(stream)
      if (listener.streams.get(child) === stream) listener.streams.delete(child)
    }
    const answered: Asked['answered'] = (_bytes, { failure, isError }) => {
      over()
      if (isError && !failure) listener.refused.add(child)
      // The server ended it in good order, as before a restart.
      else if (!failure) this.#options.clock.after(againMs, () => this.#open(listener, child))
    }
    child.ask(stream, { answered, dropped: over }, listener.request)
  }

  #read(wish: Record<string, unknown>): Pick<Listener, 'flags' | 'own'> & { readonly honoured: object } {
    const own = new Map<string, { uris: string[]; taskIds: string[] }>()
    const ownOf = (connection: string): { uris: string[]; taskIds: string[] } => {
      const known = own.get(connection) ?? { uris: [], taskIds: [] }
      own.set(connection, known)
      return known
    }
    const uris = textsIn(wish['resourceSubscriptions']).filter((uri) => {
      const at = this.#options.subscribe(uri)
      if (at) ownOf(at.connection).uris.push(at.uri)
      return at
    })
    const taskIds = textsIn(wish['taskIds']).filter((id) => {
      const at = readForeignValue(id)
      const taskId = at && textOf(at.json)
      if (at && taskId !== undefined) ownOf(at.connection).taskIds.push(taskId)
      return taskId !== undefined
    })
    const flags = new Set([...listKinds.values()].map(({ flag }) => flag))
    return {
      flags: [...flags].filter((flag) => wish[flag] === true),
      own,
      honoured: {
        ...(uris.length > 0 ? { resourceSubscriptions: uris } : {}),
        ...(taskIds.length > 0 ? { taskIds } : {}),
      },
    }
  }
}

/** How long a stream that a server ended waits until it is opened again, in milliseconds. */
const againMs = 1_000

/** How many resources, and how many tasks, one subscription may be about. */
const mostSubjects = 1_000

function textsIn(value: unknown): string[] {
  return (Array.isArray(value) ? (value as unknown[]) : [])
    .filter((one) => typeof one === 'string')
    .slice(0, mostSubjects)
}

function textOf(json: string): string | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'string' ? value : undefined
  } catch {
    return undefined
  }
}

function flagsAsked(flags: readonly string[]): object {
  return Object.fromEntries(flags.map((flag) => [flag, true]))
}
