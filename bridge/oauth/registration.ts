import { z } from 'zod'
import type { RegistrationKind } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Registration, ServerMetadata } from './grant.ts'
import type { PlainFetch } from './guarded-fetch.ts'

/**
 * How to become a client, in the order of the specification: what the user registered, our metadata document where the server takes such,
 * dynamic registration where it offers that, else the user must be asked.
 * @see [MCP 2026-07-28, client registration](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/client-registration)
 */
export function chooseRegistration(given: {
  readonly server: ServerMetadata
  readonly clientId?: string | undefined
  readonly metadataUrl?: string | undefined
}): RegistrationKind | 'ask' {
  const { server, clientId, metadataUrl } = given
  if (clientId !== undefined) return 'pre-registered'
  if (metadataUrl !== undefined && server.client_id_metadata_document_supported) return 'metadata-document'
  return server.registration_endpoint === undefined ? 'ask' : 'dynamic'
}

/** The registration of a client that the user made by hand. A secret is sent the way the server lists, Basic where it does not say. */
export function preRegistered(given: {
  readonly server: ServerMetadata
  readonly clientId: string
  readonly clientSecret?: string | undefined
  readonly redirectUri: string
}): Registration {
  const { server, clientId, clientSecret, redirectUri } = given
  const base = { issuer: server.issuer, kind: 'pre-registered', clientId, redirectUri } as const
  if (clientSecret === undefined) return { ...base, authMethod: 'none' }
  return { ...base, ...withSecret(clientSecret, methodForSecret(server)) }
}

/**
 * The registration whose client id is the address of our metadata document. Throws `registration.metadata_url_invalid`.
 * @see [Client ID Metadata Document §3](https://www.ietf.org/archive/id/draft-ietf-oauth-client-id-metadata-document-00.html#section-3)
 */
export function fromMetadataDocument(given: {
  readonly server: ServerMetadata
  readonly metadataUrl: string
  readonly redirectUri: string
}): Registration {
  const { server, metadataUrl, redirectUri } = given
  if (!isMetadataUrl(metadataUrl)) throw new BridgeError('registration.metadata_url_invalid')
  return {
    issuer: server.issuer,
    kind: 'metadata-document',
    clientId: metadataUrl,
    authMethod: 'none',
    redirectUri,
  }
}

/**
 * Registers Bridgekeeper as a native client. A refused redirect URI is tried once more in its `localhost` spelling; the result's
 * `redirectUri` is the one that was taken. Rejects with `registration.refused`, `registration.needed` (no endpoint), `server.failed` or a
 * `network.*` error.
 * @see [RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591.html#section-3)
 */
export async function registerDynamically(given: {
  readonly server: ServerMetadata
  readonly redirectUri: string
  readonly scopes?: readonly string[] | undefined
  readonly fetch: PlainFetch
  readonly initialAccessToken?: string | undefined
}): Promise<Registration> {
  const { server, redirectUri } = given
  const outcome = await register(given)
  if (outcome.is === 'registered') return readRegistration(outcome.client, server, redirectUri)
  const localhost = localhostSpelling(redirectUri)
  const redirectDisliked = outcome.status === 400 && disliked.has(outcome.error ?? '')
  if (localhost === undefined || !redirectDisliked) throw refusal(outcome)
  const second = await register({ ...given, redirectUri: localhost })
  if (second.is === 'refused') throw refusal(second)
  return readRegistration(second.client, server, localhost)
}

/** The errors of RFC 7591 §3.2.2 that a redirect URI can draw. */
const disliked = new Set(['invalid_redirect_uri', 'invalid_client_metadata'])

type AuthMethod = Registration['authMethod']

/** The last second that a date can hold: a later end could not be stored and read again. */
const latestEnd = 8_640_000_000_000

const Client = z.object({
  client_id: z.string().min(1),
  client_secret: z.string().min(1).nullish().catch(undefined),
  client_secret_expires_at: z.number().max(latestEnd).nullish().catch(undefined),
  token_endpoint_auth_method: z.string().nullish().catch(undefined),
})
type Client = z.infer<typeof Client>

type Outcome =
  | { readonly is: 'registered'; readonly client: Client }
  | { readonly is: 'refused'; readonly status: number; readonly error: string | undefined }

