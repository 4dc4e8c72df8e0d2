import { describe, expect, it } from 'vitest'
import { callOnExpiredToken } from '../faults/expired-burst.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { callRaw, failureCode } from '../support/raw-call.ts'
import { paramsOf } from '../support/seen.ts'
import { closing, setScene, type Scene } from './scene.ts'

const tokenPath = '/token'

const refreshes = ({ authorization }: Scene) =>
  authorization.loopback.requests.filter(
    (request) => request.path === tokenPath && paramsOf(request).get('grant_type') === 'refresh_token',
  )

describe('refresh (RFC 6749 §6)', () => {
  it('is one request for a thousand calls on an expired token, and none of them fails', async () => {
    expect(await callOnExpiredToken(1000)).toEqual({ calls: 1000, failed: 0, refreshes: 1 })
  }, 90_000)

  it('goes with resource and scopes to the endpoint of the grant', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const endpoint = await bridge.endpoint(await bridge.connect(server.url))
    authorization.expireAccessTokens()
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
    const [request] = refreshes(scene)
    const sent = request && paramsOf(request)
    expect(sent?.get('resource')).toBe(server.url.href)
    expect(sent?.get('scope')?.split(' ')).toContain('read:issues')
  })

  it('happens ahead of the end, without a call', async () => {
    const scene = await setScene({ authorization: { behaviour: { accessTokenSeconds: 1 } } })
    const { bridge, server } = scene
    await bridge.connect(server.url)
    await expect.poll(() => refreshes(scene).length, { timeout: 10_000 }).toBeGreaterThan(1)
  })

  it('survives a restart of the bridge', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    await bridge.stop()
    const again = closing(await startBridge({ home: bridge.home }))
    authorization.expireAccessTokens()
    expect((await callRaw(await again.endpoint(id), 'whoami')).status).toBe(200)
    expect(refreshes(scene)).toHaveLength(1)
  })

  it('keeps the refresh token of a server that does not rotate', async () => {
    const scene = await setScene({ authorization: { behaviour: { refreshTokens: 'lasting' } } })
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    authorization.expireAccessTokens()
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
    expect(bridge.bridge.connections.get(id).view.renews).toBe(true)
  })

  it('has the rotated token on disk before the new access token is used', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    const gate = server.loopback.faults.hold('/mcp', 'before', ({ headers }) => {
      const [, token] = String(headers.authorization).split(' ')
      return (authorization.state.accessTokens.get(token ?? '')?.expiresAt ?? 0) > Date.now()
    })
    const answer = callRaw(await bridge.endpoint(id), 'whoami')
    await gate.arrived
    const other = closing(await startBridge({ home: bridge.home }))
    const refreshed = other.bridge.connections.get(id).view
    expect(refreshed.status).toBe('connected')
    gate.open()
    expect((await answer).status).toBe(200)
  })
})

describe('a refresh that fails', () => {
  it('ends in "sign in again" after invalid_grant, with one request and no loop', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    authorization.expireAccessTokens()
    authorization.loopback.faults.add(
      tokenPath,
      {
        kind: 'answer',
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ error: 'invalid_grant' }),
      },
      { times: Infinity },
    )
    const first = await callRaw(endpoint, 'whoami')
    expect([first.status, failureCode(first)]).toEqual([200, 'oauth.refresh_rejected'])
    const later = await Promise.all(Array.from({ length: 20 }, () => callRaw(endpoint, 'whoami')))
    expect(new Set(later.map(failureCode))).toEqual(new Set(['oauth.refresh_rejected']))
    expect(refreshes(scene)).toHaveLength(1)
    expect(bridge.bridge.connections.get(id).view.status).toBe('sign-in-again')
    expect(await bridge.seen('sign-in-needed')).toMatchObject({ id })
  })

  it('is said again after a restart and not tried again', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    authorization.state.refreshTokens.clear()
    await callRaw(await bridge.endpoint(id), 'whoami')
    const tried = refreshes(scene).length
    await bridge.stop()
    const again = closing(await startBridge({ home: bridge.home }))
    expect(again.bridge.connections.get(id).view).toMatchObject({
      status: 'sign-in-again',
      failure: { code: 'oauth.refresh_rejected' },
    })
    expect(failureCode(await callRaw(await again.endpoint(id), 'whoami'))).toBe('oauth.refresh_rejected')
    expect(refreshes(scene)).toHaveLength(tried)
  })

  it('forgets the registration when the server has forgotten it, and the next sign-in registers anew', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    for (const clientId of authorization.state.clients.keys()) authorization.forgetClient(clientId)
    authorization.expireAccessTokens()
    const answer = await callRaw(await bridge.endpoint(id), 'whoami')
    expect([answer.status, failureCode(answer)]).toEqual([200, 'oauth.client_unknown'])
    expect((await bridge.signIn(id)).at(-1)?.event).toBe('connected')
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })

  it.each([
    ['an error of the server', { kind: 'answer', status: 503 } as const],
    ['too many requests', { kind: 'answer', status: 429 } as const],
    ['a reset connection', { kind: 'reset' } as const],
  ])('is tried again after %s, and no grant is lost', async (_, fault) => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    authorization.expireAccessTokens()
    authorization.loopback.faults.add(tokenPath, fault, { times: 1 })
    const failed = await callRaw(endpoint, 'whoami')
    expect([failed.status, failureCode(failed)]).toEqual([503, 'oauth.refresh_failed'])
    await expect.poll(async () => (await callRaw(endpoint, 'whoami')).status, { timeout: 10_000 }).toBe(200)
    expect(bridge.bridge.connections.get(id).view.status).toBe('connected')
  })

  it('leaves the old token in use while it lives', async () => {
    const scene = await setScene({ authorization: { behaviour: { accessTokenSeconds: 9 } } })
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    authorization.loopback.faults.add(tokenPath, { kind: 'answer', status: 503 }, { times: Infinity })
    await expect
      .poll(() => bridge.bridge.connections.get(id).view.failure?.code, { timeout: 12_000 })
      .toBe('server.failed')
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })

  it('without a refresh token ends in "sign in again" when the server refuses the token', async () => {
    const scene = await setScene({ authorization: { behaviour: { refreshTokens: 'none' } } })
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    const answer = await callRaw(await bridge.endpoint(id), 'whoami')
    expect([answer.status, failureCode(answer)]).toEqual([200, 'oauth.expired'])
  })

  it('is not repeated for a server that refuses every fresh token', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    server.loopback.faults.add('/mcp', { kind: 'answer', status: 401 }, { times: Infinity })
    for (let n = 0; n < 5; n += 1) {
      const answer = await callRaw(endpoint, 'whoami')
      expect([answer.status, failureCode(answer)]).toEqual([502, 'server.refused_token'])
    }
    expect(refreshes(scene)).toHaveLength(1)
  })
})
