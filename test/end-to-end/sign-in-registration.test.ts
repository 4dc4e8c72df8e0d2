import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { approve } from '../support/browser.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw } from '../support/raw-call.ts'
import {
  randomSecret,
  replacing,
  type StrictAuthorizationServer,
} from '../support/strict-authorization-server.ts'
import { closing, type Scene } from './scene.ts'
import {
  authorizationRequests,
  beginSignIn,
  outcomeOf,
  protectedBy,
  reshaping,
  setSignInScene,
  tokenRequests,
  traceOf,
  viewOf,
} from './sign-in-setup.ts'

const callbackOf = ({ bridge }: Scene): string => `${bridge.origin}/oauth/callback`
const registrations = ({ loopback }: StrictAuthorizationServer) => loopback.requestsOf('/register', 'POST')

/** A client that somebody registered by hand with the address the bridge shows. */
function registerByHand(
  scene: Scene,
  authMethod: 'none' | 'client_secret_basic' | 'client_secret_post',
): { clientId: string; clientSecret?: string } {
  const secret = authMethod === 'none' ? undefined : randomSecret()
  const client = { id: 'by-hand', authMethod, redirectUris: [callbackOf(scene)] }
  scene.authorization.state.clients.set(client.id, { ...client, ...(secret === undefined ? {} : { secret }) })
  return { clientId: client.id, ...(secret === undefined ? {} : { clientSecret: secret }) }
}

describe('client registration in the order of the specification (MCP 2026-07-28, Client Registration)', () => {
  it('takes a client id of the user before all other ways', async () => {
    const documents = replacing({ client_id_metadata_document_supported: true })
    const scene = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata: documents }) },
      bridge: { settings: { 'registration.metadataUrl': 'https://client.example/bridgekeeper.json' } },
    })
    const id = await scene.bridge.connect(scene.server.url, registerByHand(scene, 'none'))
    expect(await viewOf(scene.bridge, id)).toMatchObject({
      registration: 'pre-registered',
      status: 'connected',
    })
    expect(registrations(scene.authorization)).toEqual([])
    expect(authorizationRequests(scene.authorization)[0]?.get('client_id')).toBe('by-hand')
  })

  it('takes a metadata document before it registers dynamically, where the server takes such', async () => {
    const metadataUrl = 'https://client.example/bridgekeeper.json'
    const documents = replacing({ client_id_metadata_document_supported: true })
    const scene = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata: documents }) },
    })
    const client = { id: metadataUrl, authMethod: 'none' as const, redirectUris: [callbackOf(scene)] }
    scene.authorization.state.clients.set(metadataUrl, client)
    const id = await scene.bridge.connect(scene.server.url, { metadataUrl })
    expect((await viewOf(scene.bridge, id)).registration).toBe('metadata-document')
    expect(registrations(scene.authorization)).toEqual([])
    expect(tokenRequests(scene.authorization)[0]?.get('client_id')).toBe(metadataUrl)
  })

  it('registers dynamically where the server takes no metadata document', async () => {
    const scene = await setSignInScene()
    const id = await scene.bridge.connect(scene.server.url, {
      metadataUrl: 'https://client.example/bridgekeeper.json',
    })
    expect((await viewOf(scene.bridge, id)).registration).toBe('dynamic')
    const [request] = registrations(scene.authorization)
    expect(JSON.parse(request?.body ?? '')).toMatchObject({
      application_type: 'native',
      grant_types: ['authorization_code', 'refresh_token'],
      redirect_uris: [callbackOf(scene)],
      token_endpoint_auth_method: 'none',
    })
  })

  it('asks the user, showing the exact redirect URI, where there is no way', async () => {
    const scene = await setSignInScene({ authorization: { behaviour: { registration: 'absent' } } })
    const id = await scene.bridge.add(scene.server.url)
    const [failed] = await scene.bridge.signIn(id)
    expect(failed).toMatchObject({ event: 'failed', code: 'registration.needed' })
    expect(failed?.event === 'failed' && failed.detail).toContain(`redirect URI ${callbackOf(scene)},`)
    expect((await traceOf(scene.bridge, id)).failure?.code).toBe('registration.needed')
  })

  it('works without registration endpoint at a real server once the user brings a client id', async () => {
    const bridge = closing(await startBridge())
    const redirectUris = [`${bridge.origin}/oauth/callback`]
    const client = { client_id: 'by-hand', client_secret: randomSecret(), redirect_uris: redirectUris }
    const authorization = closing(await startAuthorizationServer({ registration: false, clients: [client] }))
    const { issuer, verify } = authorization
    const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
    const server = closing(await startMcpServer({ auth }))
    const id = await bridge.connect(server.url, {
      clientId: client.client_id,
      clientSecret: client.client_secret,
    })
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    expect(authorization.errors).toEqual([])
  })
})

