import { createHash, randomBytes } from 'node:crypto'
import { BridgeError } from '../../shared/errors.ts'
import type { Clock } from '../ports.ts'
import type { BearerChallenge } from './challenge.ts'
import { discover, type Discovery } from './discovery.ts'
import type { Grant, Registration } from './grant.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { probe } from './probe.ts'
import {
  chooseRegistration,
  fromMetadataDocument,
  preRegistered,
  registerDynamically,
} from './registration.ts'
import { selectScopes, unionScopes } from './scopes.ts'
import { isRefusal, redeemCode, words, type OAuthRefusal } from './tokens.ts'
import type { TraceRecorder } from './trace.ts'

/** Where registrations live between sign-ins, kept apart by issuer. */
export interface Registrations {
  find(issuer: string): Registration | undefined
  save(registration: Registration): Promise<void>
  /** Forgets this very registration; a newer one of the same issuer stays. */
  forget(registration: Registration): Promise<void>
}

/** A client identity that the user brought. */
interface OwnClient {
  readonly clientId: string
  readonly clientSecret?: string | undefined
  /** The issuer it was first used with; it is never sent to another. */
  readonly issuer?: string | undefined
}

/** What one sign-in starts from. */
export interface SignInRequest {
  readonly server: URL
  readonly redirectUri: string
  readonly ownClient?: OwnClient | undefined
  /** Address of our client ID metadata document, when one is hosted. */
  readonly metadataUrl?: string | undefined
  readonly allowMissingPkce: boolean
  /** Exactly what the user wants; absent: what the server asks for. */
  readonly chosenScopes?: readonly string[] | undefined
  /** Asked for before, to be asked again beside what a step-up's challenge wants. */
  readonly earlierScopes?: readonly string[] | undefined
  /** The 403 that asks for more. Without it the server is asked what it wants. */
  readonly challenge?: BearerChallenge | undefined
  /** The issuer of the grant that is being replaced. */
  readonly earlierIssuer?: string | undefined
}

/** What one sign-in works with. */
export interface SignInContext {
  readonly fetch: GuardedFetch
  readonly clock: Clock
  readonly trace: TraceRecorder
  readonly registrations: Registrations
}

/** A sign-in ready for the browser, or the news that none is needed. */
export type PreparedSignIn =
  | { readonly is: 'open' }
  | {
      readonly is: 'authorize'
      /** The page to open. Its scheme is http(s). */
      readonly url: URL
      readonly state: string
      readonly issuer: string
      readonly scopes: readonly string[]
      readonly registration: Registration
      /** Checks the authorization response and redeems its code. Rejects with why not. */
      redeem(response: URLSearchParams): Promise<Grant>
    }

/**
 * Does all of a sign-in that comes before the browser: asks the server, finds its authorization server, checks PKCE, registers.
 * Rejects with a `BridgeError` that names who can mend it; the trace then holds the steps so far.
 * @see MCP 2026-07-28, Authorization Flow Steps
 */
export async function prepareSignIn(request: SignInRequest, context: SignInContext): Promise<PreparedSignIn> {
  const { trace, fetch } = context
  let challenge = request.challenge
  if (challenge === undefined) {
    const found = await probe(request.server, fetch)
    if (found.asks === 'none') {
      trace.step('The server serves without a sign-in')
      return { is: 'open' }
    }
    challenge = found.challenge
    trace.step('The server asked for a sign-in')
  }
  const discovery = await discover({
    url: request.server,
    challenge,
    fetch,
    preferredIssuer: request.ownClient?.issuer ?? request.earlierIssuer,
  })
  const { server } = discovery
  trace.step('Found who signs you in', { note: `issuer ${server.issuer}` })
  if (!protectsCodes(discovery) && !request.allowMissingPkce) {
    throw new BridgeError('oauth.pkce_unsupported', `issuer ${server.issuer}`)
  }
  const registration = await register(request, discovery, context).catch((thrown: unknown) => {
    throw guessedInVain(discovery, thrown) ?? thrown
  })
  const wanted = selectScopes({
    chosen: request.chosenScopes,
    challenge: challenge?.scope,
    resource: discovery.scopesSupported,
    server: server.scopes_supported,
  })
  const scopes = request.earlierScopes ? unionScopes(request.earlierScopes, wanted) : wanted
  // 32 random bytes each: RFC 7636 §4.1 asks for 43 characters, RFC 6749 §10.10 for an unguessable state.
  const codeVerifier = randomBytes(32).toString('base64url')
  const state = randomBytes(32).toString('base64url')
  const url = authorizationUrl(discovery, registration, { state, codeVerifier, scopes })
  trace.step('Ready for the browser', {
    note: scopes.length > 0 ? `asking for ${scopes.join(' ')}` : 'asking for no scope',
  })
  const authorizedCode = async (response: URLSearchParams): Promise<string> => {
    try {
      return checkedCode(response, discovery)
    } catch (thrown) {
      if (thrown instanceof BridgeError && thrown.code === 'oauth.client_unknown') {
        await context.registrations.forget(registration)
      }
      throw thrown
    }
  }
  return {
    is: 'authorize',
    url,
    state,
    issuer: server.issuer,
    scopes,
    registration,
    async redeem(response) {
      const code = await authorizedCode(response)
      trace.step('You allowed it in the browser')
      const grant = await redeemCode(
        { server, registration, code, codeVerifier, askedScopes: scopes, resource: discovery.resource },
        context,
      )
      if (!isRefusal(grant)) return grant
      if (isForgotten(grant)) await context.registrations.forget(registration)
      throw exchangeFailure(grant)
    },
  }
}

