import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import type { ChannelClient } from '../../../bridge/channel/channel.ts'
import { BridgeError, type ErrorCode } from '../../../shared/errors.ts'
import { begin, errorOf, serveRemote, type RemoteAnswer } from '../gateway/support.ts'
import { answering } from './answering.ts'
import { beginSession, call, headersOf, initialize, messageOf, modernCall, post, rawClient } from './raw.ts'
import { keys, serveHosted, type HostedSceneOptions } from './scene.ts'

/** A server that answers everything alike, behind a gateway that does not know it yet. */
async function setScene(answer: RemoteAnswer, options: HostedSceneOptions = {}) {
  let asked = 0
  const remote = await serveRemote((request, response) => {
    asked++
    return answer(request, response)
  })
  const hosting = {
    openConnection: (_: string, client: ChannelClient) => answering(client),
    ...options.hosting,
  }
  const scene = await serveHosted(remote.url, { era: undefined, ...options, hosting })
  return { scene, client: rawClient(scene), asked: () => asked }
}

const answerWith =
  (status: number, body: string | Buffer, headers: Record<string, string> = {}): RemoteAnswer =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body)

const error = (code: number, data: object = {}) =>
  JSON.stringify({ jsonrpc: '2.0', id: null, error: { code, message: 'no', data } })
const modernOnly = error(-32_022, { supported: ['2026-07-28'], requested: '2025-11-25' })
const noSession = error(-32_000)

describe('a call to a server of the same era', () => {
  it('is passed on as it is', async () => {
    const result = '{"jsonrpc":"2.0","id":1,  "result":{}}'
    const { client, asked } = await setScene(answerWith(200, result))
    expect((await post(client, modernCall(1, 'echo'))).body.toString()).toBe(result)
    expect((await client.post(initialize())).body.toString()).toBe(result)
    expect(asked()).toBe(2)
  })
})

describe('a refusal that may be of the era', () => {
  it.each([
    ['of initialize by a server of the current revision', answerWith(400, modernOnly)],
    ['that is compressed', answerWith(400, gzipSync(modernOnly), { 'content-encoding': 'gzip' })],
    ['of initialize without a word', answerWith(405, '')],
    ['with a page', answerWith(404, '<p>Cannot POST /sse</p>', { 'content-type': 'text/html' })],
  ])('%s leads to the host, in a session of its own', async (_, answer) => {
    const { client, scene } = await setScene(answer)
    const hosted = await client.post(initialize())
    expect([hosted.status, messageOf(hosted).result?.hosted]).toEqual([200, true])
    const session = { 'mcp-session-id': String(hosted.headers['mcp-session-id']) }
    expect(messageOf(await rawClient(scene).post(call(1, 'echo'), session)).result).toEqual({ hosted: true })
  })

  it('of a modern request by a server with sessions leads to the host', async () => {
    const { client, asked } = await setScene(answerWith(400, noSession))
    expect(messageOf(await post(client, modernCall(1, 'echo')))).toMatchObject({
      id: 1,
      result: { hosted: true },
    })
    expect(asked()).toBe(1)
  })

  it.each([
    ['a server that speaks the era of the client', 404, error(-32_601), undefined],
    ['a server whose era is known', 400, noSession, 'both'],
  ] as const)('is passed on as it is where it is of %s', async (_, status, body, era) => {
    const { client } = await setScene(answerWith(status, body, { 'x-own': 'kept' }), { era })
    const answer = await post(client, modernCall(1, 'echo'))
    expect([answer.status, answer.body.toString(), answer.headers['x-own']]).toEqual([status, body, 'kept'])
  })

  it('is passed on within a session, where it means that the session is gone', async () => {
    const { client } = await setScene(answerWith(404, ''))
    const answer = await client.post(call(1, 'echo'), { 'mcp-session-id': 'its-own' })
    expect([answer.status, answer.body.length]).toEqual([404, 0])
  })

  it('is passed on whole where it is too large to be one', async () => {
    const large = Buffer.alloc(1_000_000, 'x')
    const { client } = await setScene((_, response) => {
      response.writeHead(400)
      response.write(large.subarray(0, 500_000))
      response.end(large.subarray(500_000))
    })
    const answer = await post(client, modernCall(1, 'echo'))
    expect([answer.status, answer.body.equals(large)]).toEqual([400, true])
  })

  it('is a failure where the server cuts it', async () => {
    const { client } = await setScene((request, response) => {
      response.writeHead(400, { 'content-length': '100' })
      response.write('half', () => request.socket.destroy())
    })
    const answer = await post(client, modernCall(1, 'echo'))
    expect([answer.status, errorOf(answer).error.data.code]).toEqual([503, 'gateway.stream_cut'])
  })
})

