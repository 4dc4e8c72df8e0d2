import * as oauth from 'openid-client'
import { createPretendBrowser, type PretendBrowser } from './browser.ts'

export interface RawSignInOptions {
  readonly resource?: string
  readonly scopes?: readonly string[]
  readonly redirectUri?: string
  /** By default approves in a browser of its own. */
  readonly browser?: PretendBrowser
  /** A client that is registered already; by default one is registered. */
  readonly client?: oauth.Configuration
}

export interface RawSignIn {
  /** The registered client, for more requests by openid-client. */
  readonly client: oauth.Configuration
  readonly clientId: string
  readonly tokens: oauth.TokenEndpointResponse & oauth.TokenEndpointResponseHelpers
}

/** The redirect URI of a sign-in whose callback nobody serves. */
export const unservedCallback = 'http://127.0.0.1:47330/oauth/callback'

/** Registers a client by itself (RFC 7591): native, and public unless the server decides otherwise. */
export async function registerRawClient(
  issuer: string,
  redirectUri: string = unservedCallback,
): Promise<oauth.Configuration> {
  const metadata = {
    client_name: 'Test',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: [redirectUri],
  }
  const registered = await oauth.dynamicClientRegistration(new URL(issuer), metadata, undefined, {
    algorithm: 'oauth2',
    execute: [oauth.allowInsecureRequests],
  })
  const {
    client_id: id,
    token_endpoint_auth_method: method,
    client_secret: secret,
  } = registered.clientMetadata()
  if (method !== 'client_secret_basic') return registered
  // openid-client posts a secret unless it is told otherwise.
  const client = new oauth.Configuration(
    registered.serverMetadata(),
    id,
    registered.clientMetadata(),
    oauth.ClientSecretBasic(secret),
  )
  oauth.allowInsecureRequests(client)
  return client
}

/** A whole sign-in by openid-client and nothing of ours, for tests that need tokens and not a bridge. */
export async function signInRaw(issuer: string, options: RawSignInOptions = {}): Promise<RawSignIn> {
  const { resource, scopes = ['read:issues', 'write:issues'], redirectUri = unservedCallback } = options
  const client = options.client ?? (await registerRawClient(issuer, redirectUri))
  const browser = options.browser ?? createPretendBrowser()
  const pkceCodeVerifier = oauth.randomPKCECodeVerifier()
  const expectedState = oauth.randomState()
  const target: Record<string, string> = resource === undefined ? {} : { resource }
  const url = oauth.buildAuthorizationUrl(client, {
    ...target,
    redirect_uri: redirectUri,
    scope: scopes.join(' '),
    state: expectedState,
    code_challenge: await oauth.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
  })
  const visit = await browser.approve(url, { stopAtCallback: true })
  const checks = { pkceCodeVerifier, expectedState }
  const tokens = await oauth.authorizationCodeGrant(client, visit.url, checks, target)
  return { client, clientId: client.clientMetadata().client_id, tokens }
}
