import type { ToolRules } from '../access/policy.ts'
import type { Failure } from '../../shared/errors.ts'
import { errorCodeOf } from '../channel/error-messages.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import type { Clock, Log } from '../ports.ts'
import type { Child } from './child.ts'
import { ownRequest } from './era.ts'
import { readPage, renderItem, type ListedItem, type ListKind, type ListPage } from './items.ts'
import { publicNames } from './names.ts'
import type { UriSpace } from './uris.ts'

/** What a source tells its owner. */
export interface SourceOwner {
  readonly uris: UriSpace
  readonly clock: Clock
  readonly log: Log
  /** What decides which of the items the client may see; undefined where it may see all. */
  rulesFor(child: Child, kind: ListKind): ToolRules | undefined
  /** The list has come, or did not; `isNew` where it differs from what was known. */
  settled(source: ListSource, isNew: boolean): void
}

/** A server that does not say how long its list is fresh is not asked again within this time, in milliseconds. */
const usualTtlMs = 1_000
const mostTtlMs = 3_600_000
/** A longer list, in pages, items or bytes, is cut. */
const mostPages = 1_000
const mostItems = 20_000
const mostBytes = 64 * 1024 * 1024

/** Nothing of this kind: what a server answers that does not know such a list. */
const methodNotFound = -32_601

/** One list of one server. */
export class ListSource {
  readonly child: Child
  readonly kind: ListKind
  readonly #owner: SourceOwner
  #items: readonly ListedItem[] | undefined
  /** By public key: the server's own, and the other way around. */
  #keys: ReadonlyMap<string, string> = new Map()
  #publicKeys: ReadonlyMap<string, string> = new Map()
  #rendered:
    { readonly version: number; readonly rules: ToolRules | undefined; readonly bytes: Buffer } | undefined
  /** Those that were in force when the server was last asked: what they denied is not in its list. */
  #rulesWhenAsked: ToolRules | undefined
  #failure: Failure | undefined
  #freshUntil = 0
  #isAsking = false
  /** It has changed since it was asked for. */
  #isOutdated = false

  constructor(child: Child, kind: ListKind, owner: SourceOwner, remembered?: readonly ListedItem[]) {
    this.child = child
    this.kind = kind
    this.#owner = owner
    if (remembered) this.#take(remembered)
  }

  /** As the server gave them; undefined as long as it never did. */
  get items(): readonly ListedItem[] | undefined {
    return this.#items
  }

