import { BridgeError, type ErrorCode } from '../../shared/errors.ts'
import type { BearerChallenge } from './challenge.ts'
import type { ServerMetadata } from './grant.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import {
  fetchDocument,
  readResourceMetadata,
  readServerMetadata,
  type Fetched,
  type ResourceMetadata,
} from './metadata.ts'
import {
  authorizationServerMetadataUrls,
  fallbackServerMetadata,
  protectedResourceMetadataUrls,
} from './well-known.ts'

/** Where and how to sign in to a server. */
export interface Discovery {
  /** The resource indicator (RFC 8707), verbatim from the metadata; absent where the server publishes no metadata of a resource. */
  readonly resource?: string
  /** The resource's own `scopes_supported`. */
  readonly scopesSupported?: readonly string[]
  /** Every issuer the server names, in its order. */
  readonly issuers: readonly string[]
  /** The validated metadata of the issuer that was chosen. */
  readonly server: ServerMetadata
  /** `endpoint-fallback`: nothing is published, the endpoints are the defaults of MCP 2025-03-26. */
  readonly via: 'resource-metadata' | 'authorization-server-metadata' | 'endpoint-fallback'
}

/** An authorization server is looked for at this many of the issuers a resource names. */
const MAX_ISSUERS = 5

/**
 * Finds the authorization server of an MCP server. Of several issuers the preferred one if it is named and usable, else the first usable.
 * A broken place does not hide a good one after it; metadata for another resource ends the search.
 * Rejects with the most telling error of all that was tried: `discovery.*`, `network.*` or `server.failed`.
 * @see [MCP 2026-07-28, authorization server discovery](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery)
 */
export async function discover(options: {
  readonly url: URL
  readonly challenge?: BearerChallenge | undefined
  readonly fetch: GuardedFetch
  readonly preferredIssuer?: string | undefined
}): Promise<Discovery> {
  const { url, fetch, preferredIssuer } = options
  const search: Search = { url, fetch, failures: [], slow: new Set() }
  const named = await findNamed(search, options.challenge?.resourceMetadata)
  if (named.is === 'server') {
    return { issuers: [named.server.issuer], server: named.server, via: 'authorization-server-metadata' }
  }
  if (named.is === 'resource') return await fromResource(search, named.metadata, preferredIssuer)
  // What could not be asked may well be there: signing in some other way meanwhile would make a grant without its resource.
  if (search.failures.some(({ code }) => unanswered.includes(code))) throw mostTelling(search.failures)
  return await fromOrigin(search, named.certain && options.challenge?.resourceMetadata === undefined)
}

interface Search {
  readonly url: URL
  readonly fetch: GuardedFetch
  /** What went wrong on the way, in order. */
  readonly failures: BridgeError[]
  /** Origins that did not answer in time. */
  readonly slow: Set<string>
}

/** Asks for a document, but not again of an origin that kept us waiting: it would do so at each of its places. */
async function ask(search: Search, place: URL, purpose: string): Promise<Fetched> {
  const { fetch, failures, slow } = search
  if (slow.has(place.origin)) return { is: 'failed', error: new BridgeError('network.timeout', place.host) }
  const fetched = await fetchDocument(place, fetch, purpose)
  if (fetched.is === 'failed') failures.push(fetched.error)
  if (fetched.is === 'failed' && fetched.error.code === 'network.timeout') slow.add(place.origin)
  return fetched
}

type Named =
  | { readonly is: 'resource'; readonly metadata: ResourceMetadata }
  | { readonly is: 'server'; readonly server: ServerMetadata }
  /** `certain`: every place said 404. */
  | { readonly is: 'nothing'; readonly certain: boolean }

