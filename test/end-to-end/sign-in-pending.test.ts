import { describe, expect, it } from 'vitest'
import { createBrokenBrowserPort, createBrowserPort } from '../support/browser.ts'
import { callRaw } from '../support/raw-call.ts'
import {
  authorizationRequests,
  beginSignIn,
  callbackFor,
  createHandClock,
  outcomeOf,
  protectedBy,
  setSignInScene,
  staying,
  tokenRequests,
  traceOf,
  viewOf,
} from './sign-in-setup.ts'

const tenMinutes = 600_000

describe('sign-ins under way', () => {
  it('each have a state and a verifier of their own', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.connect(server.url)
    for (let n = 0; n < 3; n += 1) await bridge.signIn(id)
    const requests = authorizationRequests(authorization)
    for (const name of ['state', 'code_challenge']) {
      const values = requests.map((sent) => sent.get(name) ?? '')
      expect(new Set(values).size).toBe(4)
      expect(values.every((value) => value.length === 43)).toBe(true)
    }
  })

  it('of two connections on one server go on at once and end each at its own', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const other = await protectedBy(authorization)
    const [one, two] = [await bridge.add(server.url), await bridge.add(other.url)]
    const first = await beginSignIn(bridge, one)
    const second = await beginSignIn(bridge, two)
    await fetch(await callbackFor(second.page))
    expect((await second.ended)?.event).toBe('connected')
    expect((await viewOf(bridge, one)).status).toBe('signing-in')
    await fetch(await callbackFor(first.page))
    expect((await first.ended)?.event).toBe('connected')
    for (const [id, { url }] of [
      [one, server],
      [two, other],
    ] as const) {
      expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
      expect(tokenRequests(authorization).filter((sent) => sent.get('resource') === url.href)).toHaveLength(1)
    }
  })

  it('of two accounts on one server keep their grants apart', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const [one, two] = [await bridge.connect(server.url), await bridge.connect(server.url)]
    expect(one).not.toBe(two)
    await bridge.revoke(one)
    expect((await callRaw(await bridge.endpoint(two), 'whoami')).status).toBe(200)
    expect([...authorization.state.refreshTokens.values()].filter(({ family }) => family.ended)).toHaveLength(
      1,
    )
  })

  it('are joined by a second face: one page, one registration, and both hear the end', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const faces = await Promise.all([beginSignIn(bridge, id), beginSignIn(bridge, id)])
    const late = await beginSignIn(bridge, id)
    expect(new Set([...faces, late].map(({ page }) => page.href)).size).toBe(1)
    await fetch(await callbackFor(late.page))
    const ends = await Promise.all([...faces, late].map(({ ended }) => ended))
    expect(ends.map((end) => end?.event)).toEqual(['connected', 'connected', 'connected'])
    expect(authorization.state.counters.registrations).toBe(1)
    expect(tokenRequests(authorization)).toHaveLength(1)
  })

  it('are replaced by one with other scopes, and the old page leads nowhere any more', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const old = await beginSignIn(bridge, id)
    const replacing = await beginSignIn(bridge, id, { scopes: ['read:issues', 'write:issues'] })
    expect(await outcomeOf(old.ended)).toBe('oauth.cancelled')
    expect((await fetch(await callbackFor(old.page))).status).toBe(400)
    expect((await viewOf(bridge, id)).status).toBe('signing-in')
    await fetch(await callbackFor(replacing.page))
    expect((await replacing.ended)?.event).toBe('connected')
    expect((await viewOf(bridge, id)).scopes.granted).toEqual(['read:issues', 'write:issues'])
    expect(tokenRequests(authorization)).toHaveLength(1)
  })

  it('leave earlier access as it is until they succeed', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.connect(server.url)
    authorization.behaviour.decide = () => 'deny'
    const endpoint = await bridge.endpoint(id)
    const { page, ended } = await beginSignIn(bridge, id)
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
    await fetch(await callbackFor(page))
    expect(await outcomeOf(ended)).toBe('oauth.denied')
    expect((await viewOf(bridge, id)).status).toBe('connected')
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
  })

  it('go on when the face that started them goes away', async () => {
    const { bridge, server } = await setSignInScene()
    const id = await bridge.add(server.url)
    const face = new AbortController()
    const { page, ended } = await beginSignIn(bridge, id, { signal: face.signal })
    face.abort()
    expect(await outcomeOf(ended)).toBe('nothing')
    await fetch(await callbackFor(page))
    expect((await viewOf(bridge, id)).status).toBe('connected')
  })
})

