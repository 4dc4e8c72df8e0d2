import type { AuthInfo } from '@modelcontextprotocol/server'
import type { VerifyToken } from './introspection.ts'
import { sendJson, type Exchange } from './loopback.ts'

/** How an MCP server protects itself. */
export interface ResourceProtection {
  /** Issuers as the metadata names them. */
  readonly authorizationServers: readonly string[]
  readonly verify: VerifyToken
  /** Scopes that the challenge of a 401 names; by default none are named. */
  readonly challengeScopes?: readonly string[]
  /** `scopes_supported` of the metadata. */
  readonly scopesSupported?: readonly string[]
  /** The resource identifier; by default the URL of the MCP endpoint. */
  readonly resource?: string
  /** Where the metadata is: the path-inserted place, the root, or both. By default the first. */
  readonly metadataPlaces?: readonly ('path' | 'root')[]
  /** Changes the challenge of a 401, or takes it away. */
  readonly reshapeChallenge?: (challenge: string) => string | undefined
  /** Changes the metadata document. */
  readonly reshapeMetadata?: (document: Record<string, unknown>) => unknown
  /** What a bad token is answered with; 401 is right, some servers say 400 or 403. */
  readonly refusalStatus?: number
}

/** The guard in front of an MCP endpoint. */
export interface ProtectionGuard {
  /** Serves the metadata document; false when the request is for something else. */
  serveMetadata(exchange: Exchange): boolean
  /** The token's meaning, or undefined after the request has been refused. */
  admit(exchange: Exchange): Promise<AuthInfo | undefined>
  /** From now on the token is refused, whatever the authorization server says. */
  refuse(token: string): void
  readonly metadataUrl: string
}

/**
 * Guards `endpoint`: bearer in the header alone, checked with the authorization server, issued for this resource.
 * @see [RFC 9728 §5.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-5.1)
 */
export function guardResource(endpoint: URL, protection: ResourceProtection): ProtectionGuard {
  const { challengeScopes, refusalStatus = 401, metadataPlaces = ['path'] } = protection
  const resource = protection.resource ?? endpoint.href
  const root = '/.well-known/oauth-protected-resource'
  const inserted = endpoint.pathname === '/' ? root : `${root}${endpoint.pathname}`
  const places = metadataPlaces.map((place) => (place === 'path' ? inserted : root))
  const metadataUrl = new URL(places[0] ?? inserted, endpoint).href
  const refused = new Set<string>()

  function refuseRequest({ res }: Exchange, reason: string | undefined): void {
    const challenge = [
      ...(reason === undefined ? [] : ['error="invalid_token"', `error_description="${reason}"`]),
      ...(places.length === 0 ? [] : [`resource_metadata="${metadataUrl}"`]),
      ...(challengeScopes === undefined ? [] : [`scope="${challengeScopes.join(' ')}"`]),
    ].join(', ')
    const sent = (protection.reshapeChallenge ?? String)(`Bearer ${challenge}`)
    const status = reason === undefined ? 401 : refusalStatus
    const body = { error: 'invalid_token', error_description: reason ?? 'a bearer token is needed' }
    sendJson(res, status, body, sent === undefined ? {} : { 'www-authenticate': sent })
  }

  return {
    metadataUrl,
    refuse: (token) => void refused.add(token),
    serveMetadata({ req, res, url }) {
      if (req.method !== 'GET' || !places.includes(url.pathname)) return false
      const document = {
        resource,
        authorization_servers: protection.authorizationServers,
        bearer_methods_supported: ['header'],
        ...(protection.scopesSupported === undefined ? {} : { scopes_supported: protection.scopesSupported }),
      }
      sendJson(res, 200, protection.reshapeMetadata ? protection.reshapeMetadata(document) : document)
      return true
    },
    async admit(exchange) {
      const { authorization } = exchange.req.headers
      const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(authorization ?? '')?.[1]
      if (token === undefined) {
        refuseRequest(exchange, authorization === undefined ? undefined : 'not a bearer token')
        return undefined
      }
      const verified = refused.has(token) ? undefined : await ask(protection.verify, token)
      if (verified === 'unavailable') {
        const failure = { error: 'temporarily_unavailable' }
        sendJson(exchange.res, 503, failure, { 'retry-after': '1' })
      } else if (verified === undefined) {
        refuseRequest(exchange, 'the token is not good, or not any more')
      } else if (!verified.audience.includes(resource)) {
        refuseRequest(exchange, 'the token is for another resource')
      } else {
        return {
          token,
          clientId: verified.clientId,
          scopes: [...verified.scopes],
          expiresAt: verified.expiresAt,
          resource: new URL(resource),
          resourceMetadataUrl: metadataUrl,
          extra: { subject: verified.subject },
        }
      }
      return undefined
    },
  }
}

async function ask(
  verify: VerifyToken,
  token: string,
): Promise<Awaited<ReturnType<VerifyToken>> | 'unavailable'> {
  try {
    return await verify(token)
  } catch {
    return 'unavailable'
  }
}
