import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw } from '../support/raw-call.ts'
import type { ResourceProtection } from '../support/resource-protection.ts'
import { paramsOf } from '../support/seen.ts'
import { replacing, withCommas } from '../support/strict-authorization-server.ts'
import { closing, type Scene } from './scene.ts'
import {
  authorizationRequests,
  outcomeOf,
  reshaping,
  setSignInScene,
  tokenRequests,
  viewOf,
} from './sign-in-setup.ts'

const askedScope = ({ authorization }: Scene): string | null | undefined =>
  authorizationRequests(authorization).at(-1)?.get('scope')

describe('the scopes of a sign-in (MCP 2026-07-28, Scope Selection Strategy)', () => {
  const noOffline = { scopes: ['read:issues', 'write:issues'] }

  it.each<[string, Partial<ResourceProtection>, string | null]>([
    [
      "those of the challenge before the resource's list",
      { challengeScopes: ['read:issues'], scopesSupported: ['read:issues', 'write:issues'] },
      'read:issues',
    ],
    [
      'all of the resource where the challenge names none',
      { challengeScopes: [], scopesSupported: ['read:issues', 'write:issues'] },
      'read:issues write:issues',
    ],
    ['none where nobody names any', { challengeScopes: [] }, null],
  ])('are %s', async (_, protection, asked) => {
    const scene = await setSignInScene({
      protection,
      authorization: { behaviour: noOffline },
    })
    const id = await scene.bridge.add(scene.server.url)
    await scene.bridge.signIn(id)
    expect(askedScope(scene)).toBe(asked)
  })

  it('hold offline_access only where the authorization server lists it, and consent is asked for it', async () => {
    const scene = await setSignInScene()
    await scene.bridge.connect(scene.server.url)
    expect(askedScope(scene)).toBe('read:issues offline_access')
    expect(authorizationRequests(scene.authorization)[0]?.get('prompt')).toBe('consent')
    const without = await setSignInScene({ authorization: { behaviour: noOffline } })
    await without.bridge.connect(without.server.url)
    expect(askedScope(without)).toBe('read:issues')
    expect(authorizationRequests(without.authorization)[0]?.has('prompt')).toBe(false)
  })

  it('are exactly those the user chose, at the addition or at the sign-in, and stay chosen', async () => {
    const scene = await setSignInScene()
    const { bridge } = scene
    const id = await bridge.connect(scene.server.url, { scopes: ['write:issues'] })
    expect(askedScope(scene)).toBe('write:issues')
    expect(await outcomeOf(bridge.signIn(id, ['read:issues', 'write:issues']))).toBe('connected')
    expect(askedScope(scene)).toBe('read:issues write:issues')
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(askedScope(scene)).toBe('read:issues write:issues')
    expect((await viewOf(bridge, id)).scopes.asked).toEqual(['read:issues', 'write:issues'])
  })

  it('are shown as granted when the server narrows them, and as asked when it does not say', async () => {
    const narrowing = await setSignInScene({
      authorization: { behaviour: { decide: (scopes) => scopes.filter((scope) => scope === 'read:issues') } },
      protection: { challengeScopes: ['read:issues', 'write:issues'] },
    })
    const id = await narrowing.bridge.connect(narrowing.server.url)
    expect((await viewOf(narrowing.bridge, id)).scopes).toEqual({
      asked: ['read:issues', 'write:issues', 'offline_access'],
      granted: ['read:issues'],
    })
    const silent = await setSignInScene({
      authorization: { behaviour: reshaping({ tokens: replacing({ scope: undefined }) }) },
    })
    const other = await silent.bridge.connect(silent.server.url)
    expect((await viewOf(silent.bridge, other)).scopes.granted).toEqual(['read:issues', 'offline_access'])
  })

  it('are read where commas separate them in the answer, and asked with spaces at the refresh', async () => {
    const scene = await setSignInScene({ authorization: { behaviour: reshaping({ tokens: withCommas }) } })
    const { bridge, authorization } = scene
    const id = await bridge.connect(scene.server.url)
    expect((await viewOf(bridge, id)).scopes.granted).toEqual(['read:issues', 'offline_access'])
    authorization.expireAccessTokens()
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    expect(tokenRequests(authorization)[1]?.get('scope')).toBe('read:issues offline_access')
  })

  it('that the server does not know end in words about scopes', async () => {
    const { bridge, server } = await setSignInScene()
    const id = await bridge.add(server.url, { scopes: ['admin:everything'] })
    expect(await outcomeOf(bridge.signIn(id))).toBe('oauth.scope_refused')
  })
})