/**
 * Whether a sign-in may rely on PKCE. It cannot be seen to work but by the metadata, so its absence there ends the sign-in.
 * @see MCP 2026-07-28, Authorization Code Protection
 */
export function protectsCodes({ server, via }: Discovery): boolean {
  // The 2025-03-26 revision knew no metadata that could say it.
  return server.code_challenge_methods_supported?.includes('S256') ?? via !== 'resource-metadata'
}

async function register(
  request: SignInRequest,
  { server }: Discovery,
  { fetch, trace, registrations, clock }: SignInContext,
): Promise<Registration> {
  const { ownClient, metadataUrl, redirectUri } = request
  const way = chooseRegistration({ server, clientId: ownClient?.clientId, metadataUrl })
  switch (way) {
    case 'pre-registered': {
      const { clientId, clientSecret, issuer } = ownClient as OwnClient
      // A client id is known to the issuer that gave it; sending it, or its secret, to another would give it away.
      if (issuer !== undefined && issuer !== server.issuer) {
        throw new BridgeError('discovery.issuer_changed', `from ${issuer} to ${server.issuer}`)
      }
      return preRegistered({ server, clientId, clientSecret, redirectUri })
    }
    case 'metadata-document':
      return fromMetadataDocument({ server, metadataUrl: metadataUrl as string, redirectUri })
    case 'dynamic': {
      const known = registrations.find(server.issuer)
      const usable =
        known && sameRedirect(known, redirectUri) && (known.expiresAt ?? Infinity) > clock.now() + 60_000
      if (usable) return known
      const registration = await registerDynamically({ server, redirectUri, fetch })
      await registrations.save(registration)
      trace.step('Registered as a new client', { note: `client id ${registration.clientId}` })
      return registration
    }
    case 'ask':
      throw new BridgeError('registration.needed', `redirect URI ${redirectUri}, issuer ${server.issuer}`)
    default:
      return way satisfies never
  }
}

/** A server that publishes nothing and does not answer where the endpoints were guessed has no sign-in at all, such as one for API keys. */
function guessedInVain({ via }: Discovery, thrown: unknown): BridgeError | undefined {
  const refused = thrown instanceof BridgeError && thrown.code === 'registration.refused'
  return refused && via === 'endpoint-fallback'
    ? new BridgeError('discovery.no_authorization_server')
    : undefined
}

/** A server that refused `127.0.0.1` at registration has our address in its `localhost` spelling. */
function sameRedirect(registration: Registration, redirectUri: string): boolean {
  return [redirectUri, redirectUri.replace('//127.0.0.1:', '//localhost:')].includes(registration.redirectUri)
}

function authorizationUrl(
  { server, resource }: Discovery,
  registration: Registration,
  request: { state: string; codeVerifier: string; scopes: readonly string[] },
): URL {
  const url = new URL(server.authorization_endpoint)
  const parameters: Record<string, string> = {
    response_type: 'code',
    client_id: registration.clientId,
    redirect_uri: registration.redirectUri,
    state: request.state,
    code_challenge: createHash('sha256').update(request.codeVerifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(request.scopes.length > 0 ? { scope: request.scopes.join(' ') } : {}),
    ...(resource === undefined ? {} : { resource }),
    // OpenID Connect Core §11: offline_access is granted only when consent is asked for.
    ...(request.scopes.includes('offline_access') ? { prompt: 'consent' } : {}),
  }
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
  return url
}

/**
 * The code of an authorization response that may be believed. `iss` is compared before anything else is read, exactly and whenever
 * it is there, so that nothing another server said is acted on or shown.
 * @see [RFC 9207 §2.4](https://www.rfc-editor.org/rfc/rfc9207.html#section-2.4)
 */
function checkedCode(response: URLSearchParams, { server }: Discovery): string {
  const issuers = response.getAll('iss')
  // RFC 6749 §3.1: no parameter comes twice.
  if (issuers.length > 1 || issuers.some((issuer) => issuer !== server.issuer))
    throw new BridgeError('oauth.issuer_mismatch')
  if (issuers.length === 0 && server.authorization_response_iss_parameter_supported === true) {
    throw new BridgeError('oauth.issuer_missing')
  }
  const error = response.get('error')
  if (error !== null) throw responseFailure(error, response.get('error_description'))
  const codes = response.getAll('code')
  const code = codes[0]
  if (codes.length !== 1 || !code)
    throw new BridgeError('oauth.authorization_failed', 'the answer holds no code')
  return code
}

function responseFailure(error: string, description: string | null): BridgeError {
  const detail = [words(error, 80), words(description, 300)].filter(Boolean).join(': ')
  if (error === 'access_denied') return new BridgeError('oauth.denied', detail)
  if (error === 'invalid_scope') return new BridgeError('oauth.scope_refused', detail)
  if (error === 'unauthorized_client' || error === 'invalid_client')
    return new BridgeError('oauth.client_unknown', detail)
  if (error === 'temporarily_unavailable' || error === 'server_error')
    return new BridgeError('server.failed', detail)
  return new BridgeError('oauth.authorization_failed', detail)
}

/** Whether the server no longer knows the client that it registered. */
export function isForgotten({ error }: OAuthRefusal): boolean {
  return error === 'invalid_client' || error === 'unauthorized_client'
}

function exchangeFailure(refusal: OAuthRefusal): BridgeError {
  const detail =
    refusal.description === undefined ? refusal.error : `${refusal.error}: ${refusal.description}`
  return new BridgeError(isForgotten(refusal) ? 'oauth.client_unknown' : 'oauth.token_refused', detail)
}
