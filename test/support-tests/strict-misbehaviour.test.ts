import * as oauth from 'openid-client'
import { describe, expect, it } from 'vitest'
import { createPretendBrowser } from '../support/browser.ts'
import { htmlPage, redirectTo, unavailable } from '../support/faults.ts'
import { signInRaw, unservedCallback } from '../support/raw-sign-in.ts'
import {
  answering,
  replacing,
  secretsOf,
  withCommas,
  without,
} from '../support/strict-authorization-server.ts'
import { getCode, post, refresh, resource, startStrict } from './strict-requests.ts'

describe('the strict authorization server: rotation', () => {
  it('kills the family when a used refresh token comes again, and counts it', async () => {
    const server = await startStrict()
    const signIn = await signInRaw(server.issuer, { resource })
    const renewed = await refresh(signIn, signIn.tokens.refresh_token)
    await expect(refresh(signIn, signIn.tokens.refresh_token)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    expect(await server.verify(renewed.access_token)).toBeUndefined()
    await expect(refresh(signIn, renewed.refresh_token)).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(server.state.counters).toMatchObject({
      refreshes: 1,
      reuseDetections: 1,
      tokenRequests: { authorization_code: 1, refresh_token: 3 },
    })
  })

  it('lets only one of two simultaneous refreshes through', async () => {
    const server = await startStrict()
    const signIn = await signInRaw(server.issuer, { resource })
    const outcomes = await Promise.allSettled([
      refresh(signIn, signIn.tokens.refresh_token),
      refresh(signIn, signIn.tokens.refresh_token),
    ])
    expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected'])
    expect(server.state.counters.reuseDetections).toBe(1)
  })

  it('goes on with the state of an earlier server on the same port', async () => {
    const first = await startStrict()
    const signIn = await signInRaw(first.issuer, { resource })
    await first.close()
    const second = await startStrict({ port: first.loopback.port, state: first.state })
    expect(second.issuer).toBe(first.issuer)
    await expect(refresh(signIn, signIn.tokens.refresh_token)).resolves.toHaveProperty('refresh_token')
    expect(second.state.counters.refreshes).toBe(1)
  })

  it('refuses a refresh with more scopes, or without the resource, and spends nothing', async () => {
    const server = await startStrict()
    const signIn = await signInRaw(server.issuer, { resource, scopes: ['read:issues'] })
    const token = signIn.tokens.refresh_token ?? ''
    await expect(oauth.refreshTokenGrant(signIn.client, token)).rejects.toMatchObject({
      error: 'invalid_target',
    })
    await expect(
      oauth.refreshTokenGrant(signIn.client, token, { resource, scope: 'read:issues write:issues' }),
    ).rejects.toMatchObject({ error: 'invalid_scope' })
    await expect(refresh(signIn, token)).resolves.toHaveProperty('access_token')
  })

  it('can give tokens that last, or none', async () => {
    const lasting = await startStrict({ behaviour: { refreshTokens: 'lasting' } })
    const signIn = await signInRaw(lasting.issuer, { resource })
    expect(await refresh(signIn, signIn.tokens.refresh_token)).not.toHaveProperty('refresh_token')
    expect(await refresh(signIn, signIn.tokens.refresh_token)).toHaveProperty('access_token')
    const none = await startStrict({ behaviour: { refreshTokens: 'none' } })
    expect((await signInRaw(none.issuer, { resource })).tokens).not.toHaveProperty('refresh_token')
  })
})

describe('the strict authorization server: misbehaviour', () => {
  it('reshapes token answers', async () => {
    const server = await startStrict()
    const signIn = await signInRaw(server.issuer, { resource })
    const raw = async (): Promise<Record<string, unknown>> => {
      const response = await fetch(server.endpoint.token, {
        method: 'POST',
        body: new URLSearchParams({
          grant_type: 'refresh_token',
          client_id: signIn.clientId,
          refresh_token: [...server.state.refreshTokens].find(([, { used }]) => !used)?.[0] ?? '',
          resource,
        }),
      })
      return (await response.json()) as Record<string, unknown>
    }
    server.behaviour.reshape.tokens = withCommas
    expect(await raw()).toMatchObject({ scope: 'read:issues,write:issues' })
    server.behaviour.reshape.tokens = without('access_token', 'expires_in')
    expect(Object.keys(await raw())).toEqual(['token_type', 'scope', 'refresh_token'])
    server.behaviour.reshape.tokens = replacing({ token_type: 'mac' })
    expect(await raw()).toMatchObject({ token_type: 'mac' })
  })

  it('reshapes the callback: a wrong or missing iss, a wrong state', async () => {
    const server = await startStrict()
    server.behaviour.reshape.callback = answering({ iss: 'https://other.example' })
    await expect(signInRaw(server.issuer, { resource })).rejects.toMatchObject({
      code: 'OAUTH_INVALID_RESPONSE',
    })
    server.behaviour.reshape.callback = answering({ iss: undefined })
    await expect(signInRaw(server.issuer, { resource })).rejects.toMatchObject({
      code: 'OAUTH_INVALID_RESPONSE',
    })
    server.behaviour.reshape.callback = answering({ state: 'other' })
    await expect(signInRaw(server.issuer, { resource })).rejects.toMatchObject({
      code: 'OAUTH_INVALID_RESPONSE',
    })
    expect(server.state.accessTokens.size).toBe(0)
  })

  it('answers 415 to a form when it wants JSON', async () => {
    const server = await startStrict({ behaviour: { tokenRequests: 'json' } })
    const request = await getCode(server, oauth.randomPKCECodeVerifier())
    expect(await post(server.endpoint.token, request)).toMatchObject({ status: 415 })
    const response = await fetch(server.endpoint.token, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request),
    })
    expect(await response.json()).toHaveProperty('access_token')
  })

  it('lies about a revocation', async () => {
    const server = await startStrict({ behaviour: { revocation: 'lying' } })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    await expect(oauth.tokenRevocation(client, tokens.refresh_token ?? '')).resolves.toBeUndefined()
    expect(await server.verify(tokens.access_token)).toBeDefined()
  })

  it('lies about introspection', async () => {
    const server = await startStrict({ behaviour: { introspection: 'lying' } })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    await oauth.tokenRevocation(client, tokens.access_token)
    expect(await server.verify(tokens.access_token)).toBeDefined()
    server.behaviour.introspection = 'honest'
    expect(await server.verify(tokens.access_token)).toBeUndefined()
  })

  it('hides what is absent, and introspects for its resource server all the same', async () => {
    const server = await startStrict({
      behaviour: { registration: 'absent', revocation: 'absent', introspection: 'unpublished' },
      clients: [{ id: 'known', authMethod: 'none', redirectUris: [unservedCallback] }],
    })
    const document = await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)
    const names = Object.keys((await document.json()) as object).filter((name) => name.endsWith('_endpoint'))
    expect(names.sort()).toEqual(['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint'])
    for (const endpoint of [server.endpoint.registration, server.endpoint.revocation]) {
      expect((await fetch(endpoint, { method: 'POST', body: '{}' })).status).toBe(404)
    }
    expect(await server.verify('unknown')).toBeUndefined()
  })

  it('challenges a refused client when it used Basic, or always', async () => {
    const server = await startStrict()
    const ask = async (): Promise<string | null> => {
      const body = new URLSearchParams({ grant_type: 'refresh_token', client_id: 'nobody' })
      const response = await fetch(server.endpoint.token, { method: 'POST', body })
      expect(response.status).toBe(401)
      return response.headers.get('www-authenticate')
    }
    expect(await ask()).toBeNull()
    server.behaviour.clientChallenge = 'always'
    expect(await ask()).toBe('Basic realm="strict"')
  })

  it('forgets a client: its refresh is invalid_client, its sign-in ends on a page', async () => {
    const server = await startStrict()
    const signIn = await signInRaw(server.issuer, { resource })
    server.forgetClient(signIn.clientId)
    await expect(refresh(signIn, signIn.tokens.refresh_token)).rejects.toMatchObject({
      error: 'invalid_client',
    })
    const url = oauth.buildAuthorizationUrl(signIn.client, { redirect_uri: unservedCallback, resource })
    expect(await createPretendBrowser().approve(url)).toMatchObject({ status: 400, hops: [url] })
  })

  it('denies', async () => {
    const server = await startStrict({ behaviour: { decide: () => 'deny' } })
    await expect(signInRaw(server.issuer, { resource })).rejects.toMatchObject({ error: 'access_denied' })
  })

  it('publishes metadata that is anything', async () => {
    const server = await startStrict()
    const document = `${server.issuer}/.well-known/oauth-authorization-server`
    const read = async (): Promise<unknown> => (await fetch(document)).json()
    server.behaviour.reshape.metadata = without('code_challenge_methods_supported')
    expect(await read()).not.toHaveProperty('code_challenge_methods_supported')
    server.behaviour.reshape.metadata = replacing({ authorization_endpoint: 'file:///bin/sh' })
    expect(await read()).toMatchObject({ authorization_endpoint: 'file:///bin/sh' })
    const { pathname } = new URL(document)
    server.loopback.faults.add(pathname, htmlPage())
    await expect(read()).rejects.toThrow(SyntaxError)
    server.loopback.faults.add(pathname, unavailable(7))
    const gone = await fetch(document)
    expect([gone.status, gone.headers.get('retry-after')]).toEqual([503, '7'])
    server.loopback.faults.add(pathname, redirectTo('http://10.0.0.1/metadata'))
    const redirect = await fetch(document, { redirect: 'manual' })
    expect(redirect.headers.get('location')).toBe('http://10.0.0.1/metadata')
  })

  it('publishes nothing at all and is then a server of the 2025-03-26 fallback', async () => {
    const server = await startStrict({ places: [], behaviour: { requiresResource: false } })
    expect((await fetch(`${server.issuer}/.well-known/oauth-authorization-server`)).status).toBe(404)
    expect(server.endpoint.token.href).toBe(`${server.issuer}/token`)
    const request = await post(server.endpoint.token, { grant_type: 'refresh_token' })
    expect(request).toMatchObject({ error: 'invalid_client' })
  })

  it('lists every secret it ever made, delivered or not', async () => {
    const server = await startStrict({ behaviour: { clientAuth: 'client_secret_post' } })
    const signIn = await signInRaw(server.issuer, { resource })
    server.loopback.faults.add('/token', { kind: 'lost' })
    await expect(refresh(signIn, signIn.tokens.refresh_token)).rejects.toBeInstanceOf(TypeError)
    const secrets = secretsOf(server.state)
    expect(secrets).toContain(signIn.client.clientMetadata().client_secret)
    expect(secrets.filter((secret) => secret.startsWith('rt_'))).toHaveLength(2)
  })
})
