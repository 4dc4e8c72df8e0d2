import { describe, expect, it } from 'vitest'
import type { Credentials } from '../../../bridge/connections/upstream.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { errorOf, open, prepare, token, until } from '../gateway/support.ts'
import { beginSession, call, initialize, messagesIn, modernCall, post, rawClient, stream } from './raw.ts'
import { serveHosted, times, type HostedSceneOptions } from './scene.ts'
import { startScriptedServer } from './scripted-server.ts'

async function setScene(options: HostedSceneOptions = {}) {
  const server = await startScriptedServer()
  return { server, scene: await serveHosted(server.url, options) }
}

describe('a new client key', () => {
  it('ends all that the app has open, and nothing of another app', async () => {
    const { scene, server } = await setScene()
    const [one, two] = [await beginSession(scene), await beginSession(scene, '2025-11-25', 'two')]
    const own = await one.client.get()
    const waiting = one.client.post(call(1, 'one'))
    const opening = one.client.stream(call(2, 'two'))
    await server.taken('one')
    ;(await server.taken('two')).say({ method: 'notifications/message' })
    const streaming = await opening
    const alone = post(rawClient(scene), modernCall(3, 'three'))
    const atServer = await server.taken('three')
    const kept = two.client.post(call(4, 'four'))
    const ofOther = await server.taken('four')

    scene.gateway.endCalls('App One')
    expect(errorOf(await waiting)).toMatchObject({ id: 1, error: { data: { code: 'gateway.key_unknown' } } })
    expect(messagesIn(await streaming.whole)).toMatchObject([
      { method: 'notifications/message' },
      { id: 2, error: { data: { code: 'gateway.key_unknown' } } },
    ])
    expect(errorOf(await alone)).toMatchObject({ id: 3, error: { data: { code: 'gateway.key_unknown' } } })
    await own.whole
    await until(() => atServer.hasEnded && server.deleted.length > 0)
    expect(server.deleted).toEqual(['its-own-1'])
    expect((await one.client.post(call(5, 'five'))).status).toBe(404)
    ofOther.answer({ ok: true })
    expect((await kept).status).toBe(200)
  })
})

describe('the end of the bridge', () => {
  it('answers what is open and ends the sessions at the server', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const own = await client.get()
    const waiting = client.post(call(1, 'one'))
    await server.taken('one')
    await scene.gateway.close()
    const answer = await waiting
    expect(answer.status).toBe(503)
    expect(errorOf(answer)).toMatchObject({ id: 1, error: { data: { code: 'bridge.busy' } } })
    await own.whole
    await until(() => server.deleted.length === 1)
  })
})

describe('the end of an access', () => {
  it('is the answer to what is under way, and the session stays for what is known without it', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const waiting = client.post(call(1, 'one'))
    await server.taken('one')
    scene.access.end(new BridgeError('connection.ended'))
    expect(errorOf(await waiting)).toMatchObject({ id: 1, error: { data: { code: 'connection.ended' } } })
    const next = await client.post(call(2, 'two'))
    expect(errorOf(next)).toMatchObject({ id: 2, error: { data: { code: 'connection.ended' } } })
  })

  it('ends the sessions of a connection that was removed', async () => {
    const { scene } = await setScene()
    const { client } = await beginSession(scene)
    const own = await client.get()
    scene.remove()
    await own.whole
    const next = await client.post(call(2, 'two'))
    expect([next.status, errorOf(next).error.data.code]).toEqual([404, 'connection.unknown'])
  })
})

describe('a client that leaves', () => {
  it('before its session has begun leaves none behind, also at the server', async () => {
    let give: (() => void) | undefined
    const credentials = () => new Promise<Credentials>((resolve) => (give = () => resolve(token(1))))
    const { scene, server } = await setScene({ access: { credentials } })
    const leaving = open({ port: scene.port, path: scene.path(), body: JSON.stringify(initialize()) })
    leaving.on('error', () => undefined)
    await until(() => give !== undefined)
    leaving.destroy()
    // Another request after it, so that the bridge has seen the end of the first.
    await rawClient(scene).post('{')
    while (server.deleted.length === 0) {
      give?.()
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    expect(server.deleted).toEqual(['its-own-1'])
  })

  it('in the middle of its message is not served', async () => {
    const { scene, server } = await setScene()
    const { id } = await beginSession(scene)
    const headers = ['Mcp-Session-Id', id, 'Content-Length', '1000', 'Content-Type', 'application/json']
    const leaving = prepare({ port: scene.port, path: scene.path(), headers })
    leaving.on('error', () => undefined)
    leaving.write(JSON.stringify(call(1, 'half')))
    await until(() => leaving.socket?.connecting === false)
    leaving.destroy()
    await beginSession(scene)
    expect(server.messages.map(({ method }) => method)).not.toContain('tools/call')
  })
})

describe('a client that does not read', () => {
  const piece = { method: 'notifications/message', params: { text: 'x'.repeat(60_000) } }
  const last = { method: 'notifications/last' }

  it('holds the server back, and gets everything when it reads on', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'flood'))
    const asked = await server.taken('flood')
    asked.say(piece)
    const reader = await opening
    reader.pause()
    let sent = 1
    // Far more than all buffers on the way hold.
    while (sent < 2000 && !(await stalls(asked.response))) {
      asked.say(piece)
      sent++
    }
    expect(sent).toBeLessThan(2000)
    asked.say(last)
    reader.resume()
    await reader.find(({ method }) => method === last.method)
    expect(reader.messages).toHaveLength(sent + 1)
    asked.answer({})
    await reader.whole
  })

  it('is cut off after a while, so that the other clients of its app get on', async () => {
    const { scene, server } = await setScene({ hosting: { times: times({ stallMs: 100 }) } })
    const opening = stream(rawClient(scene), modernCall(1, 'flood'))
    const asked = await server.taken('flood')
    asked.say(piece)
    const reader = await opening
    reader.pause()
    while (!asked.hasEnded) {
      await stalls(asked.response)
      asked.say(piece)
    }
    const answered = post(rawClient(scene), modernCall(1, 'other'))
    ;(await server.taken('other')).answer({ ok: true })
    expect((await answered).status).toBe(200)
    reader.leave()
  })
})

/** Whether what was written waits for its reader for longer than a moment. */
async function stalls(response: { readonly writableLength: number }): Promise<boolean> {
  const until = performance.now() + 100
  while (response.writableLength > 0 && performance.now() < until) {
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return response.writableLength > 0
}
