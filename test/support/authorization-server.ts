import { randomBytes } from 'node:crypto'
import type { KoaContextWithOIDC } from 'oidc-provider'
import { Provider } from 'oidc-provider/lib/provider.js'
import { createAuthorizationRecords, type AuthorizationRecords } from './authorization-records.ts'
import { allowAll, serveConsent, type Decide } from './consent.ts'
import {
  verifyByIntrospection,
  verifyByKeys,
  type ResourceServerClient,
  type VerifyToken,
} from './introspection.ts'
import { replay, startLoopback, type Loopback } from './loopback.ts'
import { endpoints, providerConfiguration, type ProviderSettings } from './provider-configuration.ts'

/** What happened at the authorization server, for a demo to tell. */
export interface AuthorizationEvents {
  registered(clientId: string): void
  /** A code was exchanged for tokens. */
  issued(clientId: string): void
  refreshed(clientId: string): void
  /** A refresh token that had been used before came again; its grant is dead now. */
  reused(clientId: string): void
  revoked(): void
}

/** How often things happened since the start. */
interface AuthorizationCounters {
  registrations: number
  /** Requests at the token endpoint by `grant_type`, whatever came of them. */
  tokenRequests: Record<string, number>
  refreshes: number
  reuseDetections: number
  /** Revocation requests that were answered with success. */
  revocations: number
  /** Grants that ended with all their tokens: by revocation or by reuse. */
  grantsEnded: number
}

export interface AuthorizationServerOptions extends Partial<ProviderSettings> {
  readonly port?: number
  /** Where to listen; by default a server of its own. */
  readonly loopback?: Loopback
  /** `automatic`, the default, answers by redirects alone; `pages` shows HTML with Allow and Deny. */
  readonly approval?: 'automatic' | 'pages'
  /** Who signs in; `ada` by default. */
  readonly account?: string
  readonly on?: Partial<AuthorizationEvents>
}

/** A running authorization server. What it remembers outlives `down` and `up`, not `close`. */
export interface AuthorizationServer {
  readonly issuer: string
  readonly endpoint: Readonly<Record<keyof typeof endpoints, URL>>
  /** Listener, requests seen, faults, down and up. */
  readonly loopback: Loopback
  readonly counters: Readonly<AuthorizationCounters>
  readonly records: AuthorizationRecords
  /** A confidential client that may introspect. */
  readonly resourceServer: ResourceServerClient
  /** Checks an access token as a resource server does: by introspection, or by keys when they are JWTs. */
  readonly verify: VerifyToken
  /** Errors of the server itself; a test that made one has found a bug here. */
  readonly errors: readonly Error[]
  /** The life of access tokens issued from now on. */
  accessTokenSeconds: number
  /** What automatic approval answers from now on. */
  decide: Decide
  /** All access tokens there are are expired from now on; has no effect on JWTs, which are not stored. */
  expireAccessTokens(): void
  /** Forgets a client as a server does after a careless deploy. Its tokens stay stored but cannot be used. */
  forgetClient(clientId: string): boolean
  close(): Promise<void>
}

/**
 * Starts a real authorization server on 127.0.0.1: registration, PKCE S256 always, resource indicators, rotation
 * with reuse detection, revocation, introspection, userinfo, `iss` in every authorization response, and metadata
 * at both well-known places (RFC 8414 and OpenID Connect Discovery).
 */
export async function startAuthorizationServer(
  options: AuthorizationServerOptions = {},
): Promise<AuthorizationServer> {
  const { port = 0, approval = 'automatic', account = 'ada', on = {} } = options
  const loopback = options.loopback ?? (await startLoopback({ port }))
  const resourceServer = { id: 'resource-server', secret: randomBytes(24).toString('base64url') }
  const settings: ProviderSettings = {
    scopes: options.scopes ?? ['read:issues', 'write:issues'],
    resources: options.resources,
    accessTokenFormat: options.accessTokenFormat ?? 'opaque',
    refreshTokens: options.refreshTokens ?? 'always',
    rotation: options.rotation ?? true,
    registration: options.registration ?? true,
    accessTokenSeconds: options.accessTokenSeconds ?? 3600,
    clients: [
      {
        client_id: resourceServer.id,
        client_secret: resourceServer.secret,
        redirect_uris: [],
        response_types: [],
        grant_types: [],
      },
      ...(options.clients ?? []),
    ],
  }
  const records = createAuthorizationRecords()
  const provider = new Provider(loopback.origin, await providerConfiguration(settings, records))
  provider.silent = true
  const errors: Error[] = []
  const counters = countEvents(provider, on)
  provider.on('server_error', (_context, error) => errors.push(error))

  const serve = provider.callback()
  const consent = { account, approval, decide: allowAll }
  loopback.mount(async (exchange) => {
    if (await serveConsent(provider, exchange, consent)) return true
    const { url, res, seen } = exchange
    if (!isServed(url.pathname)) return false
    if (url.pathname === endpoints.token) {
      const grantType = new URLSearchParams(seen.body).get('grant_type') ?? 'none'
      counters.tokenRequests[grantType] = (counters.tokenRequests[grantType] ?? 0) + 1
    }
    await serve(replay(exchange), res)
    if (url.pathname === endpoints.revocation && res.statusCode === 200) {
      counters.revocations += 1
      on.revoked?.()
    }
    return true
  })

  const endpoint = Object.fromEntries(
    Object.entries(endpoints).map(([name, path]) => [name, new URL(path, loopback.origin)]),
  ) as Record<keyof typeof endpoints, URL>
  return {
    issuer: loopback.origin,
    endpoint,
    loopback,
    counters,
    records,
    resourceServer,
    errors,
    verify:
      settings.accessTokenFormat === 'jwt'
        ? verifyByKeys(endpoint.jwks, loopback.origin)
        : verifyByIntrospection(endpoint.introspection, resourceServer),
    get accessTokenSeconds() {
      return settings.accessTokenSeconds
    },
    set accessTokenSeconds(seconds) {
      settings.accessTokenSeconds = seconds
    },
    get decide() {
      return consent.decide
    },
    set decide(decide) {
      consent.decide = decide
    },
    expireAccessTokens: () => records.expire('AccessToken'),
    forgetClient: (clientId) => records.forget('Client', clientId),
    close: () => loopback.close(),
  }
}

function isServed(path: string): boolean {
  const documents = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
  return [...Object.values(endpoints), ...documents].some((own) => path === own || path.startsWith(`${own}/`))
}

function countEvents(provider: Provider, on: Partial<AuthorizationEvents>): AuthorizationCounters {
  const counters: AuthorizationCounters = {
    registrations: 0,
    tokenRequests: {},
    refreshes: 0,
    reuseDetections: 0,
    revocations: 0,
    grantsEnded: 0,
  }
  const clientOf = (context: KoaContextWithOIDC): string => context.oidc.client?.clientId ?? 'unknown'
  provider.on('registration_create.success', (_context, client) => {
    counters.registrations += 1
    on.registered?.(client.clientId)
  })
  provider.on('grant.success', (context) => {
    if (context.oidc.params?.grant_type === 'refresh_token') {
      counters.refreshes += 1
      on.refreshed?.(clientOf(context))
    } else {
      on.issued?.(clientOf(context))
    }
  })
  provider.on('grant.error', (context) => {
    if (context.oidc.entities.RefreshToken?.consumed === undefined) return
    counters.reuseDetections += 1
    on.reused?.(clientOf(context))
  })
  provider.on('grant.revoked', () => {
    counters.grantsEnded += 1
  })
  return counters
}
