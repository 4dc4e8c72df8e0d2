/** The mark of a uri that is not as its server gave it. */
const mark = 'bridgekeeper+'
/** Clients know a view of MCP Apps by its scheme, so the mark comes after it. */
const viewScheme = 'ui://'
/** Uris at more origins of one connection than this are marked in any case. */
const mostOrigins = 10_000

/** Where a uri lies: its scheme and its authority. `*` stands for an authority that a template leaves open. */
interface Origin {
  readonly scheme: string
  readonly authority: string
}

/** What a client's uri leads to. */
export interface UriAt {
  readonly connection: string
  readonly uri: string
}

/**
 * The uris of all connections in one space. A uri stays as it is as long as no other connection offers anything at its scheme and authority; else
 * it is marked with its connection: `bridgekeeper+<connection>+<uri>`, and `ui://bridgekeeper+<connection>+…` for the views of MCP Apps. The mark
 * can be taken off without any list, and it leaves the variables of templates alone.
 */
export class UriSpace {
  /** By scheme and authority: the connections that offer something there. */
  readonly #claims = new Map<string, Map<string, Set<string>>>()
  readonly #counts = new Map<string, number>()
  /** By origin: the connection whose uris there the client has got without a mark. They keep their meaning. */
  readonly #unmarked = new Map<string, string>()
  #version = 0

  /** Rises when other uris need a mark than before. */
  get version(): number {
    return this.#version
  }

  /** A connection offers this uri, or uris of this template. */
  claim(connection: string, uri: string): void {
    const { scheme, authority } = originOf(uri)
    const authorities = this.#claims.get(scheme) ?? new Map<string, Set<string>>()
    const claimants = authorities.get(authority) ?? new Set<string>()
    const count = this.#counts.get(connection) ?? 0
    if (claimants.has(connection) || count >= mostOrigins) return
    this.#counts.set(connection, count + 1)
    this.#claims.set(scheme, authorities)
    authorities.set(authority, claimants.add(connection))
    for (const [other, others] of authorities) {
      const meets = other === authority || other === '*' || authority === '*'
      if (meets && (others.size > 1 || !others.has(connection))) {
        this.#version++
        return
      }
    }
  }

  /** A connection is gone. */
  forget(connection: string): void {
    this.#counts.delete(connection)
    for (const authorities of this.#claims.values()) {
      for (const claimants of authorities.values()) if (claimants.delete(connection)) this.#version++
    }
    for (const [origin, owner] of this.#unmarked) if (owner === connection) this.#unmarked.delete(origin)
  }

  /** The uri as the client gets it. */
  publish(connection: string, uri: string): string {
    const origin = originOf(uri)
    const key = `${origin.scheme}:${origin.authority}`
    const owner = this.#unmarked.get(key)
    const isOthers = owner !== undefined && owner !== connection
    const claimants = this.#claimants(origin)
    if (isMarked(uri) || isOthers || claimants.size > 1 || !claimants.has(connection)) {
      return marked(connection, uri)
    }
    this.#unmarked.set(key, connection)
    return uri
  }

  /**
   * What a uri of the client leads to: the one that its mark names, or that it was given by; else the one connection that lists it (`lists`), or
   * that alone offers something at its origin. Undefined where that would be a guess.
   */
  read(uri: string, lists: (connection: string) => boolean): UriAt | undefined {
    const byMark = unmarked(uri)
    if (byMark) return byMark
    const origin = originOf(uri)
    const { scheme, authority } = origin
    const owner = this.#unmarked.get(`${scheme}:${authority}`) ?? this.#unmarked.get(`${scheme}:*`)
    if (owner !== undefined) return { connection: owner, uri }
    const claimants = [...this.#claimants(origin)]
    const listing = claimants.filter(lists)
    const [only, ...others] = listing.length > 0 ? listing : claimants
    return only !== undefined && others.length === 0 ? { connection: only, uri } : undefined
  }

  /** For another bridge: what the client knows without a mark. */
  toJson(): readonly (readonly [string, string])[] {
    return [...this.#unmarked].slice(0, 1_000)
  }

  restore(known: readonly (readonly [string, string])[]): void {
    for (const [origin, connection] of known) this.#unmarked.set(origin, connection)
  }

  #claimants({ scheme, authority }: Origin): Set<string> {
    const authorities = this.#claims.get(scheme)
    if (!authorities) return new Set()
    if (authority === '*') return new Set([...authorities.values()].flatMap((some) => [...some]))
    return new Set([...(authorities.get(authority) ?? []), ...(authorities.get('*') ?? [])])
  }
}

function originOf(uri: string): Origin {
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):([^]*)$/i.exec(uri) ?? ['', '', uri]
  const authority = /^\/\/([^/?#]*)/.exec(rest)?.[1] ?? ''
  return { scheme: scheme.toLowerCase(), authority: authority.includes('{') ? '*' : authority.toLowerCase() }
}

function isMarked(uri: string): boolean {
  return uri.startsWith(mark, uri.startsWith(viewScheme) ? viewScheme.length : 0)
}

function marked(connection: string, uri: string): string {
  const at = uri.startsWith(viewScheme) ? viewScheme.length : 0
  return `${uri.slice(0, at)}${mark}${connection}+${uri.slice(at)}`
}

function unmarked(uri: string): UriAt | undefined {
  const at = uri.startsWith(viewScheme) ? viewScheme.length : 0
  if (!uri.startsWith(mark, at)) return undefined
  const nameStart = at + mark.length
  const nameEnd = uri.indexOf('+', nameStart)
  if (nameEnd < 0) return undefined
  return { connection: uri.slice(nameStart, nameEnd), uri: uri.slice(0, at) + uri.slice(nameEnd + 1) }
}
