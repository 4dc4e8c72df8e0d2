import { verifyByIntrospection, type ResourceServerClient, type VerifyToken } from './introspection.ts'
import { sendJson, startLoopback, type Exchange, type Loopback } from './loopback.ts'
import { serveAuthorization } from './strict/authorization.ts'
import { createBehaviour, type StrictBehaviour } from './strict/behaviour.ts'
import { metadataOf, metadataPaths, strictPaths, type MetadataPlace } from './strict/metadata.ts'
import { serveRegistration } from './strict/registration.ts'
import { createStrictState, type StrictClient, type StrictState } from './strict/state.ts'
import { serveIntrospection, serveRevocation, serveUserinfo } from './strict/token-status.ts'
import { serveToken } from './strict/token.ts'

export { answering, replacing, withCommas, without } from './strict/behaviour.ts'
export { randomSecret, secretsOf } from './strict/state.ts'

export interface StrictAuthorizationServerOptions {
  readonly port?: number
  /** Where to listen; by default a server of its own. */
  readonly loopback?: Loopback
  /** What an earlier server knew; by default nothing. */
  readonly state?: StrictState
  /** Differences from a server that does everything right. */
  readonly behaviour?: Partial<Omit<StrictBehaviour, 'reshape'>> & {
    readonly reshape?: Partial<StrictBehaviour['reshape']>
  }
  /** The path of the issuer, such as `/tenant`; by default there is none. */
  readonly issuerPath?: `/${string}` | ''
  /** Where metadata is published; by default everywhere. With none it is a server of the 2025-03-26 fallback. */
  readonly places?: readonly MetadataPlace[]
  /** Clients known from the start. */
  readonly clients?: readonly StrictClient[]
}

/** A running strict authorization server. */
export interface StrictAuthorizationServer {
  readonly issuer: string
  readonly endpoint: Readonly<Record<keyof typeof strictPaths, URL>>
  /** Listener, requests seen, faults, down and up. */
  readonly loopback: Loopback
  readonly state: StrictState
  /** Change it as the test goes on. */
  readonly behaviour: StrictBehaviour
  readonly resourceServer: ResourceServerClient
  readonly verify: VerifyToken
  /** All access tokens there are are expired from now on. */
  expireAccessTokens(): void
  /** Forgets a client: its requests are `invalid_client` from now on, its sign-ins end on a page. */
  forgetClient(clientId: string): boolean
  close(): Promise<void>
}

/**
 * Starts our own small authorization server on 127.0.0.1, for what a good one cannot be brought to do. It forgives
 * nothing: PKCE, exact redirect URIs, one method of client authentication, codes and rotating refresh tokens that
 * work once and end the family when they come again. `behaviour` and `loopback.faults` then make it misbehave.
 */
export async function startStrictAuthorizationServer(
  options: StrictAuthorizationServerOptions = {},
): Promise<StrictAuthorizationServer> {
  const { port = 0, issuerPath = '', state = createStrictState() } = options
  const loopback = options.loopback ?? (await startLoopback({ port }))
  const good = createBehaviour()
  const behaviour: StrictBehaviour = {
    ...good,
    ...options.behaviour,
    reshape: { ...good.reshape, ...options.behaviour?.reshape },
  }
  const issuer = `${loopback.origin}${issuerPath}`
  const resourceServer = { id: 'resource-server', secret: 'strict-resource-server' }
  for (const client of options.clients ?? []) state.clients.set(client.id, client)

  const documents = metadataPaths(issuerPath)
  const places = options.places ?? (Object.keys(documents) as MetadataPlace[])
  const published = new Set(places.map((place) => documents[place]))
  const routes: Record<string, (exchange: Exchange) => void> = {
    [`GET ${strictPaths.authorization}`]: (exchange) =>
      serveAuthorization(exchange, state, behaviour, issuer),
    [`POST ${strictPaths.token}`]: (exchange) => serveToken(exchange, state, behaviour),
    [`POST ${strictPaths.registration}`]: (exchange) => serveRegistration(exchange, state, behaviour),
    [`POST ${strictPaths.revocation}`]: (exchange) => serveRevocation(exchange, state, behaviour),
    [`POST ${strictPaths.introspection}`]: (exchange) =>
      serveIntrospection(exchange, state, behaviour, { issuer, resourceServer }),
    [`GET ${strictPaths.userinfo}`]: (exchange) => serveUserinfo(exchange, state),
  }
  const isAbsent = (path: string): boolean =>
    (path === strictPaths.registration && behaviour.registration === 'absent') ||
    (path === strictPaths.revocation && behaviour.revocation === 'absent')

  loopback.mount((exchange) => {
    const { req, res, url } = exchange
    if (req.method === 'GET' && published.has(url.pathname)) {
      sendJson(res, 200, metadataOf(issuer, behaviour))
      return true
    }
    if (!url.pathname.startsWith(issuerPath)) return false
    const path = url.pathname.slice(issuerPath.length)
    const route = routes[`${req.method} ${path}`]
    if (route === undefined || isAbsent(path)) return false
    route(exchange)
    return true
  })

  const endpoint = Object.fromEntries(
    Object.entries(strictPaths).map(([name, path]) => [name, new URL(`${issuer}${path}`)]),
  ) as Record<keyof typeof strictPaths, URL>
  return {
    issuer,
    endpoint,
    loopback,
    state,
    behaviour,
    resourceServer,
    verify: verifyByIntrospection(endpoint.introspection, resourceServer),
    expireAccessTokens() {
      for (const token of state.accessTokens.values()) token.expiresAt = Date.now()
    },
    forgetClient: (clientId) => state.clients.delete(clientId),
    close: () => loopback.close(),
  }
}