async function register(given: Parameters<typeof registerDynamically>[0]): Promise<Outcome> {
  const { server, redirectUri, scopes, fetch, initialAccessToken } = given
  if (server.registration_endpoint === undefined) {
    throw new BridgeError('registration.needed', `redirect URI ${redirectUri}`)
  }
  const response = await fetch(server.registration_endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json',
      ...(initialAccessToken === undefined ? {} : { authorization: `Bearer ${initialAccessToken}` }),
    },
    body: JSON.stringify(clientMetadata(server, redirectUri, scopes)),
    purpose: 'Asked to be registered as a client',
  })
  const { status } = response
  if (status >= 500 || status === 429)
    throw new BridgeError('server.failed', `registration: status ${status}`)
  const answer = parseJson(await response.text())
  if (!response.ok) return { is: 'refused', status, error: errorIn(answer) }
  const client = Client.safeParse(answer)
  if (!client.success) throw new BridgeError('registration.refused', `status ${status}, but no client_id`)
  return { is: 'registered', client: client.data }
}

function clientMetadata(
  server: ServerMetadata,
  redirectUri: string,
  scopes: readonly string[] = [],
): unknown {
  const granted = server.grant_types_supported
  return {
    client_name: 'Bridgekeeper',
    application_type: 'native',
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'].filter(
      (type) => type === 'authorization_code' || !granted || granted.includes(type),
    ),
    response_types: ['code'],
    token_endpoint_auth_method: methodToAskFor(server),
    ...(scopes.length > 0 ? { scope: scopes.join(' ') } : {}),
  }
}

/** A native client can keep no secret from its user, so it asks for none where it may. */
function methodToAskFor({ token_endpoint_auth_methods_supported: methods }: ServerMetadata): AuthMethod {
  if (!methods || methods.includes('none')) return 'none'
  return secretMethods(methods)[0] ?? 'none'
}

function readRegistration(client: Client, server: ServerMetadata, redirectUri: string): Registration {
  const { client_id: clientId, client_secret: secret, token_endpoint_auth_method: method } = client
  const base = { issuer: server.issuer, kind: 'dynamic', clientId, redirectUri } as const
  if (!secret) return { ...base, authMethod: 'none' }
  const authMethod = method ? knownMethod(method) : methodForSecret(server)
  if (!authMethod)
    throw new BridgeError('registration.refused', 'it wants a client authentication that we do not have')
  const expires = client.client_secret_expires_at
  return { ...base, ...withSecret(secret, authMethod), ...(expires ? { expiresAt: expires * 1000 } : {}) }
}

/** RFC 7591 §2: Basic is meant where nothing is said, unless the server lists its methods without it. */
function methodForSecret({ token_endpoint_auth_methods_supported: methods }: ServerMetadata): AuthMethod {
  if (!methods) return 'client_secret_basic'
  return secretMethods(methods)[0] ?? (methods.includes('none') ? 'none' : 'client_secret_basic')
}

function secretMethods(methods: readonly string[] | undefined): AuthMethod[] {
  return (['client_secret_basic', 'client_secret_post'] as const).filter((method) =>
    methods?.includes(method),
  )
}

function knownMethod(method: string): AuthMethod | undefined {
  return (['none', 'client_secret_basic', 'client_secret_post'] as const).find((known) => known === method)
}

/** A secret that is never sent need not be kept. */
function withSecret(
  clientSecret: string,
  authMethod: AuthMethod,
): Pick<Registration, 'clientSecret' | 'authMethod'> {
  return authMethod === 'none' ? { authMethod } : { authMethod, clientSecret }
}

function localhostSpelling(redirectUri: string): string | undefined {
  const spelt = redirectUri.replace(/^http:\/\/127\.0\.0\.1(?=[:/])/, 'http://localhost')
  return spelt === redirectUri ? undefined : spelt
}

function refusal({ status, error }: Extract<Outcome, { is: 'refused' }>): BridgeError {
  return new BridgeError(
    'registration.refused',
    error === undefined ? `status ${status}` : `${error}, status ${status}`,
  )
}

/** The registered word for what is wrong, if it is one: what a server writes here may be anything. */
function errorIn(answer: unknown): string | undefined {
  const error = (answer as { error?: unknown } | null)?.error
  return typeof error === 'string' && /^[a-z][a-z0-9_.-]{0,63}$/i.test(error) ? error : undefined
}

function isMetadataUrl(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { protocol, pathname, hash, username, password, href } = new URL(text)
  // The server compares the string: one that a URL parser would change is another client.
  return protocol === 'https:' && pathname !== '/' && !hash && !username && !password && href === text
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
