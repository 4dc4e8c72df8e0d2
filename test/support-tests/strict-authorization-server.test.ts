import * as oauth from 'openid-client'
import { describe, expect, it } from 'vitest'
import { createPretendBrowser } from '../support/browser.ts'
import { registerRawClient, signInRaw, unservedCallback } from '../support/raw-sign-in.ts'
import { randomSecret } from '../support/strict-authorization-server.ts'
import { getCode, post, refresh, resource, startStrict } from './strict-requests.ts'

describe('the strict authorization server: a good client', () => {
  it.each(['none', 'client_secret_basic', 'client_secret_post'] as const)(
    'signs in, refreshes, introspects and revokes by %s',
    async (clientAuth) => {
      const server = await startStrict({ behaviour: { clientAuth } })
      const signIn = await signInRaw(server.issuer, { resource })
      expect(await server.verify(signIn.tokens.access_token)).toMatchObject({
        subject: 'grace',
        scopes: ['read:issues', 'write:issues'],
        audience: [resource],
      })
      const renewed = await refresh(signIn, signIn.tokens.refresh_token)
      expect(await oauth.tokenIntrospection(signIn.client, renewed.access_token)).toMatchObject({
        active: true,
      })
      await oauth.tokenRevocation(signIn.client, renewed.refresh_token ?? '')
      expect(await server.verify(renewed.access_token)).toBeUndefined()
      await expect(refresh(signIn, renewed.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
      expect(server.state.counters).toMatchObject({ refreshes: 1, reuseDetections: 0, revocations: 1 })
    },
  )

  it('works under an issuer with a path, at each well-known place alone', async () => {
    for (const [place, path] of [
      ['oauth-inserted', '/.well-known/oauth-authorization-server/tenant'],
      ['openid-inserted', '/.well-known/openid-configuration/tenant'],
      ['openid-appended', '/tenant/.well-known/openid-configuration'],
    ] as const) {
      const server = await startStrict({ issuerPath: '/tenant', places: [place] })
      const found = await fetch(new URL(path, server.loopback.origin))
      expect(await found.json()).toMatchObject({
        issuer: server.issuer,
        token_endpoint: `${server.issuer}/token`,
      })
      const served = server.loopback.requests.length
      const others = ['/.well-known/oauth-authorization-server', '/.well-known/openid-configuration']
      for (const other of others) {
        expect((await fetch(new URL(other, server.loopback.origin))).status).toBe(404)
      }
      expect(server.loopback.requests).toHaveLength(served + others.length)
    }
  })
})

describe('the strict authorization server: what it refuses', () => {
  const verifier = oauth.randomPKCECodeVerifier()

  it.each([
    ['a wrong code_verifier', { code_verifier: oauth.randomPKCECodeVerifier() }, 'invalid_grant'],
    ['another redirect_uri', { redirect_uri: 'http://localhost:47330/oauth/callback' }, 'invalid_grant'],
    ['another resource', { resource: 'http://127.0.0.1:2/mcp' }, 'invalid_target'],
    ['an unknown client', { client_id: 'nobody' }, 'invalid_client'],
    ['a secret of a public client', { client_secret: 'something' }, 'invalid_client'],
    ['another grant type', { grant_type: 'password' }, 'unsupported_grant_type'],
  ])('refuses %s', async (_what, change: Record<string, string>, error) => {
    const server = await startStrict()
    const request = await getCode(server, verifier)
    expect(await post(server.endpoint.token, { ...request, ...change })).toMatchObject({ error })
  })

  it('refuses a missing verifier and a missing resource', async () => {
    const server = await startStrict()
    const { code_verifier: _verifier, ...noVerifier } = await getCode(server, verifier)
    expect(await post(server.endpoint.token, noVerifier)).toMatchObject({ error: 'invalid_grant' })
    const { resource: _resource, ...noResource } = await getCode(server, verifier)
    expect(await post(server.endpoint.token, noResource)).toMatchObject({ error: 'invalid_target' })
  })

  it('takes a code once; the second time its tokens end (RFC 6749 §4.1.2)', async () => {
    const server = await startStrict()
    const request = await getCode(server, verifier)
    const response = await fetch(server.endpoint.token, {
      method: 'POST',
      body: new URLSearchParams(request),
    })
    const { access_token: token } = (await response.json()) as { access_token: string }
    expect(await server.verify(token)).toBeDefined()
    expect(await post(server.endpoint.token, request)).toMatchObject({ error: 'invalid_grant' })
    expect(await server.verify(token)).toBeUndefined()
  })

  it('refuses Basic credentials that are not form-encoded (RFC 6749 §2.3.1)', async () => {
    const secret = randomSecret()
    const server = await startStrict({
      clients: [{ id: 'c:1', secret, authMethod: 'client_secret_basic', redirectUris: [] }],
    })
    const basic = (credentials: string): Record<string, string> => ({
      authorization: `Basic ${Buffer.from(credentials).toString('base64')}`,
    })
    const ask = (credentials: string): Promise<{ status: number; error: unknown }> =>
      post(server.endpoint.token, { grant_type: 'refresh_token', refresh_token: 'none' }, basic(credentials))
    const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
    expect(await ask(`${encode('c:1')}:${encode(secret)}`)).toMatchObject({ error: 'invalid_grant' })
    expect(await ask(`c:1:${secret}`)).toMatchObject({ status: 401, error: 'invalid_client' })
    expect(await ask(`${encode('c:1')}:${secret.replaceAll(':', '')}`)).toMatchObject({
      error: 'invalid_client',
    })
  })

  it.each([
    ['scope', { scope: 'admin' }, 'invalid_scope'],
    ['missing PKCE', { code_challenge: '' }, 'invalid_request'],
    ['plain PKCE', { code_challenge_method: 'plain' }, 'invalid_request'],
    ['response type', { response_type: 'token' }, 'unsupported_response_type'],
  ])('answers the redirect with an error for a wrong %s', async (_what, change, error) => {
    const server = await startStrict()
    const client = await registerRawClient(server.issuer)
    const url = oauth.buildAuthorizationUrl(client, {
      redirect_uri: unservedCallback,
      resource,
      scope: 'read:issues',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    for (const [name, value] of Object.entries(change)) url.searchParams.set(name, value)
    const visit = await createPretendBrowser().approve(url, { stopAtCallback: true })
    expect(visit.url.searchParams.get('error')).toBe(error)
  })

  it('never redirects to an address that is not registered, exactly', async () => {
    const server = await startStrict()
    const client = await registerRawClient(server.issuer)
    const url = oauth.buildAuthorizationUrl(client, { redirect_uri: `${unservedCallback}/`, resource })
    const visit = await createPretendBrowser().approve(url)
    expect(visit).toMatchObject({ status: 400, hops: [url] })
  })

  it.each([
    [{ application_type: 'web' }, {}, 'invalid_redirect_uri'],
    [{ redirect_uris: ['http://example.com/callback'] }, {}, 'invalid_redirect_uri'],
    [{ redirect_uris: [] }, {}, 'invalid_redirect_uri'],
    [{}, { registration: 'no-ip-redirects' }, 'invalid_redirect_uri'],
    [{}, { registration: 'refused' }, 'invalid_client_metadata'],
  ] as const)('registers no client that sends %j when it is %j', async (change, behaviour, error) => {
    const server = await startStrict({ behaviour })
    const response = await fetch(server.endpoint.registration, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ application_type: 'native', redirect_uris: [unservedCallback], ...change }),
    })
    expect(response.ok).toBe(false)
    expect(await response.json()).toMatchObject({ error })
    expect(server.state.clients.size).toBe(0)
  })
})
