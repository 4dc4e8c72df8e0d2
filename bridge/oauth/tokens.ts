import type * as OpenidClient from 'openid-client'
import { BridgeError } from '../../shared/errors.ts'
import type { Clock } from '../ports.ts'
import type { Grant, Registration, ServerMetadata } from './grant.ts'
import type { GuardedFetch, GuardedRequest } from './guarded-fetch.ts'
import { parseScopes } from './scopes.ts'
import { readTokenAnswer } from './token-answer.ts'

/** What a token request needs of the outside. */
export interface TokenRequestContext {
  readonly fetch: GuardedFetch
  readonly clock: Clock
}

/** A refusal by the authorization server (RFC 6749 §5.2): an outcome, not a fault of ours. */
export interface OAuthRefusal {
  readonly is: 'refused'
  /** The registered error code, such as `invalid_grant`; cut and stripped of control characters. */
  readonly error: string
  readonly description: string | undefined
}

/** What an authorization code is redeemed with. */
export interface CodeExchange {
  readonly server: ServerMetadata
  readonly registration: Registration
  readonly code: string
  readonly codeVerifier: string
  readonly askedScopes: readonly string[]
  readonly resource: string | undefined
}

// openid-client pulls in fetch and WebCrypto: loaded with the first exchange and not at start.
const openid = (): Promise<typeof OpenidClient> => import('openid-client')

/**
 * Redeems an authorization code for a grant. The caller has verified `state` and `iss`.
 * Rejects with `network.*` or `server.failed` when the server cannot be asked and `oauth.token_missing` when its answer holds no usable token.
 * @see [RFC 6749 §4.1.3](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.3), RFC 7636 §4.5, RFC 8707 §2.2
 */
export async function redeemCode(
  exchange: CodeExchange,
  context: TokenRequestContext,
): Promise<Grant | OAuthRefusal> {
  const { server, registration, askedScopes, resource } = exchange
  const parameters = {
    code: exchange.code,
    redirect_uri: registration.redirectUri,
    code_verifier: exchange.codeVerifier,
    ...(resource === undefined ? {} : { resource }),
  }
  const outcome = await askForTokens(server, registration, context, 'authorization_code', parameters)
  if (outcome.is === 'refused') return outcome
  return {
    ...outcome.tokens,
    scopes: outcome.scopes ?? [...askedScopes],
    askedScopes: [...askedScopes],
    ...(resource === undefined ? {} : { resource }),
    server,
    registration,
  }
}

/**
 * Renews a grant: with its own endpoint, registration, resource and scopes. A server that does not rotate keeps the refresh token.
 * Rejects with `network.*`, `server.failed` or `oauth.token_missing`; nothing was lost then that we know of.
 * @see [RFC 6749 §6](https://www.rfc-editor.org/rfc/rfc6749.html#section-6)
 */
export async function renewGrant(grant: Grant, context: TokenRequestContext): Promise<Grant | OAuthRefusal> {
  const { server, registration, refreshToken, resource, scopes } = grant
  if (refreshToken === undefined) throw new BridgeError('oauth.refresh_rejected', 'no refresh token is held')
  const parameters = {
    refresh_token: refreshToken,
    ...(resource === undefined ? {} : { resource }),
  }
  const scope = scopes.join(' ')
  const request = (extra: Record<string, string>): ReturnType<typeof askForTokens> =>
    askForTokens(server, registration, context, 'refresh_token', { ...parameters, ...extra })
  let outcome = await request(scope ? { scope } : {})
  // A server that answered without naming its scopes may have granted fewer: RFC 6749 §6 then refuses the wider ask.
  if (outcome.is === 'refused' && outcome.error === 'invalid_scope' && scope) outcome = await request({})
  if (outcome.is === 'refused') return outcome
  // The old expiry belonged to the old token: it must not outlive it where the answer gives none.
  const { expiresAt: _ended, ...kept } = grant
  return { ...kept, refreshToken, ...outcome.tokens, scopes: outcome.scopes ?? scopes }
}

/** Whether the value is a refusal and not a grant. */
export function isRefusal(value: Grant | OAuthRefusal): value is OAuthRefusal {
  return 'is' in value && value.is === 'refused'
}

interface Issued {
  readonly is: 'issued'
  readonly tokens: Pick<Grant, 'accessToken' | 'refreshToken' | 'idToken' | 'expiresAt' | 'obtainedAt'>
  readonly scopes: string[] | undefined
}

async function askForTokens(
  server: ServerMetadata,
  registration: Registration,
  context: TokenRequestContext,
  grantType: string,
  parameters: Record<string, string>,
): Promise<Issued | OAuthRefusal> {
  const { genericGrantRequest } = await openid()
  let idToken: string | undefined
  const purpose =
    grantType === 'refresh_token' ? 'Asked for a new access token' : 'Exchanged the code for a token'
  const config = await configurationOf(server, registration, async (url, init) => {
    const answer = await readTokenAnswer(await askInEitherForm(context.fetch, url, { ...init, purpose }))
    idToken = answer.idToken
    return answer.response
  })
  const asked = context.clock.now()
  try {
    const answer = await genericGrantRequest(config, grantType, parameters)
    if (!/^[\x20-\x7E]+$/.test(answer.access_token)) throw new BridgeError('oauth.token_missing')
    return {
      is: 'issued',
      tokens: {
        accessToken: answer.access_token,
        ...(answer.refresh_token === undefined ? {} : { refreshToken: answer.refresh_token }),
        ...(idToken === undefined ? {} : { idToken }),
        // Counted from when we asked, not from when the answer came: the token is never younger than that.
        ...(answer.expires_in === undefined ? {} : { expiresAt: asked + answer.expires_in * 1000 }),
        obtainedAt: asked,
      },
      scopes: answer.scope === undefined ? undefined : parseScopes(answer.scope),
    }
  } catch (thrown) {
    const { code, code_verifier: verifier, refresh_token: refreshToken } = parameters
    return await refusalOf(thrown, registration, [code, verifier, refreshToken])
  }
}

