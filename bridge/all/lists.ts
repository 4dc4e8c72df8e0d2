import type { ToolRules } from '../access/policy.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import type { Clock, Log } from '../ports.ts'
import type { Child } from './child.ts'
import { idOf } from './era.ts'
import { listKinds, viewsOf, type ListKind } from './items.ts'
import { ListSource, type SourceOwner } from './list-source.ts'
import type { Memory } from './memory.ts'
import type { UriSpace } from './uris.ts'

/** How long a list waits for the servers, in milliseconds. */
export interface Patience {
  /** For one whose list is known: a slow one is answered for from what is known. */
  readonly known: number
  /** For one whose list is not known: without it, it is announced when it comes. */
  readonly unknown: number
}

export const usualPatience: Patience = { known: 250, unknown: 3_000 }

/** What the lists of one client need. */
export interface ListsOptions {
  readonly children: () => Iterable<Child>
  readonly uris: UriSpace
  readonly clock: Clock
  readonly log: Log
  readonly memory: Memory
  readonly toolRules?: ((connection: string) => ToolRules | undefined) | undefined
  /** For whom it is remembered. */
  readonly owner: string
  readonly patience: Patience
  answer(request: RpcMessage, bytes: Buffer): void
  /** A list is another one than the client has got. */
  changed(kind: ListKind): void
  /** A server has answered. */
  reached(child: Child): void
}

/** A request of the client that waits for lists. */
interface Waiter {
  readonly request: RpcMessage
  readonly pending: Set<ListSource>
  readonly cancels: (() => void)[]
  /** Whether what is known of the lists will do. */
  isContent: boolean
  run(isWhole: boolean): void
}

/** The lists of all servers as one of each kind. */
export class Lists implements SourceOwner {
  readonly #options: ListsOptions
  readonly #sources = new Map<Child, Map<string, ListSource>>()
  readonly #waiters = new Map<RpcMessage, Waiter>()
  /** By kind: what the client was last given of each server, and under which state of the uris. */
  readonly #given = new Map<ListKind, { version: number; readonly parts: Map<Child, unknown> }>()
  #hasViews = false

  constructor(options: ListsOptions) {
    this.#options = options
  }

  get uris(): UriSpace {
    return this.#options.uris
  }

  get clock(): Clock {
    return this.#options.clock
  }

  get log(): Log {
    return this.#options.log
  }

  rulesFor({ connection }: Child, { member }: ListKind): ToolRules | undefined {
    return member === 'tools' ? this.#options.toolRules?.(connection) : undefined
  }

  /** How many requests wait for servers. */
  get size(): number {
    return this.#waiters.size
  }