describe('a server that is known to speak otherwise', () => {
  it.each([
    ['modern', initialize()],
    ['sse', initialize()],
    ['session', modernCall(1, 'echo')],
    ['sse', modernCall(1, 'echo')],
  ] as const)('(%s) is not asked by the gateway', async (era, message) => {
    const { client, asked } = await setScene(answerWith(500, ''), { era })
    const answer = await (message.method === 'initialize' ? client.post(message) : post(client, message))
    expect(messageOf(answer).result.hosted).toBe(true)
    expect(asked()).toBe(0)
  })
})

describe('a connection that needs a sign-in', () => {
  const signedOut = (code: ErrorCode = 'connection.signed_out') => ({
    credentials: () => Promise.reject(new BridgeError(code)),
  })

  it.each([
    ['a first message', initialize(), {}],
    ['a request without a session', modernCall(1, 'echo'), headersOf(modernCall(1, 'echo'))],
    ['a request in a session of the server', call(1, 'echo'), { 'mcp-session-id': 'its-own' }],
    ['a request of a server without sessions', call(1, 'echo'), { 'mcp-protocol-version': '2025-06-18' }],
  ])('is served by the host for %s', async (_, message, headers) => {
    const { client } = await setScene(answerWith(500, ''), { access: signedOut() })
    const answer = await client.post(message, headers)
    expect(messageOf(answer)).toMatchObject({ id: message.id, result: { hosted: true } })
  })

  it('is a failure where the host can do nothing about it', async () => {
    const { client } = await setScene(answerWith(500, ''), { access: signedOut('oauth.refresh_failed') })
    const answer = await client.post(initialize())
    expect([answer.status, errorOf(answer).error.data.code]).toEqual([503, 'oauth.refresh_failed'])
    const other = await setScene(answerWith(500, ''), { access: signedOut() })
    expect((await other.client.get({ 'mcp-session-id': 'its-own' })).status).toBe(401)
  })
})

describe('the endpoint for all connections', () => {
  const all = (key: string) => ({ path: () => `/${key}/mcp` })

  it('is not there where nothing stands behind it', async () => {
    const { scene } = await setScene(answerWith(500, ''))
    const answer = await rawClient({ ...all(keys.one), port: scene.port }).post(initialize())
    expect([answer.status, errorOf(answer).error.data.code]).toEqual([404, 'gateway.not_found'])
  })

  it('has sessions of its own', async () => {
    const { scene } = await setScene(answerWith(500, ''), { era: 'sse', hosting: { openAll: answering } })
    const client = rawClient({ ...all(keys.one), port: scene.port })
    const begun = await client.post(initialize())
    const session = { 'mcp-session-id': String(begun.headers['mcp-session-id']) }
    expect(messageOf(await client.post(call(1, 'echo'), session)).result.hosted).toBe(true)
    expect((await rawClient(scene).post(call(1, 'echo'), session)).status).toBe(404)
    const { id } = await beginSession(scene)
    expect((await client.post(call(1, 'echo'), { 'mcp-session-id': id })).status).toBe(404)
  })

  it.each([
    ['another host', keys.one, { host: 'evil.example' }, 403],
    ['a web page', keys.one, { origin: 'https://evil.example' }, 403],
    ['an unknown key', 'a-key-that-nobody-has', {}, 401],
    ['another method', keys.one, {}, 405],
  ] as const)('refuses %s', async (kind, key, headers, status) => {
    const { scene } = await setScene(answerWith(500, ''), { hosting: { openAll: answering } })
    const { response } = await begin({
      port: scene.port,
      path: `/${key}/mcp`,
      method: kind === 'another method' ? 'PUT' : 'POST',
      headers: Object.entries(headers).flat(),
      body: JSON.stringify(initialize()),
    })
    expect(response.statusCode).toBe(status)
    response.resume()
  })
})
