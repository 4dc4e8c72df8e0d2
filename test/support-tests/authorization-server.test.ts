import * as oauth from 'openid-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import {
  startAuthorizationServer,
  type AuthorizationServer,
  type AuthorizationServerOptions,
} from '../support/authorization-server.ts'
import { createPretendBrowser } from '../support/browser.ts'
import { oauthError } from '../support/faults.ts'
import { registerRawClient, signInRaw, unservedCallback } from '../support/raw-sign-in.ts'
import { secretsIn } from '../support/seen.ts'

const resource = 'http://127.0.0.1:1/mcp'

async function start(options: AuthorizationServerOptions = {}): Promise<AuthorizationServer> {
  const server = await startAuthorizationServer(options)
  onTestFinished(() => {
    expect(server.errors).toEqual([])
    return server.close()
  })
  return server
}

describe('the real authorization server: metadata (RFC 8414, OpenID Connect Discovery)', () => {
  it('is the same at both well-known places and promises what MCP needs', async () => {
    const { issuer } = await start()
    const documents = await Promise.all(
      ['oauth-authorization-server', 'openid-configuration'].map(async (name) =>
        (await fetch(`${issuer}/.well-known/${name}`)).json(),
      ),
    )
    expect(documents[0]).toEqual(documents[1])
    expect(documents[0]).toMatchObject({
      issuer,
      code_challenge_methods_supported: ['S256'],
      authorization_response_iss_parameter_supported: true,
      registration_endpoint: `${issuer}/register`,
      revocation_endpoint: `${issuer}/revoke`,
      introspection_endpoint: `${issuer}/introspect`,
    })
  })

  it('lists offline_access only where refresh tokens depend on it, and no registration where it is off', async () => {
    const scopesOf = async (options: AuthorizationServerOptions): Promise<Record<string, unknown>> => {
      const { issuer } = await start(options)
      const response = await fetch(`${issuer}/.well-known/oauth-authorization-server`)
      return (await response.json()) as Record<string, unknown>
    }
    expect((await scopesOf({ refreshTokens: 'offline_access' })).scopes_supported).toContain('offline_access')
    const closed = await scopesOf({ registration: false })
    expect(closed.scopes_supported).not.toContain('offline_access')
    expect(closed).not.toHaveProperty('registration_endpoint')
  })
})

describe('the real authorization server: a sign-in', () => {
  it('ends with a token that introspection knows, bound to the resource and the account', async () => {
    const server = await start()
    const { clientId, tokens } = await signInRaw(server.issuer, { resource })
    expect(tokens.expires_in).toBe(3600)
    expect(await server.verify(tokens.access_token)).toMatchObject({
      subject: 'ada',
      clientId,
      scopes: ['read:issues', 'write:issues'],
      audience: [resource],
    })
    expect(server.counters).toMatchObject({ registrations: 1, tokenRequests: { authorization_code: 1 } })
  })

  it('names its issuer in the authorization response (RFC 9207)', async () => {
    const server = await start()
    const browser = createPretendBrowser()
    const urls: URL[] = []
    const approve: typeof browser.approve = async (...args) => {
      const visit = await browser.approve(...args)
      urls.push(visit.url)
      return visit
    }
    await signInRaw(server.issuer, { resource, browser: { ...browser, approve } })
    expect(urls[0]?.searchParams.get('iss')).toBe(server.issuer)
  })

  it('issues JWTs that the keys verify and that no other issuer made', async () => {
    const server = await start({ accessTokenFormat: 'jwt' })
    const other = await start({ accessTokenFormat: 'jwt' })
    const { tokens } = await signInRaw(server.issuer, { resource })
    expect(tokens.access_token.split('.')).toHaveLength(3)
    expect(await server.verify(tokens.access_token)).toMatchObject({ subject: 'ada', audience: [resource] })
    expect(await other.verify(tokens.access_token)).toBeUndefined()
    const [head, payload = '', signature] = tokens.access_token.split('.')
    const claims = JSON.parse(Buffer.from(payload, 'base64url').toString()) as Record<string, unknown>
    const forged = Buffer.from(JSON.stringify({ ...claims, scope: 'admin' })).toString('base64url')
    expect(await server.verify(`${head}.${forged}.${signature}`)).toBeUndefined()
  })

  it('refuses a request without PKCE', async () => {
    const server = await start()
    const client = await registerRawClient(server.issuer)
    const url = oauth.buildAuthorizationUrl(client, { redirect_uri: unservedCallback, scope: 'read:issues' })
    const visit = await createPretendBrowser().approve(url, { stopAtCallback: true })
    expect(visit.url.searchParams.get('error')).toBe('invalid_request')
  })

  it('shows pages with Allow and Deny when it is told to', async () => {
    const server = await start({ approval: 'pages' })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    expect(await server.verify(tokens.access_token)).toBeDefined()

    const url = oauth.buildAuthorizationUrl(client, {
      redirect_uri: unservedCallback,
      scope: 'read:issues',
      resource,
      code_challenge: await oauth.calculatePKCECodeChallenge(oauth.randomPKCECodeVerifier()),
      code_challenge_method: 'S256',
    })
    const login = await createPretendBrowser().visit(url)
    expect(login.page).toContain('Sign in as ada')
    const denied = await createPretendBrowser().deny(url, { stopAtCallback: true })
    expect(denied.url.searchParams.get('error')).toBe('access_denied')
  })

  it('can be told to allow less than was asked', async () => {
    const server = await start()
    server.decide = () => ['read:issues']
    const { tokens } = await signInRaw(server.issuer, { resource })
    expect(tokens.scope).toBe('read:issues')
  })

  it('gives a refresh token for offline_access with consent, where it depends on that', async () => {
    const server = await start({ refreshTokens: 'offline_access' })
    expect((await signInRaw(server.issuer, { resource })).tokens.refresh_token).toBeUndefined()
  })
})

