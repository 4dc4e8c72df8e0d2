import { describe, expect, it } from 'vitest'
import { htmlPage, oauthError, redirectTo, unavailable, type Fault } from '../support/faults.ts'
import { callRaw } from '../support/raw-call.ts'
import { replacing, without } from '../support/strict-authorization-server.ts'
import {
  beginSignIn,
  callbackFor,
  outcomeOf,
  reshaping,
  setSignInScene,
  staying,
  tokenRequests,
  traceOf,
  viewOf,
} from './sign-in-setup.ts'

const answer = (body: string, type = 'application/json', status = 200): Fault => ({
  kind: 'answer',
  status,
  headers: { 'content-type': type },
  body,
})

describe('a token answer that is not quite right (RFC 6749 §5.1)', () => {
  it.each([
    ['has no token_type', without('token_type')],
    ['spells token_type in capitals', replacing({ token_type: 'BEARER' })],
    ['has expires_in as a string', replacing({ expires_in: '3600' })],
    ['has null for what it does not have', replacing({ id_token: null, refresh_token: null, scope: null })],
    ['has scopes as an array', replacing({ scope: ['read:issues'] })],
    ['has an ID token that is none', replacing({ id_token: 'garbage' })],
    ['has an ID token that is a number', replacing({ id_token: 7 })],
    ['has an ID token of another issuer', replacing({ id_token: 'e30.eyJpc3MiOiJ4IiwiYXVkIjoieSJ9.c2ln' })],
    ['has more than anybody needs', replacing({ mac_key: 'adijq39jdlaska9asud', ext: { deep: [1, {}] } })],
  ])('signs in all the same when it %s', async (_, tokens) => {
    const { bridge, server } = await setSignInScene({ authorization: { behaviour: reshaping({ tokens }) } })
    const id = await bridge.connect(server.url)
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })

  it('is read under another content type, and under status 201', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const body = JSON.stringify({ access_token: 'given', token_type: 'Bearer', expires_in: 60 })
    for (const fault of [answer(body, 'text/plain'), answer(body, 'application/json', 201)]) {
      authorization.loopback.faults.add('/token', fault)
      expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    }
  })

  it.each(['null', '0', '-1', '"soon"', '1e999'])(
    'whose expires_in is %s is a token without known end',
    async (text) => {
      const { bridge, server, authorization } = await setSignInScene()
      authorization.loopback.faults.add(
        '/token',
        answer(`{"access_token":"given","token_type":"Bearer","expires_in":${text}}`),
      )
      const view = await viewOf(bridge, await bridge.connect(server.url))
      expect(view.status).toBe('connected')
      expect(view.expiresAt).toBeUndefined()
    },
  )
})

describe('a token endpoint that takes JSON alone', () => {
  it('is asked by a form first and by JSON after its 415, at the refresh too', async () => {
    const { bridge, server, authorization } = await setSignInScene({
      authorization: { behaviour: { tokenRequests: 'json' } },
    })
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    const types = authorization.loopback.requestsOf('/token').map(({ headers }) => headers['content-type'])
    expect(types.map((type) => type?.split(';')[0])).toEqual([
      'application/x-www-form-urlencoded',
      'application/json',
      'application/x-www-form-urlencoded',
      'application/json',
    ])
  })
})

describe('a token answer that holds no token', () => {
  const good = { access_token: 'given', token_type: 'Bearer' }

  it.each([
    ['no access_token', answer(JSON.stringify({ token_type: 'Bearer', refresh_token: 'rt' }))],
    ['an empty access_token', answer(JSON.stringify({ ...good, access_token: '' }))],
    ['an access_token that is a number', answer(JSON.stringify({ ...good, access_token: 12_345 }))],
    ['an access_token that no header can hold', answer(JSON.stringify({ ...good, access_token: 'a\r\nb' }))],
    ['a token_type that we cannot use', answer(JSON.stringify({ ...good, token_type: 'mac' }))],
    ['HTML', htmlPage()],
    ['half of a JSON document', answer('{"access_token":"giv')],
    ['a JSON array', answer('[]')],
    ['nothing', answer('')],
    ['no content', { kind: 'answer', status: 204 } as const],
    ['a redirect', redirectTo('/elsewhere')],
  ])('%s ends the sign-in with oauth.token_missing, and the next one works', async (_, fault) => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    authorization.loopback.faults.add('/token', fault)
    expect(await outcomeOf(bridge.signIn(id))).toBe('oauth.token_missing')
    expect((await viewOf(bridge, id)).status).toBe('failed')
    expect((await traceOf(bridge, id)).failure?.code).toBe('oauth.token_missing')
    expect(authorization.loopback.requestsOf('/elsewhere')).toEqual([])
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
  })
})

describe('a token request that fails', () => {
  it.each([
    ['invalid_grant', oauthError(400, 'invalid_grant', 'the code is old'), 'oauth.token_refused'],
    ['an error under status 200', answer('{"error":"invalid_grant"}'), 'oauth.token_refused'],
    ['an error without JSON', htmlPage(400), 'oauth.token_refused'],
    ['a page of a proxy', htmlPage(403), 'server.failed'],
    ['temporarily_unavailable', oauthError(400, 'temporarily_unavailable'), 'server.failed'],
    ['invalid_client', oauthError(401, 'invalid_client'), 'oauth.client_unknown'],
    ['503', unavailable(), 'server.failed'],
    ['429', oauthError(429, 'slow_down'), 'server.failed'],
    ['a reset', { kind: 'reset' } as const, 'network.unreachable'],
    ['an answer that is lost', { kind: 'lost' } as const, 'network.unreachable'],
    ['an answer that is cut', { kind: 'cut' } as const, 'network.unreachable'],
    ['an answer without end', { kind: 'flood' } as const, 'network.too_large'],
  ])('with %s ends in its own words, and the next sign-in works', async (_, fault, code) => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    authorization.loopback.faults.add('/token', fault)
    expect(await outcomeOf(bridge.signIn(id))).toBe(code)
    // A code works once: whatever became of the first request, it is not sent again.
    expect(tokenRequests(authorization)).toHaveLength(1)
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
  })

  it('says the word and the description of the server, cut to a line', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const description = `first line\nsecond\u0007line ${'and on '.repeat(200)}`
    authorization.loopback.faults.add('/token', oauthError(400, 'invalid_grant', description))
    const [, failed] = await bridge.signIn(id)
    const detail = failed?.event === 'failed' ? (failed.detail ?? '') : ''
    expect(detail).toMatch(/^invalid_grant: first line second line and on/)
    expect(detail.length).toBeLessThan(400)
  })

  it('with no answer at all can be cancelled', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    const gate = authorization.loopback.faults.hold('/token')
    authorization.loopback.faults.add('/token', { kind: 'hang' })
    const landing = fetch(await callbackFor(page)).catch(() => undefined)
    await gate.arrived
    await bridge.control.connections.cancelSignIn({ id: id as never }, staying())
    expect(await outcomeOf(ended)).toBe('oauth.cancelled')
    gate.open()
    await authorization.loopback.down()
    await landing
  })
})