/** What the server says of itself: where its challenge points, else at the well-known places. */
async function findNamed(search: Search, challenged: string | undefined): Promise<Named> {
  const { url, fetch, failures } = search
  const pointer = challenged === undefined ? undefined : parsePointer(challenged, url)
  if (challenged !== undefined && !pointer) {
    failures.push(new BridgeError('discovery.metadata_invalid', 'the challenge names no address'))
  }
  const places = [...(pointer ? [pointer] : []), ...protectedResourceMetadataUrls(url)]
  const unique = new Map(places.map((place) => [place.href, place]))
  let certain = true
  for (const place of unique.values()) {
    const fetched = await ask(search, place, 'Asked the server who signs people in for it')
    if (fetched.is === 'absent' && place === pointer) {
      failures.push(
        new BridgeError(
          'discovery.metadata_invalid',
          `the challenge names ${place.href}: status ${fetched.status}`,
        ),
      )
    }
    certain &&= fetched.is === 'absent' && fetched.status === 404
    if (fetched.is !== 'found') continue
    try {
      if (place === pointer && isServerMetadata(fetched.document)) {
        return { is: 'server', server: await readNamedServer(fetched.document, place, fetch) }
      }
      const metadata = readResourceMetadata(fetched.document, place)
      if (!coversServer(metadata.resource, url)) {
        throw new BridgeError('discovery.resource_mismatch', `it is for ${metadata.resource}`)
      }
      return { is: 'resource', metadata }
    } catch (thrown) {
      keepOrThrow(thrown, failures)
    }
  }
  return { is: 'nothing', certain }
}

async function fromResource(
  search: Search,
  metadata: ResourceMetadata,
  preferredIssuer: string | undefined,
): Promise<Discovery> {
  const { resource, scopes_supported: scopesSupported } = metadata
  // Metadata that names no issuer leaves the place where older servers have theirs.
  const issuers = metadata.authorization_servers?.length ? metadata.authorization_servers : undefined
  const tried = issuers ?? [search.url.origin]
  const preferred = tried.filter((issuer) => issuer === preferredIssuer)
  for (const issuer of [...new Set([...preferred, ...tried])].slice(0, MAX_ISSUERS)) {
    const server = await findServer(search, issuers ? [issuer] : spellings(search.url))
    if (!server) continue
    return {
      resource,
      ...(scopesSupported ? { scopesSupported } : {}),
      issuers: issuers ?? [server.issuer],
      server,
      via: 'resource-metadata',
    }
  }
  throw mostTelling(search.failures)
}

/** MCP 2025-03-26: the authorization server is at the origin of the MCP server, with default endpoints when it publishes nothing. */
async function fromOrigin(search: Search, mayGuess: boolean): Promise<Discovery> {
  const earlier = search.failures.length
  const server = await findServer(search, spellings(search.url))
  if (server) return { issuers: [server.issuer], server, via: 'authorization-server-metadata' }
  const later = search.failures.slice(earlier)
  const silent = later.every((failure) => failure instanceof NothingPublished && failure.certain)
  if (!mayGuess || !silent) throw mostTelling(search.failures)
  const guessed = fallbackServerMetadata(search.url)
  return { issuers: [guessed.issuer], server: guessed, via: 'endpoint-fallback' }
}

/** The metadata of an issuer, under any of the spellings of its name. Undefined: the reasons are among the failures. */
async function findServer(
  search: Search,
  [issuer = '', ...spelt]: string[],
): Promise<ServerMetadata | undefined> {
  const { fetch, failures } = search
  const url = await parseIssuer(issuer, fetch).catch((thrown: unknown) => keepOrThrow(thrown, failures))
  if (!url) return undefined
  const statuses: number[] = []
  const places = authorizationServerMetadataUrls(url)
  for (const place of places) {
    const fetched = await ask(search, place, 'Asked the authorization server what it offers')
    if (fetched.is === 'absent') statuses.push(fetched.status)
    if (fetched.is !== 'found') continue
    try {
      return await readServerMetadata(fetched.document, place, [issuer, ...spelt], fetch)
    } catch (thrown) {
      keepOrThrow(thrown, failures)
    }
  }
  if (statuses.length === places.length)
    failures.push(
      new NothingPublished(
        issuer,
        statuses.every((status) => status === 404),
      ),
    )
  return undefined
}

/** An issuer that answers, but has no metadata. */
class NothingPublished extends BridgeError {
  readonly certain: boolean

