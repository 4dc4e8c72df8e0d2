import { describe, expect, it } from 'vitest'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { callRaw } from '../support/raw-call.ts'
import type { MetadataPlace } from '../support/strict/metadata.ts'
import type { StrictBehaviour } from '../support/strict/behaviour.ts'
import {
  replacing,
  startStrictAuthorizationServer,
  without,
  type StrictAuthorizationServer,
} from '../support/strict-authorization-server.ts'
import { closing, type Scene } from './scene.ts'
import {
  authorizationRequests,
  outcomeOf,
  protectedBy,
  reshaping,
  setSignInScene,
  tokenRequests,
  viewOf,
} from './sign-in-setup.ts'

/** A server of 2025-03-26: it has no metadata of a resource, and its authorization server is at its own origin. */
async function setOldScene(
  places: MetadataPlace[],
  behaviour: Partial<StrictBehaviour> = {},
): Promise<Scene> {
  const authorization = closing(
    await startStrictAuthorizationServer({ places, behaviour: { requiresResource: false, ...behaviour } }),
  )
  const resource = 'urn:any'
  const verify = async (token: string) => {
    const verified = await authorization.verify(token)
    return verified && { ...verified, audience: [resource] }
  }
  const auth = { authorizationServers: [], verify, resource, metadataPlaces: [] }
  const { loopback } = authorization
  const server = closing(await startMcpServer({ loopback, era: 'session', auth }))
  return { authorization, server, bridge: closing(await startBridge()) }
}

/** A server whose metadata names several issuers and which takes the tokens of each. */
async function serverOf(
  authorizations: StrictAuthorizationServer[],
  issuers: string[],
): Promise<McpServerUnderTest> {
  const [first] = authorizations as [StrictAuthorizationServer]
  return await protectedBy(first, {
    authorizationServers: issuers,
    async verify(token) {
      for (const { state, verify } of authorizations) {
        if (state.accessTokens.has(token)) return await verify(token)
      }
      return undefined
    },
  })
}

const startStrict = async (): Promise<StrictAuthorizationServer> =>
  closing(await startStrictAuthorizationServer())

describe('a server of MCP 2025-03-26 (Authorization, Metadata Discovery)', () => {
  it('without any metadata is signed in to at the default endpoints, without a resource', async () => {
    const { authorization, bridge, server } = await setOldScene([])
    const id = await bridge.connect(server.url)
    expect(await viewOf(bridge, id)).toMatchObject({ issuer: authorization.issuer, status: 'connected' })
    const sent = [...authorizationRequests(authorization), ...tokenRequests(authorization)]
    expect(sent.map((parameters) => parameters.has('resource'))).toEqual([false, false])
    expect((await viewOf(bridge, id)).registration).toBe('dynamic')
  })

  it.each(['oauth-inserted', 'openid-inserted'] as const)(
    'with metadata at its origin alone (%s) is signed in to by it',
    async (place) => {
      const { authorization, bridge, server } = await setOldScene([place])
      const id = await bridge.connect(server.url)
      expect((await viewOf(bridge, id)).issuer).toBe(authorization.issuer)
      expect(authorization.loopback.requestsOf('/authorize')).toHaveLength(1)
    },
  )

  it('needs no word of PKCE, which its metadata could not say; PKCE is used all the same', async () => {
    const silent = reshaping({ metadata: without('code_challenge_methods_supported') })
    const { authorization, bridge, server } = await setOldScene(['oauth-inserted'], silent)
    await bridge.connect(server.url)
    expect(authorizationRequests(authorization)[0]?.get('code_challenge_method')).toBe('S256')
    expect(tokenRequests(authorization)[0]?.get('code_verifier')).toHaveLength(43)
  })
})

describe('an issuer with a path (RFC 8414 §3.1, OpenID Connect Discovery §4)', () => {
  it.each(['oauth-inserted', 'openid-inserted', 'openid-appended'] as const)(
    'is found by metadata at the place %s alone',
    async (place) => {
      const { authorization, bridge, server } = await setSignInScene({
        authorization: { issuerPath: '/tenant', places: [place] },
      })
      const id = await bridge.connect(server.url)
      expect((await viewOf(bridge, id)).issuer).toBe(authorization.issuer)
      expect(tokenRequests(authorization)).toHaveLength(1)
    },
  )
})