/** A form, as the standard has it; JSON for the few servers that say they want none. 415 means that nothing was processed. */
async function askInEitherForm(
  fetch: GuardedFetch,
  url: string | URL,
  init: GuardedRequest,
): Promise<Response> {
  const response = await fetch(url, init)
  if (response.status !== 415 || typeof init.body !== 'string') return response
  return await fetch(url, {
    ...init,
    headers: { ...init.headers, 'content-type': 'application/json' },
    body: JSON.stringify(Object.fromEntries(new URLSearchParams(init.body))),
  })
}

/** Errors that pass by themselves: RFC 6749 §4.1.2.1 has them for the browser, and servers use them here too. */
const passing = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])

/**
 * The refusal in an exchange's failure, without the `secrets` that were sent beside the client's own: a server may repeat them in its words.
 * Rethrows as `BridgeError` what is no refusal: 5xx and 429, whatever their body claims, and what is not of OAuth, such as a proxy's page.
 */
export async function refusalOf(
  thrown: unknown,
  registration: Registration,
  secrets: ReadonlyArray<string | undefined>,
): Promise<OAuthRefusal> {
  const { ResponseBodyError, WWWAuthenticateChallengeError } = await openid()
  for (let cause: unknown = thrown; cause instanceof Error; cause = cause.cause) {
    if (cause instanceof BridgeError) throw cause
  }
  const said = thrown instanceof ResponseBodyError ? thrown : undefined
  const challenged = thrown instanceof WWWAuthenticateChallengeError ? thrown : undefined
  const status = (said ?? challenged)?.status ?? statusIn(thrown)
  // Without its cause: that holds the body, and in the body may be a token.
  if (status === undefined || status < 400) throw new BridgeError('oauth.token_missing')
  const isOfOAuth = said ? !passing.has(said.error) : status === 400 || status === 401
  if (!isOfOAuth || status >= 500 || status === 429)
    throw new BridgeError('server.failed', `status ${status}`)
  const clean = (text: string | undefined, max: number): string | undefined =>
    words(withoutSecrets(text, registration, secrets), max)
  return {
    is: 'refused',
    // Only client authentication is challenged at a token endpoint (RFC 6749 §5.2).
    error: clean(said?.error, 80) ?? (challenged ? 'invalid_client' : `http_${status}`),
    description: clean(said?.error_description, 300),
  }
}

/** The text with nothing of what was sent, as it was or as it was encoded. */
function withoutSecrets(
  text: string | undefined,
  { clientId, clientSecret }: Registration,
  secrets: ReadonlyArray<string | undefined>,
): string | undefined {
  const ofClient = clientSecret === undefined ? [] : [clientSecret, basicCredentials(clientId, clientSecret)]
  const spellings = [...secrets, ...ofClient].flatMap((secret) => (secret ? spellingsOf(secret) : []))
  return spellings.reduce((clean, spelling) => clean?.replaceAll(spelling, '[redacted]'), text)
}

function spellingsOf(secret: string): string[] {
  return [secret, encodeURIComponent(secret), new URLSearchParams([['', secret]]).toString().slice(1)]
}

/** An openid-client configuration that talks through `fetch` alone. */
export async function configurationOf(
  server: ServerMetadata,
  registration: Registration,
  fetch: (url: string | URL, init?: GuardedRequest) => Promise<Response>,
): Promise<OpenidClient.Configuration> {
  const client = await openid()
  const { clientId, clientSecret, authMethod } = registration
  const authentication =
    clientSecret === undefined || authMethod === 'none'
      ? client.None()
      : authMethod === 'client_secret_post'
        ? client.ClientSecretPost(clientSecret)
        : basicAuthentication(clientSecret)
  const config = new client.Configuration(server as OpenidClient.ServerMetadata, clientId, {}, authentication)
  config[client.customFetch] = (url, { method, headers, body, signal }) =>
    fetch(url, {
      method,
      headers,
      redirect: 'manual',
      ...(typeof body === 'string' || body instanceof URLSearchParams ? { body: String(body) } : {}),
      ...(signal ? { signal } : {}),
    })
  // The guarded fetch decides on http: loopback only.
  client.allowInsecureRequests(config)
  return config
}

function basicAuthentication(clientSecret: string): OpenidClient.ClientAuth {
  return (_server, { client_id: clientId }, _body, headers) => {
    headers.set('authorization', `Basic ${basicCredentials(clientId, clientSecret)}`)
  }
}

/**
 * HTTP Basic with id and secret form-encoded, and nothing escaped that may stand for itself: servers that forget to decode then still
 * recognise the usual ids, where openid-client's own would escape every `-`, `_` and `.`.
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
function basicCredentials(clientId: string, clientSecret: string): string {
  const pair = [clientId, clientSecret].map((text) => encodeURIComponent(text).replaceAll('%20', '+'))
  return Buffer.from(pair.join(':')).toString('base64')
}

function statusIn(thrown: unknown): number | undefined {
  for (let cause: unknown = thrown; cause !== null && typeof cause === 'object';) {
    if (cause instanceof Response) return cause.status
    cause = 'cause' in cause ? cause.cause : undefined
  }
  return undefined
}

/** Text of a server made fit for a message: printable, in one direction, at most `max` characters. */
export function words(text: string | null | undefined, max: number): string | undefined {
  const clean = text?.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return clean ? Array.from(clean).slice(0, max).join('') : undefined
}
