import { createHash } from 'node:crypto'
import type { Exchange } from '../loopback.ts'
import { paramsOf } from '../seen.ts'
import { refuseRepeated } from './authorization.ts'
import type { StrictBehaviour, TokenAnswer } from './behaviour.ts'
import { authenticateClient } from './client-authentication.ts'
import { answerJson, Refusal } from './refusal.ts'
import { randomValue, type Family, type StrictClient, type StrictState } from './state.ts'

/**
 * The token endpoint: `authorization_code` and `refresh_token`. Each request is processed in one go, so of two
 * refreshes with one token the second is always a reuse.
 */
export function serveToken(exchange: Exchange, state: StrictState, behaviour: StrictBehaviour): void {
  const { req, seen } = exchange
  answerJson(exchange, behaviour, () => {
    const params = paramsOf(seen)
    const grantType = params.get('grant_type') ?? 'none'
    state.counters.tokenRequests[grantType] = (state.counters.tokenRequests[grantType] ?? 0) + 1
    const expected =
      behaviour.tokenRequests === 'json' ? 'application/json' : 'application/x-www-form-urlencoded'
    if (req.headers['content-type']?.split(';')[0]?.trim() !== expected) {
      throw new Refusal('invalid_request', `the body must be ${expected}`, 415)
    }
    refuseRepeated(params)
    const client = authenticateClient(state, req.headers, params)
    return behaviour.reshape.tokens(grant(grantType, params, client, state, behaviour))
  })
}

function grant(
  grantType: string,
  params: URLSearchParams,
  client: StrictClient,
  state: StrictState,
  behaviour: StrictBehaviour,
): TokenAnswer {
  switch (grantType) {
    case 'authorization_code': {
      const family = redeemCode(params, client, state)
      checkResource(params, family, behaviour)
      return issue(family, family.scopes, newRefreshToken(family, state, behaviour), state, behaviour)
    }
    case 'refresh_token': {
      const { family, refreshToken } = redeemRefreshToken(params, client, state, behaviour)
      const scopes = narrowedScopes(params, family)
      state.counters.refreshes += 1
      return issue(family, scopes, refreshToken, state, behaviour)
    }
    default:
      throw new Refusal('unsupported_grant_type', `${grantType} is not offered`)
  }
}

function redeemCode(params: URLSearchParams, client: StrictClient, state: StrictState): Family {
  const code = state.codes.get(params.get('code') ?? '')
  if (!code || code.clientId !== client.id) throw new Refusal('invalid_grant', 'the code is not known')
  if (code.used) {
    code.family.ended ??= 'code reused'
    throw new Refusal('invalid_grant', 'the code was used before')
  }
  code.used = true
  if (code.expiresAt <= Date.now()) throw new Refusal('invalid_grant', 'the code is expired')
  if (params.get('redirect_uri') !== code.redirectUri) {
    throw new Refusal('invalid_grant', 'the redirect_uri is another one')
  }
  const verifier = params.get('code_verifier')
  const challenge = verifier === null ? undefined : createHash('sha256').update(verifier).digest('base64url')
  if (challenge !== code.challenge) throw new Refusal('invalid_grant', 'the code_verifier is wrong')
  return code.family
}

function redeemRefreshToken(
  params: URLSearchParams,
  client: StrictClient,
  state: StrictState,
  behaviour: StrictBehaviour,
): { family: Family; refreshToken: string | undefined } {
  const value = params.get('refresh_token') ?? ''
  const known = state.refreshTokens.get(value)
  if (!known || known.family.clientId !== client.id) {
    throw new Refusal('invalid_grant', 'the refresh token is not known')
  }
  if (known.used) {
    state.counters.reuseDetections += 1
    known.family.ended ??= 'refresh token reused'
    throw new Refusal('invalid_grant', 'the refresh token was used before')
  }
  if (known.family.ended !== undefined) throw new Refusal('invalid_grant', 'the grant has ended')
  // Checked before the token is spent, so that a wrong request costs nothing.
  checkResource(params, known.family, behaviour)
  narrowedScopes(params, known.family)
  if (behaviour.refreshTokens !== 'rotating') return { family: known.family, refreshToken: undefined }
  known.used = true
  return { family: known.family, refreshToken: newRefreshToken(known.family, state, behaviour) }
}

function checkResource(params: URLSearchParams, family: Family, { requiresResource }: StrictBehaviour): void {
  const resource = params.get('resource') ?? undefined
  if (resource === undefined ? requiresResource : resource !== family.resource) {
    throw new Refusal('invalid_target', 'resource is missing, or another one than was allowed')
  }
}

function narrowedScopes(params: URLSearchParams, family: Family): readonly string[] {
  const asked = params.get('scope')?.split(' ')
  if (asked?.some((scope) => !family.scopes.includes(scope))) {
    throw new Refusal('invalid_scope', 'a refresh cannot add scopes')
  }
  return asked ?? family.scopes
}

function newRefreshToken(
  family: Family,
  state: StrictState,
  { refreshTokens }: StrictBehaviour,
): string | undefined {
  if (refreshTokens === 'none') return undefined
  const value = randomValue('rt')
  state.refreshTokens.set(value, { family, used: false })
  return value
}

function issue(
  family: Family,
  scopes: readonly string[],
  refreshToken: string | undefined,
  state: StrictState,
  { accessTokenSeconds }: StrictBehaviour,
): TokenAnswer {
  const accessToken = randomValue('at')
  const expiresAt = Date.now() + accessTokenSeconds * 1000
  state.accessTokens.set(accessToken, { family, scopes, expiresAt, revoked: false })
  return {
    access_token: accessToken,
    token_type: 'Bearer',
    expires_in: accessTokenSeconds,
    scope: scopes.join(' '),
    ...(refreshToken === undefined ? {} : { refresh_token: refreshToken }),
  }
}
