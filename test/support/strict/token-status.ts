import { sendJson, type Exchange } from '../loopback.ts'
import type { ResourceServerClient } from '../introspection.ts'
import { paramsOf } from '../seen.ts'
import type { StrictBehaviour } from './behaviour.ts'
import { authenticateClient, basicCredentials } from './client-authentication.ts'
import { answerJson, Refusal } from './refusal.ts'
import { isActive, type StrictState } from './state.ts'

/** Who signs in at the strict server; it knows one account. */
const strictAccount = 'grace'

/**
 * The revocation endpoint. A refresh token ends its family, an access token itself; an unknown token is success.
 * @see [RFC 7009 §2](https://www.rfc-editor.org/rfc/rfc7009.html#section-2)
 */
export function serveRevocation(exchange: Exchange, state: StrictState, behaviour: StrictBehaviour): void {
  const { req, seen } = exchange
  answerJson(exchange, behaviour, () => {
    const params = paramsOf(seen)
    const client = authenticateClient(state, req.headers, params)
    const token = params.get('token')
    if (token === null) throw new Refusal('invalid_request', 'there is no token')
    state.counters.revocations += 1
    const refreshToken = state.refreshTokens.get(token)
    const accessToken = state.accessTokens.get(token)
    const family = (refreshToken ?? accessToken)?.family
    if (family && family.clientId !== client.id)
      throw new Refusal('invalid_grant', 'the token is not of this client')
    if (behaviour.revocation === 'lying') return {}
    if (refreshToken) refreshToken.family.ended ??= 'revoked'
    if (accessToken) accessToken.revoked = true
    return {}
  })
}

/**
 * The introspection endpoint. The resource server may ask about every token, a client about its own.
 * @see [RFC 7662 §2.2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2.2)
 */
export function serveIntrospection(
  exchange: Exchange,
  state: StrictState,
  behaviour: StrictBehaviour,
  { issuer, resourceServer }: { issuer: string; resourceServer: ResourceServerClient },
): void {
  const { req, seen } = exchange
  answerJson(exchange, behaviour, () => {
    const params = paramsOf(seen)
    const presented = basicCredentials(req.headers.authorization)
    const isResourceServer = presented?.id === resourceServer.id && presented.secret === resourceServer.secret
    const client = isResourceServer ? undefined : authenticateClient(state, req.headers, params)
    const token = state.accessTokens.get(params.get('token') ?? '')
    if (!token || (client && client.id !== token.family.clientId)) return { active: false }
    if (behaviour.introspection !== 'lying' && !isActive(token)) return { active: false }
    return {
      active: true,
      sub: strictAccount,
      client_id: token.family.clientId,
      scope: token.scopes.join(' '),
      aud: token.family.resource,
      exp: Math.floor(token.expiresAt / 1000),
      iss: issuer,
    }
  })
}

/** The userinfo endpoint (OpenID Connect Core §5.3). */
export function serveUserinfo({ req, res }: Exchange, state: StrictState): void {
  const token = /^Bearer (.+)$/i.exec(req.headers.authorization ?? '')?.[1] ?? ''
  if (isActive(state.accessTokens.get(token)))
    sendJson(res, 200, { sub: strictAccount, name: 'Grace Hopper' })
  else sendJson(res, 401, { error: 'invalid_token' }, { 'www-authenticate': 'Bearer error="invalid_token"' })
}
