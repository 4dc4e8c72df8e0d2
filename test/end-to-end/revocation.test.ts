import { request } from 'node:http'
import { describe, expect, it } from 'vitest'
import { startBridge } from '../support/bridge-under-test.ts'
import { startLoopback } from '../support/loopback.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw, failureCode, toolCall } from '../support/raw-call.ts'
import { paramsOf } from '../support/seen.ts'
import { closing, setScene, type Scene } from './scene.ts'

const revocations = ({ authorization }: Scene) =>
  authorization.loopback.requests
    .filter(({ path }) => path === authorization.endpoint.revocation.pathname)
    .map((seen) => paramsOf(seen).get('token_type_hint'))

describe('revocation (RFC 7009)', () => {
  it('ends the refresh token first, then the access token, then the local grant, and says so', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    const receipt = await bridge.revoke(id)
    expect(receipt).toMatchObject({
      connection: id,
      refreshToken: 'confirmed',
      accessToken: 'confirmed',
      local: 'removed',
      failures: [],
    })
    expect(revocations(scene)).toEqual(['refresh_token', 'access_token'])
    expect(
      [...authorization.state.accessTokens.values()].every((token) => token.revoked || token.family.ended),
    ).toBe(true)
    expect(bridge.bridge.connections.get(id).view).toMatchObject({ status: 'signed-out', renews: false })
    expect(failureCode(await callRaw(await bridge.endpoint(id), 'whoami'))).toBe('connection.signed_out')
  })

  it('ends what earlier sign-ins left alive, too', async () => {
    const { bridge, server, authorization } = await setScene()
    const id = await bridge.connect(server.url)
    await bridge.signIn(id)
    await bridge.signIn(id)
    const alive = () =>
      [...authorization.state.refreshTokens.values()].filter(({ used, family }) => !used && !family.ended)
    expect(alive()).toHaveLength(3)
    expect(await bridge.revoke(id)).toMatchObject({ refreshToken: 'confirmed', accessToken: 'confirmed' })
    expect(alive()).toEqual([])
  })

  it('leaves nothing to come back after a restart', async () => {
    const { bridge, server } = await setScene()
    const id = await bridge.connect(server.url)
    await bridge.revoke(id)
    await bridge.stop()
    const again = closing(await startBridge({ home: bridge.home }))
    expect(again.bridge.connections.get(id).view).toMatchObject({ status: 'signed-out', renews: false })
  })

  it('says what the server did not confirm, and removes the local grant all the same', async () => {
    const { bridge, server, authorization } = await setScene()
    const id = await bridge.connect(server.url)
    authorization.loopback.faults.add(
      authorization.endpoint.revocation.pathname,
      { kind: 'answer', status: 503 },
      { times: Infinity },
    )
    const receipt = await bridge.revoke(id)
    expect(receipt).toMatchObject({ refreshToken: 'failed', accessToken: 'failed', local: 'removed' })
    expect(receipt.failures.map(({ code }) => code)).toEqual(['server.failed', 'server.failed'])
    expect(bridge.bridge.connections.get(id).view.status).toBe('signed-out')
  })

  it('says when the server offers no revocation', async () => {
    const { bridge, server } = await setScene({ authorization: { behaviour: { revocation: 'absent' } } })
    const receipt = await bridge.revoke(await bridge.connect(server.url))
    expect(receipt).toMatchObject({
      refreshToken: 'not-offered',
      accessToken: 'not-offered',
      local: 'removed',
    })
  })

  it('is made with the token that a refresh under way brings', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    authorization.expireAccessTokens()
    const gate = authorization.loopback.faults.hold(authorization.endpoint.token.pathname, 'after')
    const call = callRaw(endpoint, 'whoami')
    await gate.arrived
    const revoked = bridge.revoke(id)
    gate.open()
    expect(await revoked).toMatchObject({ refreshToken: 'confirmed' })
    expect(failureCode(await call)).toBe('connection.ended')
    const living = [...authorization.state.refreshTokens.values()].filter(
      ({ used, family }) => !used && !family.ended,
    )
    expect(living).toEqual([])
  })

  it('ends pending calls and streams at once', async () => {
    const { bridge, server } = await setScene()
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    const waiting = callRaw(endpoint, 'wait')
    const stream = openStream(endpoint)
    await expect.poll(() => server.record.calls.map(({ tool }) => tool)).toContain('wait')
    await bridge.revoke(id)
    // The answer may have begun as a stream: then the end comes as an event in it, or as a cut.
    const said = await waiting.then(
      ({ body }) => body,
      () => 'cut',
    )
    expect(said).toMatch(/connection\.ended|cut/)
    expect(await stream).toBe('over')
    await expect.poll(() => server.record.cancelled.length).toBeGreaterThan(0)
  })

  it('ends a sign-in that is under way, and its tokens do not survive', async () => {
    const { bridge, server, authorization } = await setScene()
    const id = await bridge.add(server.url)
    const gate = authorization.loopback.faults.hold(authorization.endpoint.token.pathname, 'after')
    const events = bridge.signIn(id)
    await gate.arrived
    await bridge.revoke(id)
    gate.open()
    expect((await events).at(-1)).toMatchObject({ event: 'failed', code: 'oauth.cancelled' })
    await expect
      .poll(
        () => [...authorization.state.refreshTokens.values()].filter(({ family }) => !family.ended).length,
      )
      .toBe(0)
    expect(bridge.bridge.connections.get(id).view.status).toBe('signed-out')
  })

  it('destroys a key and says that only the server itself can end it', async () => {
    const loopback = closing(await startLoopback())
    const server = closing(await startMcpServer({ loopback }))
    const bridge = closing(await startBridge())
    const id = await bridge.add(server.url, { bearer: 'key-of-mine' })
    expect((await callRaw(await bridge.endpoint(id), 'echo', { text: 'hello' })).status).toBe(200)
    expect(loopback.requests.at(-1)?.headers.authorization).toBe('Bearer key-of-mine')
    expect(await bridge.revoke(id)).toMatchObject({ refreshToken: 'not-held', accessToken: 'not-offered' })
    expect(failureCode(await callRaw(await bridge.endpoint(id), 'echo', { text: 'hello' }))).toBe(
      'connection.signed_out',
    )
  })
})

describe('removing a connection', () => {
  it('ends its access first, and its endpoint is gone', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    const receipt = await bridge.control.connections.remove({ id: id as never }, new AbortController().signal)
    expect(receipt).toMatchObject({ refreshToken: 'confirmed' })
    const answer = await callRaw(endpoint, 'whoami')
    expect([answer.status, failureCode(answer)]).toEqual([404, 'connection.unknown'])
    expect(await bridge.control.connections.list({}, new AbortController().signal)).toEqual([])
  })
})

/** Opens a call whose answer is an event stream and resolves when the stream is over, whichever way. */
function openStream(endpoint: string): Promise<'over'> {
  const { headers, body } = toolCall('progress', { count: 100_000, everyMs: 20 })
  const withProgress = body.replace('"_meta":{', '"_meta":{"progressToken":1,')
  return new Promise((resolve) => {
    const sent = request(endpoint, { method: 'POST', headers, agent: false }, (answer) => {
      answer.resume()
      answer.on('close', () => resolve('over'))
    })
    sent.on('error', () => resolve('over'))
    sent.end(withProgress)
  })
}