describe('the real authorization server: refresh tokens (OAuth 2.1 §4.3.1)', () => {
  it('rotates them, and a used one that comes again ends the grant with all its tokens', async () => {
    const reused: string[] = []
    const server = await start({ on: { reused: (clientId) => reused.push(clientId) } })
    const { client, clientId, tokens } = await signInRaw(server.issuer, { resource })
    const first = tokens.refresh_token ?? ''
    const renewed = await oauth.refreshTokenGrant(client, first, { resource })
    expect(renewed.refresh_token).not.toBe(first)
    expect(await server.verify(renewed.access_token)).toBeDefined()

    await expect(oauth.refreshTokenGrant(client, first, { resource })).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    expect(await server.verify(renewed.access_token)).toBeUndefined()
    await expect(
      oauth.refreshTokenGrant(client, renewed.refresh_token ?? '', { resource }),
    ).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(server.counters).toMatchObject({ refreshes: 1, reuseDetections: 1, grantsEnded: 1 })
    expect(reused).toEqual([clientId])
  })

  it('issues access tokens of the life that is set at the time', async () => {
    const server = await start({ accessTokenSeconds: 60 })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    expect(tokens.expires_in).toBe(60)
    server.accessTokenSeconds = 5
    const renewed = await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    expect(renewed.expires_in).toBe(5)
  })

  it('can expire all access tokens at once and keep the grant', async () => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    server.expireAccessTokens()
    expect(await server.verify(tokens.access_token)).toBeUndefined()
    const renewed = await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    expect(await server.verify(renewed.access_token)).toBeDefined()
  })
})

describe('the real authorization server: the end of access', () => {
  it('ends the grant when the refresh token is revoked (RFC 7009)', async () => {
    let told = 0
    const server = await start({ on: { revoked: () => (told += 1) } })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    await oauth.tokenRevocation(client, tokens.refresh_token ?? '', { token_type_hint: 'refresh_token' })
    expect(await server.verify(tokens.access_token)).toBeUndefined()
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toMatchObject({ error: 'invalid_grant' })
    expect(server.counters).toMatchObject({ revocations: 1, grantsEnded: 1 })
    expect(told).toBe(1)
  })

  it('forgets a client: its refresh is invalid_client', async () => {
    const server = await start()
    const { client, clientId, tokens } = await signInRaw(server.issuer, { resource })
    expect(server.forgetClient(clientId)).toBe(true)
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toMatchObject({ error: 'invalid_client' })
  })

  it('keeps what it knows while it is down, on the same port', async () => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    await server.loopback.down()
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toBeInstanceOf(Error)
    await server.loopback.up()
    const renewed = await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    expect(await server.verify(renewed.access_token)).toBeDefined()
  })
})