  constructor(issuer: string, certain: boolean) {
    super('discovery.no_authorization_server', `${issuer} publishes no metadata`)
    this.certain = certain
  }
}

/** Issuers are https addresses without query or fragment (RFC 8414 §2). Rejects with `discovery.*` or `network.*`. */
async function parseIssuer(issuer: string, fetch: GuardedFetch): Promise<URL> {
  if (!URL.canParse(issuer) || /[?#]/.test(issuer)) {
    throw new BridgeError('discovery.metadata_invalid', `this cannot be an issuer: ${issuer.slice(0, 200)}`)
  }
  const url = new URL(issuer)
  await fetch.check(url).catch((thrown: unknown) => {
    if (!(thrown instanceof BridgeError)) throw thrown
    const odd = thrown.code === 'url.not_http' || thrown.code === 'url.credentials'
    throw odd ? new BridgeError('discovery.endpoint_refused', `issuer: ${thrown.detail ?? ''}`) : thrown
  })
  return url
}

/** Older guides let the challenge name the metadata of the authorization server itself. Its issuer must be one that it is published for. */
async function readNamedServer(
  document: Readonly<Record<string, unknown>>,
  place: URL,
  fetch: GuardedFetch,
): Promise<ServerMetadata> {
  const issuer = String(document.issuer)
  const published = authorizationServerMetadataUrls(await parseIssuer(issuer, fetch))
  if (!published.some(({ href }) => href === place.href)) {
    throw new BridgeError('discovery.issuer_mismatch', `found at ${place.href}, it says ${issuer}`)
  }
  return readServerMetadata(document, place, [issuer], fetch)
}

function isServerMetadata(document: Readonly<Record<string, unknown>>): boolean {
  const { issuer, token_endpoint: token, resource, authorization_servers: servers } = document
  return (
    typeof issuer === 'string' && typeof token === 'string' && resource === undefined && servers === undefined
  )
}

/**
 * Whether metadata for this resource is for the server: the same URL, or one on its origin that its path lies below. RFC 9728 §3.3 wants
 * identity with what the metadata was asked for; that may be the root (MCP), and there the resource is what all of the origin's servers share.
 */
function coversServer(resource: string, server: URL): boolean {
  if (!URL.canParse(resource)) return false
  const { origin, pathname, search, hash, username } = new URL(resource)
  if (origin !== server.origin || hash || username || (search && search !== server.search)) return false
  const base = pathname.replace(/\/$/, '')
  return server.pathname === base || server.pathname.startsWith(`${base}/`)
}

/** Nobody told us the name of an authorization server that is looked for at an origin, so both spellings of that origin are its name. */
function spellings({ origin }: URL): string[] {
  return [origin, `${origin}/`]
}

/** Servers write relative addresses into challenges. */
function parsePointer(challenged: string, server: URL): URL | undefined {
  return URL.canParse(challenged, server.href) ? new URL(challenged, server) : undefined
}

/** A failure of this place, noted; one that ends the search is thrown on. */
function keepOrThrow(thrown: unknown, failures: BridgeError[]): undefined {
  if (!(thrown instanceof BridgeError) || thrown.code === 'discovery.resource_mismatch') throw thrown
  failures.push(thrown)
}

const unanswered: readonly ErrorCode[] = ['network.unreachable', 'network.timeout', 'network.tls']

/** What says most about what is wrong, first: a danger, then a fault of the operator's, then what time may heal, then mere absence. */
const telling: readonly ErrorCode[] = [
  'network.private_address',
  'discovery.endpoint_refused',
  'discovery.issuer_mismatch',
  'discovery.metadata_invalid',
  'network.too_large',
  'network.redirect_refused',
  'network.plain_http',
  'network.tls',
  'network.timeout',
  'network.unreachable',
  'server.failed',
]

function mostTelling(failures: readonly BridgeError[]): BridgeError {
  const rank = ({ code }: BridgeError): number =>
    telling.includes(code) ? telling.indexOf(code) : telling.length
  const [first] = failures.toSorted((a, b) => rank(a) - rank(b))
  return first ?? new BridgeError('discovery.no_authorization_server')
}
