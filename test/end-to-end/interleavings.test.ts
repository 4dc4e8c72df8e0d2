import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../bridge/system-clock.ts'
import { Connection } from '../../shared/connection.ts'
import { BridgeEvent } from '../../shared/events.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { sendJson, startLoopback } from '../support/loopback.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw, failureCode } from '../support/raw-call.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'
import { closing, setScene, type Scene } from './scene.ts'
import { outcomeOf, protectedBy, staying, viewOf } from './sign-in-setup.ts'

const revocationRequests = ({ authorization }: Scene) =>
  authorization.loopback.requestsOf(authorization.endpoint.revocation.pathname)

const holdRevocation = ({ authorization }: Scene) =>
  authorization.loopback.faults.hold(authorization.endpoint.revocation.pathname, 'before')

describe('while access is being ended', () => {
  it('no sign-in begins: its new grant would be destroyed with the old one and live on at the server', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const gate = holdRevocation(scene)
    const revoked = bridge.revoke(id)
    await gate.arrived
    expect(await outcomeOf(bridge.signIn(id))).toBe('connection.ended')
    gate.open()
    expect(await revoked).toMatchObject({ refreshToken: 'confirmed' })
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
  })

  it('whoever asks for it again gets the same receipt', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const receipts = await Promise.all([bridge.revoke(id), bridge.revoke(id)])
    expect(receipts[1]).toEqual(receipts[0])
    expect(revocationRequests(scene)).toHaveLength(2)
  })

  it('a second removal does not take away what was added under the same id since', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const removals = [1, 2].map(() => bridge.control.connections.remove({ id: id as never }, staying()))
    const again = Promise.race(removals).then(() => bridge.add(server.url, { id }))
    expect(await again).toBe(id)
    await Promise.all(removals)
    expect((await viewOf(bridge, id)).status).toBe('signed-out')
    expect(bridge.events.filter(({ event }) => event === 'connection-removed')).toHaveLength(1)
  })
})

describe('the end of the bridge', () => {
  it('waits for a renewal whose answer is on its way: it holds the only refresh token that works', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    const id = await bridge.connect(server.url)
    authorization.expireAccessTokens()
    const gate = authorization.loopback.faults.hold(authorization.endpoint.token.pathname, 'after')
    const call = callRaw(await bridge.endpoint(id), 'whoami')
    await gate.arrived
    const stopped = bridge.stop()
    expect(failureCode(await call)).toBe('bridge.busy')
    gate.open()
    await stopped
    const again = closing(await startBridge({ home: bridge.home }))
    authorization.expireAccessTokens()
    expect((await callRaw(await again.endpoint(id), 'whoami')).status).toBe(200)
  })
})

describe('a server that was open and now asks for a sign-in', () => {
  it('never gets a call without a token again, once signed in', async () => {
    const authorization = closing(await startStrictAuthorizationServer())
    const loopback = closing(await startLoopback())
    let isOpen = true
    loopback.mount(({ res, url }) => {
      if (!isOpen || url.pathname !== '/mcp') return false
      sendJson(res, 200, { jsonrpc: '2.0', id: 'discover', result: { supportedVersions: ['2026-07-28'] } })
      return true
    })
    const server = await protectedBy(authorization, {}, { loopback })
    let ahead = 0
    // Timers that never fire: nothing is renewed but by calls.
    const clock = { now: () => systemClock.now() + ahead, after: () => () => undefined }
    const bridge = closing(await startBridge({ clock }))
    const id = await bridge.add(server.url)
    expect((await viewOf(bridge, id)).auth).toBe('none')
    isOpen = false
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    const asked = loopback.requestsOf('/mcp').length
    ahead = 2 * 3_600_000
    authorization.expireAccessTokens()
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    expect(loopback.requestsOf('/mcp').slice(asked)).toHaveLength(1)
  })
})

describe('a key that was refused once', () => {
  it('is well again with the next call that the server takes', async () => {
    const server = closing(await startMcpServer())
    const bridge = closing(await startBridge())
    const id = await bridge.add(server.url, { bearer: 'key-of-mine' })
    const endpoint = await bridge.endpoint(id)
    server.loopback.faults.add('/mcp', { kind: 'answer', status: 401 })
    expect(failureCode(await callRaw(endpoint, 'echo', { text: 'x' }))).toBe('connection.key_refused')
    expect((await viewOf(bridge, id)).status).toBe('failed')
    expect((await callRaw(endpoint, 'echo', { text: 'x' })).status).toBe(200)
    const { status, failure } = await viewOf(bridge, id)
    expect([status, failure]).toEqual(['connected', undefined])
  })
})

describe('a server that means harm', () => {
  it('cannot make the list of connections unreadable with the life of its token, nor keep the bridge from starting', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    authorization.behaviour.reshape.tokens = (answer) => ({ ...answer, expires_in: 1e306 })
    const id = await bridge.connect(server.url)
    const list = await bridge.control.connections.list({}, staying())
    expect(z.array(Connection).parse(list)).toHaveLength(1)
    await bridge.stop()
    const again = closing(await startBridge({ home: bridge.home }))
    expect((await viewOf(again, id)).status).toBe('connected')
  })

  it('cannot end the stream of events with the length of its issuer', async () => {
    const authorization = closing(await startStrictAuthorizationServer())
    const issuerPath = `/${'i'.repeat(2_500)}` as const
    const next = closing(await startStrictAuthorizationServer({ issuerPath }))
    let issuer = authorization.issuer
    const reshapeMetadata = (document: object) => ({ ...document, authorization_servers: [issuer] })
    const server = await protectedBy(authorization, { reshapeMetadata })
    const bridge = closing(await startBridge())
    const id = await bridge.connect(server.url)
    issuer = next.issuer
    expect(await outcomeOf(bridge.signIn(id))).toBe('connected')
    expect((await bridge.seen('notice')).failure.code).toBe('discovery.issuer_changed')
    for (const event of bridge.events) BridgeEvent.parse(event)
  })

  it('cannot make a step-up grow without end', async () => {
    const { bridge, server } = await setScene({ bridge: { settings: { 'stepUp.waitSeconds': 0 } } })
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    const codes = new Set<string | undefined>()
    for (let n = 0; n < 5; n += 1) {
      const scope = Array.from({ length: 60 }, (_, i) => `scope-${n}-${i}`).join(' ')
      const challenge = `Bearer error="insufficient_scope", scope="${scope}"`
      const headers = { 'www-authenticate': challenge }
      server.loopback.faults.add('/mcp', { kind: 'answer', status: 403, headers })
      codes.add(failureCode(await callRaw(endpoint, 'whoami')))
    }
    expect([...codes]).toEqual(['step_up.needed', 'step_up.limit'])
    const { stepUp } = Connection.parse(await viewOf(bridge, id))
    expect(stepUp?.scopes).toHaveLength(180)
    for (const event of bridge.events) BridgeEvent.parse(event)
  })
})