describe('the faults of a server', () => {
  it('answers once what a fault says, without processing', async () => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    server.loopback.faults.add('/token', oauthError(400, 'temporarily_unavailable'))
    const refresh = (): Promise<oauth.TokenEndpointResponse> =>
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    await expect(refresh()).rejects.toMatchObject({ error: 'temporarily_unavailable', status: 400 })
    await expect(refresh()).resolves.toHaveProperty('access_token')
    expect(server.counters.refreshes).toBe(1)
  })

  it.each(['lost', 'cut'] as const)('processes and spends the token when the answer is %s', async (kind) => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    server.loopback.faults.add('/token', { kind })
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toBeInstanceOf(Error)
    expect(server.counters.refreshes).toBe(1)
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toMatchObject({ error: 'invalid_grant' })
  })

  it.each(['before', 'after'] as const)(
    'holds requests %s they are processed until the gate opens',
    async (stage) => {
      const server = await start()
      const { client, tokens } = await signInRaw(server.issuer, { resource })
      const gate = server.loopback.faults.hold('/token', stage)
      const pending = oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
      await gate.arrived
      expect(gate.waiting()).toBe(1)
      expect(server.counters.refreshes).toBe(stage === 'before' ? 0 : 1)
      gate.open()
      await expect(pending).resolves.toHaveProperty('access_token')
    },
  )

  it('processes after a delay', async () => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    server.loopback.faults.add('/token', { kind: 'delay', ms: 50 })
    const before = performance.now()
    await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    expect(performance.now() - before).toBeGreaterThan(45)
  })

  it('strikes only the requests it is meant for, and can be forgotten', async () => {
    const server = await start()
    const isRefresh = (request: { body: string }): boolean =>
      request.body.includes('grant_type=refresh_token')
    const fault = oauthError(400, 'temporarily_unavailable')
    server.loopback.faults.add('/token', fault, { times: Infinity, when: isRefresh })
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    const refresh = (): Promise<oauth.TokenEndpointResponse> =>
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    await expect(refresh()).rejects.toMatchObject({ error: 'temporarily_unavailable' })
    await expect(refresh()).rejects.toMatchObject({ error: 'temporarily_unavailable' })
    server.loopback.faults.clear()
    await expect(refresh()).resolves.toHaveProperty('access_token')
  })

  it.each(['reset', 'hang'] as const)('does not process what suffers a %s', async (kind) => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    server.loopback.faults.add('/token', { kind })
    client.timeout = 1
    await expect(
      oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource }),
    ).rejects.toBeInstanceOf(Error)
    expect(server.counters.refreshes).toBe(0)
  })

  it.each(['flood', 'trickle'] as const)('sends a %s without an end', async (kind) => {
    const server = await start()
    const path = '/.well-known/openid-configuration'
    server.loopback.faults.add(path, { kind })
    const controller = new AbortController()
    const response = await fetch(`${server.issuer}${path}`, { signal: controller.signal })
    const reader = response.body?.getReader()
    let received = 0
    while (received < (kind === 'flood' ? 2_000_000 : 14))
      received += (await reader?.read())?.value?.length ?? 0
    controller.abort()
    expect(received).toBeGreaterThan(12)
  })
})

describe('what a server has seen', () => {
  it('holds every secret of a sign-in, by label', async () => {
    const server = await start()
    const { client, tokens } = await signInRaw(server.issuer, { resource })
    const renewed = await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    const secrets = secretsIn(server.loopback.requests)
    const values = [...secrets.values()]
    expect(values).toEqual(
      expect.arrayContaining([
        tokens.access_token,
        tokens.refresh_token,
        renewed.access_token,
        renewed.refresh_token,
      ]),
    )
    const labels = new Set([...secrets.keys()].map((label) => label.split(' ')[0]))
    expect(labels).toContain('code')
    expect(labels).toContain('code_verifier')
  })
})
