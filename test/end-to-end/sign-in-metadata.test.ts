import { describe, expect, it } from 'vitest'
import type { ErrorCode } from '../../shared/errors.ts'
import { htmlPage, redirectTo, type Fault } from '../support/faults.ts'
import { callRaw } from '../support/raw-call.ts'
import { replacing, without } from '../support/strict-authorization-server.ts'
import { setScene } from './scene.ts'
import { outcomeOf, protectedBy, reshaping, setSignInScene, staying, viewOf } from './sign-in-setup.ts'

const resourceMetadata = '/.well-known/oauth-protected-resource/mcp'
const serverMetadata = '/.well-known/oauth-authorization-server'

describe('metadata that cannot be used', () => {
  const json = (body: string): Fault => ({
    kind: 'answer',
    status: 200,
    headers: { 'content-type': 'application/json' },
    body,
  })

  const faults: [string, Fault, ErrorCode][] = [
    ['HTML', htmlPage(), 'discovery.metadata_invalid'],
    ['an array', json('[]'), 'discovery.metadata_invalid'],
    ['an object without what is needed', json('{"issuer":7,"resource":7}'), 'discovery.metadata_invalid'],
    ['half of an object', json('{"issuer":"http'), 'discovery.metadata_invalid'],
    ['endless', { kind: 'flood' }, 'network.too_large'],
    ['redirecting elsewhere', redirectTo('http://127.0.0.1:9/metadata'), 'network.redirect_refused'],
    ['redirecting to a file', redirectTo('file:///etc/passwd'), 'network.redirect_refused'],
    ['redirecting for ever', redirectTo('?again'), 'network.redirect_refused'],
    ['cut', { kind: 'cut' }, 'network.unreachable'],
  ]

  it.each(faults)(
    'of the resource, %s, ends the sign-in before anything is registered',
    async (_, fault, code) => {
      const { bridge, server, authorization } = await setScene()
      const id = await bridge.add(server.url)
      server.loopback.faults.add(resourceMetadata, fault, { times: Infinity })
      expect(await outcomeOf(bridge.signIn(id))).toBe(code)
      expect(authorization.state.counters).toMatchObject({ registrations: 0, authorizations: 0 })
      server.loopback.faults.clear()
      expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    },
  )

  it.each(faults)('of the authorization server, %s, ends the sign-in', async (_, fault, code) => {
    const { bridge, server, authorization } = await setScene({
      authorization: { places: ['oauth-inserted'] },
    })
    const id = await bridge.add(server.url)
    authorization.loopback.faults.add(serverMetadata, fault, { times: Infinity })
    expect(await outcomeOf(bridge.signIn(id))).toBe(code)
    authorization.loopback.faults.clear()
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
  })

  it('is not waited for without end, neither silent nor slow', async () => {
    const silent = await setScene()
    const slow = await setScene()
    silent.server.loopback.faults.add(resourceMetadata, { kind: 'hang' }, { times: Infinity })
    slow.server.loopback.faults.add(resourceMetadata, { kind: 'trickle' }, { times: Infinity })
    const looks = [silent, slow].map(({ bridge, server }) =>
      bridge.control.connections.look({ url: server.url.href }, staying()),
    )
    const found = await Promise.all(looks)
    expect(found.map(({ failure }) => failure?.code)).toEqual(['network.timeout', 'network.timeout'])
  }, 60_000)

  it.each<[string, (document: { resource: string }) => object, ErrorCode]>([
    [
      'is for another server',
      () => ({ resource: 'https://elsewhere.example/mcp' }),
      'discovery.resource_mismatch',
    ],
    [
      'is for another path',
      ({ resource }) => ({ resource: `${resource}/other` }),
      'discovery.resource_mismatch',
    ],
    ['names what is no URL', () => ({ authorization_servers: ['not a url'] }), 'discovery.metadata_invalid'],
    ['names a file', () => ({ authorization_servers: ['file:///etc/passwd'] }), 'discovery.endpoint_refused'],
    ['names plain http', () => ({ authorization_servers: ['http://as.example'] }), 'network.plain_http'],
    ['names nobody', () => ({ authorization_servers: [] }), 'discovery.no_authorization_server'],
  ])('of the resource that %s asks no authorization server', async (_, change, code) => {
    const { bridge, server, authorization } = await setSignInScene({
      protection: {
        reshapeMetadata: (document) => ({ ...document, ...change(document as { resource: string }) }),
      },
    })
    const id = await bridge.add(server.url)
    expect(await outcomeOf(bridge.signIn(id))).toBe(code)
    expect(authorization.loopback.requests).toEqual([])
  })

  it.each([
    'javascript:alert(1)',
    'file:///etc/passwd',
    'data:text/html,hello',
    'vscode://file/etc/passwd',
    'http://as.example/authorize',
    'https://user:pass@as.example/authorize',
    'https://as.example/authorize#fragment',
    '/authorize',
  ])('has an endpoint that must not be used: %s', async (address) => {
    for (const name of ['authorization_endpoint', 'token_endpoint', 'registration_endpoint']) {
      const metadata = replacing({ [name]: address })
      const { bridge, server, authorization } = await setSignInScene({
        authorization: { behaviour: reshaping({ metadata }) },
      })
      const events = await bridge.signIn(await bridge.add(server.url))
      expect(events).toMatchObject([{ event: 'failed', code: 'discovery.endpoint_refused' }])
      expect(authorization.state.counters).toMatchObject({ registrations: 0, authorizations: 0 })
    }
  })

  it.each([
    ['another issuer', (issuer: string) => `${issuer}/other`],
    ['the issuer with a slash at its end', (issuer: string) => `${issuer}/`],
  ])('that says %s is of another authorization server', async (_, spell) => {
    const metadata = (document: Record<string, unknown>) => ({
      ...document,
      issuer: spell(String(document.issuer)),
    })
    const { bridge, server } = await setSignInScene({ authorization: { behaviour: reshaping({ metadata }) } })
    const id = await bridge.add(server.url)
    expect(await outcomeOf(bridge.signIn(id))).toBe('discovery.issuer_mismatch')
    expect((await viewOf(bridge, id)).status).toBe('failed')
  })

  it('without endpoints is not guessed', async () => {
    const metadata = without('token_endpoint')
    const { bridge, server } = await setSignInScene({ authorization: { behaviour: reshaping({ metadata }) } })
    expect(await outcomeOf(bridge.signIn(await bridge.add(server.url)))).toBe('discovery.metadata_invalid')
  })

  it('is read from the well-known place where the challenge names a file', async () => {
    const { bridge, server } = await setSignInScene({
      protection: {
        reshapeChallenge: () => 'Bearer resource_metadata="file:///etc/passwd", scope="read:issues"',
      },
    })
    expect(await outcomeOf(bridge.signIn(await bridge.add(server.url)))).toBe('connected')
  })

  it('of one server harms no other connection', async () => {
    const { bridge, server, authorization } = await setScene()
    const good = await bridge.connect(server.url, { id: 'good' })
    const bad = await protectedBy(authorization, { reshapeMetadata: () => 'nothing of use' })
    expect(await outcomeOf(bridge.signIn(await bridge.add(bad.url, { id: 'bad' })))).toBe(
      'discovery.metadata_invalid',
    )
    expect((await callRaw(await bridge.endpoint(good), 'whoami')).status).toBe(200)
    expect((await viewOf(bridge, good)).status).toBe('connected')
  })
})