  /** These requests. */
  waiting(): RpcMessage[] {
    return [...this.#waiters.keys()]
  }

  /** Answers a request for a list, at once or as soon as enough of the servers have answered. */
  request(request: RpcMessage, kind: ListKind, isModern: boolean): void {
    const { children, patience } = this.#options
    const stale = [...children()]
      .filter((child) => offers(child, kind))
      .map((child) => this.source(child, kind))
      .filter(({ freshFor }) => freshFor === 0)
    this.#wait(request, stale, patience.known, (isWhole) => this.#answer(request, kind, isModern, isWhole))
  }

  /** Asks for lists that a request cannot be understood without, and calls `run` when they have come or are not to be had in time. */
  learn(request: RpcMessage, sources: readonly ListSource[], run: () => void): void {
    this.#wait(request, sources, undefined, run)
  }

  #wait(
    request: RpcMessage,
    sources: readonly ListSource[],
    contentAfter: number | undefined,
    run: Waiter['run'],
  ): void {
    const { clock, patience } = this.#options
    const waiter: Waiter = { request, pending: new Set(sources), cancels: [], isContent: false, run }
    for (const source of sources) source.ask(request)
    if (sources.length === 0) return run(true)
    this.#waiters.set(request, waiter)
    waiter.cancels.push(clock.after(patience.unknown, () => this.#finish(waiter)))
    if (contentAfter === undefined) return
    const settle = (): void => {
      waiter.isContent = true
      this.#look(waiter)
    }
    waiter.cancels.push(clock.after(contentAfter, settle))
  }

  /** The client does not want a list any more; false where it was not waiting for it. */
  drop(request: RpcMessage): boolean {
    const waiter = this.#waiters.get(request)
    if (waiter) this.#end(waiter)
    return waiter !== undefined
  }

  /** One list of one server, as far as it is known. */
  source(child: Child, kind: ListKind): ListSource {
    const sources = this.#sources.get(child) ?? new Map<string, ListSource>()
    this.#sources.set(child, sources)
    const known = sources.get(kind.method)
    if (known) return known
    const { memory, owner } = this.#options
    const source = new ListSource(child, kind, this, memory.list(owner, child.connection, kind.method))
    sources.set(kind.method, source)
    return source
  }

  /** A server says that lists of this kind have changed. */
  outdate(child: Child, changed: string): void {
    for (const kind of listKinds.values()) {
      if (kind.changed !== changed) continue
      this.source(child, kind).outdate()
      this.#options.changed(kind)
    }
  }

  /** Tells of lists that are shown by other rules by now. */
  noticeRules(): void {
    for (const sources of this.#sources.values()) {
      for (const source of sources.values()) if (source.isUnderNewRules) this.#options.changed(source.kind)
    }
  }

  /** Nothing of what a server has listed may hold any more. */
  outdateAll(child: Child): void {
    for (const kind of listKinds.values()) this.source(child, kind).outdate()
  }

  /** A connection is gone. */
  forget(child: Child): void {
    const sources = this.#sources.get(child)
    this.#sources.delete(child)
    for (const { parts } of this.#given.values()) parts.delete(child)
    for (const waiter of this.#waiters.values()) {
      for (const source of sources?.values() ?? []) waiter.pending.delete(source)
      this.#look(waiter)
    }
  }

  settled(source: ListSource, isNew: boolean): void {
    const { child, kind, items } = source
    const { memory, owner, uris } = this.#options
    if (this.#sources.get(child)?.get(kind.method) !== source) return
    if (isNew && items) {
      memory.keepList(owner, child.connection, kind.method, items)
      if (kind.member === 'tools') {
        for (const uri of items.flatMap(viewsOf)) {
          uris.claim(child.connection, uri)
          this.#hasViews = true
        }
      }
    }
    memory.keepFailure(owner, child.connection, kind.method, source.failure)
    this.#options.reached(child)
    for (const waiter of this.#waiters.values()) {
      waiter.pending.delete(source)
      this.#look(waiter)
    }
    const given = this.#given.get(kind)
    if (given && items && given.parts.get(child) !== items) {
      given.parts.set(child, items)
      this.#options.changed(kind)
    }
    this.noticeUris()
  }

  /** Tells of lists whose uris have to be other ones by now. */
  noticeUris(): void {
    const { version } = this.#options.uris
    for (const [kind, given] of this.#given) {
      const hasUris = !kind.isNamed || (kind.member === 'tools' && this.#hasViews)
      if (!hasUris || given.version === version) continue
      given.version = version
      this.#options.changed(kind)
    }
  }

  close(): void {
    for (const waiter of this.#waiters.values()) this.#end(waiter)
  }

  #look(waiter: Waiter): void {
    const { pending, isContent } = waiter
    if (pending.size === 0 || (isContent && [...pending].every(({ items }) => items))) this.#finish(waiter)
  }

  #finish(waiter: Waiter): void {
    if (!this.#waiters.has(waiter.request)) return
    this.#end(waiter)
    waiter.run(waiter.pending.size === 0)
  }

  #end({ request, cancels }: Waiter): void {
    this.#waiters.delete(request)
    for (const cancel of cancels) cancel()
  }

  #answer(request: RpcMessage, kind: ListKind, isModern: boolean, isWhole: boolean): void {
    const { children, uris } = this.#options
    const sources = [...children()].map((child) => this.source(child, kind))
    const rendered = sources.map((source) => source.render()).filter(({ length }) => length > 0)
    const parts = new Map(sources.map((source) => [source.child, source.items]))
    this.#given.set(kind, { version: uris.version, parts })
    const offered = sources.filter(({ child }) => offers(child, kind))
    const ttlMs =
      isWhole && offered.length > 0 ? Math.min(...offered.map(({ freshFor }) => freshFor), mostTtlMs) : 0
    const more = isModern ? `"resultType":"complete","ttlMs":${ttlMs},"cacheScope":"private",` : ''
    const head = `{"jsonrpc":"2.0","id":${idOf(request)},"result":{${more}"${kind.member}":[`
    const comma = Buffer.from(',')
    const joined = rendered.flatMap((piece, n) => (n === 0 ? [piece] : [comma, piece]))
    this.#options.answer(request, Buffer.concat([Buffer.from(head), ...joined, Buffer.from(']}}')]))
  }
}

/** For how long a client may keep a list, in milliseconds, at most: a connection may be added at any time. */
const mostTtlMs = 60_000

/** Whether a server may have such a list, as far as it has said. */
function offers({ hasGreeted, greeting }: Child, { capability }: ListKind): boolean {
  return !hasGreeted || (greeting?.capabilities?.includes(capability) ?? true)
}