describe('a client with a secret (RFC 6749 §2.3.1)', () => {
  it('sends it by Basic, form-encoded, whatever characters are in it', async () => {
    const scene = await setSignInScene({
      authorization: { behaviour: { clientAuth: 'client_secret_basic' } },
    })
    const client = registerByHand(scene, 'client_secret_basic')
    await scene.bridge.connect(scene.server.url, client)
    const [request] = scene.authorization.loopback.requestsOf('/token')
    expect(request?.headers.authorization).toMatch(/^Basic /)
    expect(new URLSearchParams(request?.body).has('client_secret')).toBe(false)
  })

  it('sends it in the body to a server that lists only that', async () => {
    const listed = replacing({ token_endpoint_auth_methods_supported: ['client_secret_post'] })
    const scene = await setSignInScene({
      authorization: { behaviour: reshaping({ metadata: listed }) },
    })
    const client = registerByHand(scene, 'client_secret_post')
    await scene.bridge.connect(scene.server.url, client)
    const [request] = scene.authorization.loopback.requestsOf('/token')
    expect(request?.headers.authorization).toBeUndefined()
    expect(new URLSearchParams(request?.body).get('client_secret')).toBe(client.clientSecret)
  })

  it.each(['client_secret_basic', 'client_secret_post'] as const)(
    'uses the one that it was registered with dynamically (%s), for refreshes too',
    async (clientAuth) => {
      const scene = await setSignInScene({ authorization: { behaviour: { clientAuth } } })
      const id = await scene.bridge.connect(scene.server.url)
      scene.authorization.expireAccessTokens()
      expect((await callRaw(await scene.bridge.endpoint(id), 'whoami')).status).toBe(200)
      const requests = scene.authorization.loopback.requestsOf('/token')
      expect(requests.map(({ headers }) => headers.authorization !== undefined)).toEqual(
        clientAuth === 'client_secret_basic' ? [true, true] : [false, false],
      )
    },
  )

  it('fails with its own words when the secret is wrong, and works with the right one', async () => {
    const scene = await setSignInScene({
      authorization: { behaviour: { clientAuth: 'client_secret_basic' } },
    })
    const client = registerByHand(scene, 'client_secret_basic')
    const wrong = await scene.bridge.add(scene.server.url, { ...client, clientSecret: 'another secret' })
    expect(await outcomeOf(scene.bridge.signIn(wrong))).toBe('oauth.client_unknown')
    expect((await viewOf(scene.bridge, wrong)).status).toBe('signed-out')
    const right = await scene.bridge.connect(scene.server.url, client)
    expect((await viewOf(scene.bridge, right)).status).toBe('connected')
  })
})

describe('a server that refuses 127.0.0.1 as redirect URI', () => {
  it('gets the localhost spelling in registration, authorization and token request, and the callback arrives', async () => {
    const scene = await setSignInScene({ authorization: { behaviour: { registration: 'no-ip-redirects' } } })
    const id = await scene.bridge.connect(scene.server.url)
    const spelt = callbackOf(scene).replace('127.0.0.1', 'localhost')
    expect(registrations(scene.authorization).map(({ body }) => redirectIn(body))).toEqual([
      callbackOf(scene),
      spelt,
    ])
    expect(authorizationRequests(scene.authorization).map((sent) => sent.get('redirect_uri'))).toEqual([
      spelt,
    ])
    expect(tokenRequests(scene.authorization).map((sent) => sent.get('redirect_uri'))).toEqual([spelt])
    expect((await viewOf(scene.bridge, id)).status).toBe('connected')
  })

  it('is not registered with again by the next sign-in', async () => {
    const scene = await setSignInScene({ authorization: { behaviour: { registration: 'no-ip-redirects' } } })
    const id = await scene.bridge.connect(scene.server.url)
    expect(await outcomeOf(scene.bridge.signIn(id))).toBe('connected')
    expect(scene.authorization.state.counters.registrations).toBe(1)
  })
})

describe('a registration', () => {
  it('is shared by all connections of one issuer', async () => {
    const scene = await setSignInScene()
    const other = await protectedBy(scene.authorization)
    await scene.bridge.connect(scene.server.url)
    await scene.bridge.connect(other.url)
    expect(scene.authorization.state.counters.registrations).toBe(1)
  })

  it('is made anew on another port, since the redirect URI is another', async () => {
    const scene = await setSignInScene()
    const id = await scene.bridge.connect(scene.server.url)
    await scene.bridge.stop()
    const again = closing(await startBridge({ home: scene.bridge.home }))
    expect(again.origin).not.toBe(scene.bridge.origin)
    expect(await outcomeOf(again.signIn(id))).toBe('connected')
    expect(scene.authorization.state.counters.registrations).toBe(2)
  })

  it('that the server has forgotten at the exchange is made anew by the next sign-in', async () => {
    const scene = await setSignInScene()
    const { authorization, bridge, server } = scene
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    const visit = await approve(page, { stopAtCallback: true })
    authorization.forgetClient(page.searchParams.get('client_id') ?? '')
    expect((await fetch(visit.url)).status).toBe(400)
    expect(await outcomeOf(ended)).toBe('oauth.client_unknown')
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(authorization.state.counters.registrations).toBe(2)
  })

  it.each([
    ['refused', { registration: 'refused' } as const],
    ['answered without a client id', reshaping({ registration: () => ({}) })],
  ])('that is %s ends the sign-in with its own words and opens no page', async (_, behaviour) => {
    const scene = await setSignInScene({ authorization: { behaviour } })
    const id = await scene.bridge.add(scene.server.url)
    const events = await scene.bridge.signIn(id)
    expect(events.map(({ event }) => event)).toEqual(['failed'])
    expect(events[0]).toMatchObject({ code: 'registration.refused' })
    expect(authorizationRequests(scene.authorization)).toEqual([])
  })

  it('that is refused does not stand in the way of another issuer', async () => {
    const refusing = await setSignInScene({ authorization: { behaviour: { registration: 'refused' } } })
    const good = await setSignInScene({})
    const { bridge } = refusing
    const failed = await bridge.add(refusing.server.url, { id: 'refusing' })
    expect(await outcomeOf(bridge.signIn(failed))).toBe('registration.refused')
    await bridge.connect(good.server.url, { id: 'good' })
  })
})

function redirectIn(body: string): unknown {
  return (JSON.parse(body) as { redirect_uris: unknown[] }).redirect_uris[0]
}