describe('the resource of a sign-in (RFC 8707 §2)', () => {
  it.each([
    ['with a slash at the end', '/mcp', '/'],
    ['without one', '/mcp', ''],
    ['with what is encoded left so', '/a%20b%2Fc/mcp', '/a%20b%2Fc/mcp'],
  ])('is sent in all requests as the metadata spells it: %s', async (_, path, spelling) => {
    const { bridge, server, authorization } = await setSignInScene({
      server: { path },
      protection: {
        // The test server compares parsed URLs; what is judged here is what was sent.
        async verify(token) {
          const verified = await authorization.verify(token)
          return verified && { ...verified, audience: [server.url.href] }
        },
        reshapeMetadata: (document) => ({ ...document, resource: `${server.loopback.origin}${spelling}` }),
      },
    })
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    const resource = `${server.loopback.origin}${spelling}`
    const sent = [...authorizationRequests(authorization), ...tokenRequests(authorization)]
    expect(sent.map((parameters) => parameters.getAll('resource'))).toEqual([
      [resource],
      [resource],
      [resource],
    ])
  })
})

describe('a sign-in at a real authorization server', () => {
  it.each(['opaque', 'jwt'] as const)(
    'names the account, holds what the server granted and lets a client that knows no auth call (%s tokens)',
    async (accessTokenFormat) => {
      const authorization = closing(await startAuthorizationServer({ accessTokenFormat, account: 'ada' }))
      const { issuer, verify } = authorization
      const auth = { authorizationServers: [issuer], verify, challengeScopes: ['openid', 'read:issues'] }
      const server = closing(await startMcpServer({ auth }))
      const bridge = closing(await startBridge())
      const id = await bridge.connect(server.url)
      expect(await viewOf(bridge, id)).toMatchObject({
        status: 'connected',
        account: 'ada',
        issuer,
        registration: 'dynamic',
        renews: true,
      })
      const client = closing(new Client({ name: 'knows-no-auth', version: '1' }))
      await client.connect(new StreamableHTTPClientTransport(new URL(await bridge.endpoint(id))))
      expect(JSON.stringify(await client.callTool({ name: 'whoami' }))).toContain('ada')
      const [page] = authorization.loopback.requestsOf('/authorize').map(paramsOf)
      expect(page?.get('resource')).toBe(server.url.href)
      expect(authorization.errors).toEqual([])
    },
  )

  it('says that it was denied when the person presses Deny, and works afterwards', async () => {
    const authorization = closing(await startAuthorizationServer())
    const { issuer, verify } = authorization
    const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
    const server = closing(await startMcpServer({ auth }))
    const bridge = closing(await startBridge())
    const allowing = authorization.decide
    authorization.decide = () => 'deny'
    const id = await bridge.add(server.url)
    expect(await outcomeOf(bridge.signIn(id))).toBe('oauth.denied')
    authorization.decide = allowing
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
  })
})

describe('a server that asks for no sign-in', () => {
  it('is connected at once, opens no page and serves', async () => {
    const server = closing(await startMcpServer())
    const bridge = closing(await startBridge())
    const id = await bridge.add(server.url)
    expect((await bridge.signIn(id)).map(({ event }) => event)).toEqual(['connected'])
    expect(await viewOf(bridge, id)).toMatchObject({ auth: 'none', status: 'connected' })
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })
})
