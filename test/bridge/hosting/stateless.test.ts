import { describe, expect, it } from 'vitest'
import { buffer } from 'node:stream/consumers'
import { errorOf, serveRemote, until } from '../gateway/support.ts'
import {
  call,
  headersOf,
  messageOf,
  messagesIn,
  modern,
  modernCall,
  modernVersion,
  post,
  rawClient,
  stream,
  type Message,
  type RawClient,
} from './raw.ts'
import { startScriptedServer } from './scripted-server.ts'
import { serveHosted, type HostedSceneOptions } from './scene.ts'

const versionAlone = { 'io.modelcontextprotocol/protocolVersion': modernVersion }

async function setScene(options: HostedSceneOptions = {}) {
  const server = await startScriptedServer()
  return { server, scene: await serveHosted(server.url, options) }
}

describe('requests without a session (MCP 2026-07-28, Sending Messages)', () => {
  it('are answered one by one, in JSON where nothing comes before the answer', async () => {
    const { scene, server } = await setScene()
    const answered = post(rawClient(scene), modernCall('a', 'echo'))
    const asked = await server.taken('echo')
    expect(asked.headers).toMatchObject({ 'mcp-method': 'tools/call', 'mcp-name': 'echo' })
    asked.answer({ ok: true })
    const { status, headers, body } = await answered
    expect([status, headers['content-type'], headers['mcp-session-id']]).toEqual([
      200,
      'application/json',
      undefined,
    ])
    expect(body.toString()).toBe('{"jsonrpc":"2.0","id":"a","result":{"ok":true}}')
  })

  it('never cross, whatever ids the clients of an app give them', async () => {
    const { scene, server } = await setScene()
    const ids = [1, 1, 1.0, '1', 'bridgekeeper-1', 'bridgekeeper-1', null]
    const answers = ids.map((id, n) => post(rawClient(scene), modernCall(id, `tool-${n}`)))
    for (const n of ids.keys()) {
      const asked = await server.taken(`tool-${n}`)
      asked.say({ method: 'notifications/message', params: { of: n } })
      asked.answer({ of: n })
    }
    const seen = (await Promise.all(answers)).map(({ body }) => messagesIn(body.toString()))
    expect(seen).toEqual(
      ids.map((id, n) => [
        { jsonrpc: '2.0', method: 'notifications/message', params: { of: n } },
        { jsonrpc: '2.0', id, result: { of: n } },
      ]),
    )
  })

  it('never cross in a crowd of clients that all count from zero', async () => {
    const remote = await serveRemote(async (request, response) => {
      const { id, params } = JSON.parse((await buffer(request)).toString()) as Message
      // Answers overtake each other.
      await new Promise((resolve) => setTimeout(resolve, (Number(id) * 7) % 5))
      const result = { nonce: params.arguments?.nonce, resultType: 'complete' }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })
    const scene = await serveHosted(remote.url)
    const ask = async (client: RawClient, nonce: string, id: number): Promise<void> => {
      const request = modern(id, 'prompts/get', { name: 'x', arguments: { nonce } })
      expect(messageOf(await post(client, request))).toMatchObject({ id, result: { nonce } })
    }
    await Promise.all(
      Array.from({ length: 30 }, async (_, who) => {
        const client = rawClient(scene)
        for (let id = 0; id < 20; id++) await ask(client, `${who}/${id}`, id)
      }),
    )
  })

  it('are each cancelled by the end of their own connection alone', async () => {
    const { scene, server } = await setScene()
    const leaving = stream(rawClient(scene), modernCall(1, 'one'))
    const staying = post(rawClient(scene), modernCall(1, 'two'))
    const [one, two] = [await server.taken('one'), await server.taken('two')]
    one.say({ method: 'notifications/message' })
    ;(await leaving).leave()
    await until(() => one.hasEnded)
    expect(two.hasEnded).toBe(false)
    two.answer({ ok: true })
    expect(messageOf(await staying)).toMatchObject({ id: 1, result: { ok: true } })
  })

  it('are not cancelled by a message, which could mean the request of another client', async () => {
    const { scene, server } = await setScene()
    const answered = post(rawClient(scene), modernCall(1, 'one'))
    const asked = await server.taken('one')
    const cancel = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }
    expect((await rawClient(scene).post(cancel, { 'mcp-protocol-version': modernVersion })).status).toBe(202)
    asked.answer({ ok: true })
    expect(messageOf(await answered).result).toEqual({ ok: true })
  })

  it.each([
    [-32_601, 404],
    [-32_022, 400],
    [-32_021, 400],
    [-32_603, 200],
  ])('get the error %i with the status %i, also from a server that says 200', async (code, status) => {
    const { scene, server } = await setScene()
    const answered = post(rawClient(scene), modern(1, 'own/method'))
    ;(await server.taken('own/method')).answer({
      error: { code, message: 'no', data: { supported: ['2026-07-28'] } },
    })
    const answer = await answered
    expect([answer.status, messageOf(answer).error?.code]).toEqual([status, code])
  })

  it('do not begin a session, which would be one for all clients of the app', async () => {
    const { scene, server } = await setScene()
    const answer = await post(rawClient(scene), modern(1, 'initialize', { protocolVersion: '2025-11-25' }))
    expect([answer.status, errorOf(answer).error.code]).toEqual([404, -32_601])
    expect(server.messages).toEqual([])
  })

  it('are POST alone, whatever session they name', async () => {
    const { scene } = await setScene()
    const client = rawClient(scene, 'one', { 'mcp-protocol-version': modernVersion, 'mcp-session-id': 'x' })
    for (const { status, headers } of [await client.get(), await client.remove()]) {
      expect([status, headers.allow]).toEqual([405, 'POST'])
    }
  })

  it.each([
    ['a batch', [modernCall(1, 'echo')], -32_600],
    ['an answer', { jsonrpc: '2.0', id: 1, result: {} }, -32_600],
    ['no JSON', '{', -32_700],
    ['a request that names no version', call(1, 'echo'), -32_602],
    ['a request that names no capabilities', call(1, 'echo', { _meta: versionAlone }), -32_602],
  ])('are 400 for %s', async (_, message, code) => {
    const { scene } = await setScene()
    const answer = await rawClient(scene).post(message, headersOf(modernCall(1, 'echo')))
    expect([answer.status, errorOf(answer).error.code]).toEqual([400, code])
  })

  it('are refused where they are too large', async () => {
    const { scene } = await setScene({ maxRequestBytes: 500 })
    const answer = await post(rawClient(scene), modernCall(1, 'x'.repeat(1000)))
    expect([answer.status, errorOf(answer).error.data.code]).toEqual([413, 'gateway.body_too_large'])
  })
})