  /** For how long it is still fresh, in milliseconds. */
  get freshFor(): number {
    if (this.#rulesWhenAsked !== this.#rules) return 0
    return Math.max(0, this.#freshUntil - this.#owner.clock.now())
  }

  get #rules(): ToolRules | undefined {
    return this.#owner.rulesFor(this.child, this.kind)
  }

  /** Whether the client was shown the list by other rules than those of now. */
  get isUnderNewRules(): boolean {
    return this.#rendered !== undefined && this.#rendered.rules !== this.#rules
  }

  /** Why it could not be had when it was last asked for. */
  get failure(): Failure | undefined {
    return this.#failure
  }

  /** The server's own key of an item. */
  keyOf(publicKey: string): string | undefined {
    return this.#keys.get(publicKey)
  }

  has(key: string): boolean {
    return this.#publicKeys.has(key)
  }

  /** What was listed may not hold any more. */
  outdate(): void {
    this.#freshUntil = 0
    this.#isOutdated = this.#isAsking
  }

  /** Asks the server, once for however many want to know. `settled` is called afterwards, and never before this returns. */
  ask(like: RpcMessage): void {
    if (this.#isAsking) return
    this.#isAsking = true
    this.#isOutdated = false
    this.#rulesWhenAsked = this.#rules
    this.#askPage(like, { items: [], bytes: 0, pages: 0, ttlMs: mostTtlMs, cursor: undefined })
  }

  /** The items as the client may see them, joined by commas; empty where there are none. */
  render(): Buffer {
    const { uris } = this.#owner
    const rules = this.#rules
    if (this.#rendered?.version === uris.version && this.#rendered.rules === rules)
      return this.#rendered.bytes
    const { connection } = this.child
    const publish = (uri: string): string => uris.publish(connection, uri)
    const comma = Buffer.from(',')
    const pieces: Buffer[] = []
    const seen = new Set<string>()
    for (const item of this.#items ?? []) {
      if (seen.has(item.key) || rules?.verdictOf(item.key) === 'deny') continue
      seen.add(item.key)
      const key = this.kind.isNamed ? (this.#publicKeys.get(item.key) ?? item.key) : publish(item.key)
      if (pieces.length > 0) pieces.push(comma)
      pieces.push(renderItem(this.kind, item, key, publish))
    }
    this.#rendered = { version: uris.version, rules, bytes: Buffer.concat(pieces) }
    return this.#rendered.bytes
  }

  #askPage(like: RpcMessage, read: Reading): void {
    const { cursor } = read
    const request = ownRequest(this.kind.method, cursor === undefined ? {} : { cursor }, like)
    // A channel may answer while it takes the request.
    const later = (run: () => void): void => queueMicrotask(run)
    this.child.ask(
      request,
      {
        answered: (bytes, { failure }) => later(() => this.#takePage(like, read, bytes, failure)),
        dropped: () => later(() => this.#settle(undefined, { code: 'bridge.busy' })),
      },
      like,
    )
  }

  #takePage(like: RpcMessage, read: Reading, bytes: Buffer, failure: Failure | undefined): void {
    const answer = readMessage(bytes)
    const page = answer && (readPage(this.kind, answer) ?? emptyPage(answer))
    if (!page)
      return this.#settle(undefined, failure ?? { code: 'server.failed', detail: noList(this.kind, answer) })
    read.items.push(...page.items)
    read.bytes += bytes.length
    read.ttlMs = Math.min(read.ttlMs, page.ttlMs ?? usualTtlMs)
    const isSame = page.nextCursor === read.cursor
    read.cursor = page.nextCursor
    if (read.cursor === undefined) return this.#settle(read)
    const isCut = ++read.pages >= mostPages || read.items.length > mostItems || read.bytes > mostBytes
    if (!isCut && !isSame) return this.#askPage(like, read)
    this.#owner.log.warn('a list is cut', { connection: this.child.connection, method: this.kind.method })
    this.#settle(read)
  }

  #settle(read: Reading | undefined, failure?: Failure): void {
    this.#isAsking = false
    const { clock } = this.#owner
    if (!read) {
      // Whatever it was is not asked for again at once; what is known stays.
      this.#failure = failure
      this.#freshUntil = clock.now() + usualTtlMs
      return this.#owner.settled(this, false)
    }
    this.#failure = undefined
    const items = read.items.slice(0, mostItems)
    const isNew = !this.#items || !areSame(this.#items, items)
    if (isNew) this.#take(items)
    this.#freshUntil = this.#isOutdated ? 0 : clock.now() + read.ttlMs
    this.#owner.settled(this, isNew)
  }

  #take(items: readonly ListedItem[]): void {
    const { uris } = this.#owner
    const { connection } = this.child
    this.#items = items
    this.#rendered = undefined
    const own = items.map(({ key }) => key)
    if (this.kind.isNamed) {
      this.#publicKeys = publicNames(connection, own)
      this.#keys = new Map([...this.#publicKeys].map(([key, publicKey]) => [publicKey, key]))
    } else {
      this.#publicKeys = new Map(own.map((key) => [key, key]))
      for (const key of own) uris.claim(connection, key)
    }
  }
}

/** What has come of a list so far. */
interface Reading {
  readonly items: ListedItem[]
  bytes: number
  pages: number
  ttlMs: number
  cursor: string | undefined
}

function emptyPage(answer: RpcMessage): ListPage | undefined {
  return errorCodeOf(answer) === methodNotFound
    ? { items: [], nextCursor: undefined, ttlMs: undefined }
    : undefined
}

function noList({ member }: ListKind, answer: RpcMessage | undefined): string {
  return answer?.errorPlace ? `it does not list its ${member}` : `its list of ${member} is not valid`
}

function areSame(some: readonly ListedItem[], others: readonly ListedItem[]): boolean {
  return some.length === others.length && some.every(({ bytes }, n) => others[n]?.bytes.equals(bytes))
}
