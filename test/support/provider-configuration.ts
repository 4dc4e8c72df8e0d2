import { generateKeyPair, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import type { ClientMetadata, Configuration } from 'oidc-provider'
import type { AuthorizationRecords } from './authorization-records.ts'
import { errorPage } from './consent-pages.ts'
import { sendHtml } from './loopback.ts'

/** What a test may choose about the real authorization server; the mutable ones count from the next request on. */
export interface ProviderSettings {
  /** Scopes of the protected resources. */
  readonly scopes: readonly string[]
  /** Resources it issues tokens for; undefined: any. */
  readonly resources: readonly string[] | undefined
  readonly accessTokenFormat: 'opaque' | 'jwt'
  /** Who gets a refresh token: every client, or those that were granted `offline_access`, or nobody. */
  readonly refreshTokens: 'always' | 'offline_access' | 'never'
  /** Whether a refresh token is replaced when it is used. */
  readonly rotation: boolean
  /** Whether there is a registration endpoint (RFC 7591). */
  readonly registration: boolean
  /** Clients known from the start. */
  readonly clients: readonly ClientMetadata[]
  accessTokenSeconds: number
}

/** The paths of its endpoints. */
export const endpoints = {
  authorization: '/authorize',
  token: '/token',
  registration: '/register',
  revocation: '/revoke',
  introspection: '/introspect',
  userinfo: '/userinfo',
  jwks: '/jwks',
  pushed_authorization_request: '/par',
} as const

/** Where the consent pages are. */
export const interactionPath = '/interaction/'

/**
 * A configuration of oidc-provider without any default that it warns about: OAuth 2.1 for public and
 * confidential clients, PKCE always, tokens bound to the resource that was asked for.
 */
export async function providerConfiguration(
  settings: ProviderSettings,
  records: AuthorizationRecords,
): Promise<Configuration> {
  const signingKey = await promisify(generateKeyPair)('ec', { namedCurve: 'P-256' })
  const jwk = signingKey.privateKey.export({ format: 'jwk' })
  return {
    adapter: records.adapter,
    jwks: { keys: [{ ...jwk, kty: 'EC', use: 'sig', alg: 'ES256', kid: randomBytes(8).toString('hex') }] },
    cookies: { keys: [randomBytes(32).toString('hex')] },
    routes: endpoints,
    clients: [...settings.clients],
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    clientAuthMethods: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
    responseTypes: ['code'],
    scopes: settings.refreshTokens === 'offline_access' ? ['openid', 'offline_access'] : ['openid'],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    pkce: { required: () => true },
    clientBasedCORS: () => false,
    expiresWithSession: () => false,
    rotateRefreshToken: settings.rotation,
    issueRefreshToken: (_context, client, source) =>
      client.grantTypeAllowed('refresh_token') &&
      (settings.refreshTokens === 'always' ||
        (settings.refreshTokens === 'offline_access' && source.scopes.has('offline_access'))),
    findAccount: (_context, subject) => ({
      accountId: subject,
      claims: () => ({
        sub: subject,
        name: subject,
        email: `${subject}@example.test`,
        email_verified: true,
      }),
    }),
    interactions: { url: (_context, interaction) => `${interactionPath}${interaction.uid}` },
    renderError: (context, { error, error_description }) => {
      context.respond = false
      sendHtml(context.res, context.status, errorPage(error, error_description))
    },
    ttl: {
      AccessToken: () => settings.accessTokenSeconds,
      AuthorizationCode: 60,
      Grant: 30 * 24 * 3600,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 30 * 24 * 3600,
      Session: 24 * 3600,
    },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      registration: { enabled: settings.registration, initialAccessToken: false },
      introspection: {
        enabled: true,
        // A resource server may ask about every token, a client about its own.
        allowedPolicy: (_context, client, token) =>
          client.clientAuthMethod !== 'none' || token.clientId === client.clientId,
      },
      revocation: {
        enabled: true,
        allowedPolicy: (_context, client, token) => token.clientId === client.clientId,
      },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context, resource) => ({
          scope: settings.resources?.includes(resource) === false ? '' : settings.scopes.join(' '),
          audience: resource,
          accessTokenTTL: settings.accessTokenSeconds,
          accessTokenFormat: settings.accessTokenFormat,
          ...(settings.accessTokenFormat === 'jwt' ? { jwt: { sign: { alg: 'ES256' } } } : {}),
        }),
      },
    },
  }
}