describe('a cancelled sign-in', () => {
  it('is over at once: the status says so, and its page leads nowhere any more', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    const view = await bridge.control.connections.cancelSignIn({ id: id as never }, staying())
    expect(view.status).toBe('signed-out')
    expect(await outcomeOf(ended)).toBe('oauth.cancelled')
    expect((await fetch(await callbackFor(page))).status).toBe(400)
    expect(tokenRequests(authorization)).toEqual([])
    expect((await traceOf(bridge, id)).failure?.code).toBe('oauth.cancelled')
  })

  it('does not wait for a server that does not answer', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const gate = authorization.loopback.faults.hold('/register')
    const ending = bridge.signIn(id)
    await gate.arrived
    await bridge.control.connections.cancelSignIn({ id: id as never }, staying())
    expect(await outcomeOf(ending)).toBe('oauth.cancelled')
  })

  it('during the exchange leaves no token alive at the server', async () => {
    const { bridge, server, authorization } = await setSignInScene()
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    const gate = authorization.loopback.faults.hold('/token', 'after')
    const landing = fetch(await callbackFor(page))
    await gate.arrived
    await bridge.control.connections.cancelSignIn({ id: id as never }, staying())
    gate.open()
    expect((await landing).status).toBe(400)
    expect(await outcomeOf(ended)).toBe('oauth.cancelled')
    const [family] = [...authorization.state.accessTokens.values()].map((token) => token.family)
    expect(family?.ended).toBe('revoked')
    expect(await viewOf(bridge, id)).toMatchObject({ status: 'signed-out', renews: false })
  })

  it('can be started again', async () => {
    const { bridge, server } = await setSignInScene()
    const id = await bridge.add(server.url)
    const { ended } = await beginSignIn(bridge, id)
    await bridge.control.connections.cancelSignIn({ id: id as never }, staying())
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(await outcomeOf(ended)).toBe('oauth.cancelled')
  })

  it('that nobody started changes nothing', async () => {
    const { bridge, server } = await setSignInScene()
    const id = await bridge.connect(server.url)
    expect((await bridge.control.connections.cancelSignIn({ id: id as never }, staying())).status).toBe(
      'connected',
    )
  })
})

describe('the time limit of a sign-in', () => {
  it('ends it and forgets the dynamic registration, which the server may have forgotten', async () => {
    const clock = createHandClock()
    const { bridge, server, authorization } = await setSignInScene({ bridge: { clock } })
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    clock.pass(tenMinutes - 1)
    expect((await viewOf(bridge, id)).status).toBe('signing-in')
    clock.pass(1)
    expect(await outcomeOf(ended)).toBe('oauth.timed_out')
    expect((await fetch(await callbackFor(page))).status).toBe(400)
    expect(await viewOf(bridge, id)).toMatchObject({
      status: 'signed-out',
      failure: { code: 'oauth.timed_out' },
    })
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(authorization.state.counters.registrations).toBe(2)
  })

  it('leaves a registration that the user brought as it is', async () => {
    const clock = createHandClock()
    const { bridge, server, authorization } = await setSignInScene({ bridge: { clock } })
    const redirectUris = [`${bridge.origin}/oauth/callback`]
    authorization.state.clients.set('by-hand', { id: 'by-hand', authMethod: 'none', redirectUris })
    const id = await bridge.add(server.url, { clientId: 'by-hand' })
    const { ended } = await beginSignIn(bridge, id)
    clock.pass(tenMinutes)
    expect(await outcomeOf(ended)).toBe('oauth.timed_out')
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect(authorization.state.counters.registrations).toBe(0)
  })

  it('is for the person and not for the exchange: who came back in time is not timed out', async () => {
    const clock = createHandClock()
    const { bridge, server, authorization } = await setSignInScene({ bridge: { clock } })
    const id = await bridge.add(server.url)
    const { page, ended } = await beginSignIn(bridge, id)
    const gate = authorization.loopback.faults.hold('/token')
    const landing = fetch(await callbackFor(page))
    await gate.arrived
    clock.pass(tenMinutes)
    gate.open()
    expect((await landing).status).toBe(200)
    expect((await ended)?.event).toBe('connected')
  })

  it('is the setting', async () => {
    const clock = createHandClock()
    const settings = { 'signIn.waitSeconds': 30 }
    const { bridge, server } = await setSignInScene({ bridge: { clock, settings } })
    const { ended } = await beginSignIn(bridge, await bridge.add(server.url))
    clock.pass(30_000)
    expect(await outcomeOf(ended)).toBe('oauth.timed_out')
  })
})

describe('the browser', () => {
  it('opens on a sign-in that asks for it, once, and never otherwise', async () => {
    const browser = createBrowserPort((url) => fetch(url))
    const { bridge, server, authorization } = await setSignInScene({ bridge: { browser } })
    const id = await bridge.add(server.url)
    await callRaw(await bridge.endpoint(id), 'whoami')
    expect(browser.opened).toEqual([])
    await bridge.signIn(id)
    expect(browser.opened).toHaveLength(1)
    authorization.state.refreshTokens.clear()
    authorization.expireAccessTokens()
    for (let n = 0; n < 3; n += 1) await callRaw(await bridge.endpoint(id), 'whoami')
    expect((await viewOf(bridge, id)).status).toBe('sign-in-again')
    expect(browser.opened).toHaveLength(1)
  })

  it('that cannot be opened leaves the page to be opened by hand', async () => {
    const { bridge, server } = await setSignInScene({ bridge: { browser: createBrokenBrowserPort() } })
    const id = await bridge.add(server.url)
    const { page, opened, ended } = await beginSignIn(bridge, id, { openBrowser: true })
    expect(opened).toBe(false)
    await fetch(await callbackFor(page))
    expect(await outcomeOf(ended)).toBe('connected')
  })
})