describe('headers that repeat the body (MCP 2026-07-28, Server Validation)', () => {
  const request = modernCall(3, 'écho')
  const encoded = `=?base64?${Buffer.from('écho').toString('base64')}?=`

  it.each([
    ['another version', { 'mcp-protocol-version': '2027-01-01' }],
    ['another method', { 'mcp-method': 'tools/list' }],
    ['another name', { 'mcp-name': 'echo' }],
    ['a name that is another one when it is decoded', { 'mcp-name': '=?base64?ZWNobw==?=' }],
    ['a name whose coding is not valid', { 'mcp-name': `${encoded.slice(0, -2)}!?=` }],
    ['two methods', { 'mcp-method': 'tools/call, tools/call' }],
  ])('are -32020 with %s', async (_, headers) => {
    const { scene, server } = await setScene()
    const answer = await rawClient(scene).post(request, {
      ...headersOf(request),
      'mcp-name': encoded,
      ...headers,
    })
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({ id: 3, error: { code: -32_020 } })
    expect(server.messages).toEqual([])
  })

  it.each(['mcp-protocol-version', 'mcp-method', 'mcp-name'])('are -32020 without %s', async (missing) => {
    const { scene } = await setScene()
    const headers: Record<string, string> = { ...headersOf(request), 'mcp-name': encoded }
    delete headers[missing]
    const answer = await rawClient(scene).post(request, headers)
    expect([answer.status, errorOf(answer).error.code]).toEqual([400, -32_020])
  })

  it('may be in their Base64 form', async () => {
    const { scene, server } = await setScene()
    const answered = rawClient(scene).post(request, { ...headersOf(request), 'mcp-name': encoded })
    ;(await server.taken('écho')).answer({ ok: true })
    expect((await answered).status).toBe(200)
  })
})

describe('subscriptions (MCP 2026-07-28, Subscriptions)', () => {
  const listen = modern(1, 'subscriptions/listen', { notifications: { toolsListChanged: true } })
  const key = 'io.modelcontextprotocol/subscriptionId'

  it('of two clients with one id are two streams, and each message has the id that its client gave', async () => {
    const { scene, server } = await setScene()
    const opening = [stream(rawClient(scene), listen), stream(rawClient(scene), listen)]
    const asked = [await server.taken('subscriptions/listen'), await server.taken('subscriptions/listen')]
    for (const [n, one] of asked.entries()) {
      const _meta = { [key]: one.message.id }
      one.say({ method: 'notifications/subscriptions/acknowledged', params: { _meta, n } })
      one.say({ method: 'notifications/cancelled', params: { requestId: one.message.id, _meta } })
      one.answer({ resultType: 'complete', _meta, n })
    }
    const seen = await Promise.all(opening.map(async (one) => messagesIn(await (await one).whole)))
    expect(new Set(asked.map(({ message }) => message.id)).size).toBe(2)
    expect(new Set(seen.map(([first]) => first?.params.n as number))).toEqual(new Set([0, 1]))
    for (const [acknowledged, cancelled, answer] of seen) {
      expect(acknowledged?.params._meta).toEqual({ [key]: 1 })
      expect(cancelled?.params).toEqual({ requestId: 1, _meta: { [key]: 1 } })
      expect(answer).toMatchObject({ id: 1, result: { _meta: { [key]: 1 }, n: acknowledged?.params.n } })
    }
  })

  it('end at the server when the client leaves', async () => {
    const { scene, server } = await setScene()
    const opening = stream(rawClient(scene), listen)
    const asked = await server.taken('subscriptions/listen')
    asked.say({ method: 'notifications/subscriptions/acknowledged' })
    ;(await opening).leave()
    await until(() => asked.hasEnded)
    expect(asked.hasEnded).toBe(true)
  })
})