describe('several authorization servers of one resource (RFC 9728 §7.6)', () => {
  it('are tried in the order of the metadata', async () => {
    const [one, two] = [await startStrict(), await startStrict()]
    const server = await serverOf([one, two], [two.issuer, one.issuer])
    const bridge = closing(await startBridge())
    const id = await bridge.connect(server.url)
    expect((await viewOf(bridge, id)).issuer).toBe(two.issuer)
    expect(one.loopback.requests).toEqual([])
  })

  it('are passed over where one cannot be used', async () => {
    const [one, two] = [await startStrict(), await startStrict()]
    const server = await serverOf([one, two], [one.issuer, two.issuer])
    await one.loopback.down()
    const bridge = closing(await startBridge())
    expect((await viewOf(bridge, await bridge.connect(server.url))).issuer).toBe(two.issuer)
  })

  it('keep to the one that was signed in with', async () => {
    const [one, two] = [await startStrict(), await startStrict()]
    const issuers = [one.issuer, two.issuer]
    const server = await serverOf([one, two], issuers)
    const bridge = closing(await startBridge())
    const id = await bridge.connect(server.url)
    issuers.reverse()
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect((await viewOf(bridge, id)).issuer).toBe(one.issuer)
  })

  it('get a registration each, and the user is told when the issuer has changed', async () => {
    const [one, two] = [await startStrict(), await startStrict()]
    const issuers = [one.issuer]
    const server = await serverOf([one, two], issuers)
    const bridge = closing(await startBridge())
    const id = await bridge.connect(server.url)
    issuers.splice(0, 1, two.issuer)
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(await bridge.seen('notice')).toMatchObject({ failure: { code: 'discovery.issuer_changed' } })
    expect([...two.state.clients.keys()]).not.toEqual([...one.state.clients.keys()])
    expect(two.state.counters.registrations).toBe(1)
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })

  it('never get the client, or its secret, that the user registered with another', async () => {
    const [one, two] = [await startStrict(), await startStrict()]
    const issuers = [one.issuer]
    const server = await serverOf([one, two], issuers)
    const bridge = closing(await startBridge())
    const redirectUris = [`${bridge.origin}/oauth/callback`]
    one.state.clients.set('by-hand', { id: 'by-hand', authMethod: 'none', redirectUris })
    const id = await bridge.connect(server.url, { clientId: 'by-hand' })
    issuers.splice(0, 1, two.issuer)
    expect(await outcomeOf(bridge.signIn(id))).toBe('discovery.issuer_changed')
    expect(two.loopback.requests.some(({ path }) => path !== metadataPath)).toBe(false)
  })
})

const metadataPath = '/.well-known/oauth-authorization-server'

describe('PKCE (MCP 2026-07-28, Authorization Code Protection)', () => {
  it.each([
    ['does not say', without('code_challenge_methods_supported')],
    ['says plain alone', replacing({ code_challenge_methods_supported: ['plain'] })],
  ])('is refused by us where the metadata %s, before anything is registered', async (_, metadata) => {
    const { authorization, bridge, server } = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata }) },
    })
    const id = await bridge.add(server.url)
    expect(await outcomeOf(bridge.signIn(id))).toBe('oauth.pkce_unsupported')
    expect(authorization.state.counters).toMatchObject({ registrations: 0, authorizations: 0 })
  })

  it('is used unseen where the user allowed that for the connection, and for that one alone', async () => {
    const metadata = without('code_challenge_methods_supported')
    const { authorization, bridge, server } = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata }) },
    })
    await bridge.connect(server.url, { allowMissingPkce: true })
    expect(authorizationRequests(authorization)[0]?.get('code_challenge_method')).toBe('S256')
    const other = await bridge.add(server.url)
    expect(await outcomeOf(bridge.signIn(other))).toBe('oauth.pkce_unsupported')
  })
})
