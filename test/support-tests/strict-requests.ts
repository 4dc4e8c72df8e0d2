import * as oauth from 'openid-client'
import { onTestFinished } from 'vitest'
import { createPretendBrowser } from '../support/browser.ts'
import { registerRawClient, unservedCallback, type RawSignIn } from '../support/raw-sign-in.ts'
import {
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
  type StrictAuthorizationServerOptions,
} from '../support/strict-authorization-server.ts'

/** The resource of these sign-ins; nothing serves it. */
export const resource = 'http://127.0.0.1:1/mcp'

/** Starts a server that ends with the test. */
export async function startStrict(
  options: StrictAuthorizationServerOptions = {},
): Promise<StrictAuthorizationServer> {
  const server = await startStrictAuthorizationServer(options)
  onTestFinished(() => server.close())
  return server
}

/** Refreshes by openid-client. */
export function refresh(
  { client }: RawSignIn,
  token: string | undefined,
): Promise<oauth.TokenEndpointResponse> {
  return oauth.refreshTokenGrant(client, token ?? '', { resource })
}

/** Posts a form by hand, for requests that no library would make. */
export async function post(
  url: URL,
  params: Record<string, string>,
  headers: Record<string, string> = {},
): Promise<{ status: number; error: unknown }> {
  const response = await fetch(url, { method: 'POST', body: new URLSearchParams(params), headers })
  const body = (await response.json()) as Record<string, unknown>
  return { status: response.status, error: body.error }
}

/** Gets a code by hand; the verifier of its challenge is `verifier`. */
export async function getCode(
  server: StrictAuthorizationServer,
  verifier: string,
): Promise<Record<string, string>> {
  const client = await registerRawClient(server.issuer)
  const url = oauth.buildAuthorizationUrl(client, {
    redirect_uri: unservedCallback,
    resource,
    scope: 'read:issues',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const visit = await createPretendBrowser().approve(url, { stopAtCallback: true })
  return {
    grant_type: 'authorization_code',
    client_id: client.clientMetadata().client_id,
    code: visit.url.searchParams.get('code') ?? '',
    redirect_uri: unservedCallback,
    code_verifier: verifier,
    resource,
  }
}
