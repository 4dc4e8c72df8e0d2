import { describe, expect, it } from 'vitest'
import { errorOf, until } from '../gateway/support.ts'
import { beginSession, call, initialize, messageOf, messagesIn, rawClient } from './raw.ts'
import { startScriptedServer } from './scripted-server.ts'
import { serveHosted, times, type HostedSceneOptions } from './scene.ts'

const progress = (value: unknown) => ({
  method: 'notifications/progress',
  params: { progressToken: 'p', progress: value },
})

async function setScene(options: HostedSceneOptions = {}) {
  const server = await startScriptedServer()
  return { server, scene: await serveHosted(server.url, options) }
}

describe('a hosted session (MCP 2025-11-25, Session Management)', () => {
  it('has an id of its own that nobody can guess, and never shows the one of the server', async () => {
    const { scene } = await setScene()
    const [one, other] = [await beginSession(scene), await beginSession(scene)]
    expect(one.id).toMatch(/^bridgekeeper-[\w-]{32}$/)
    expect(other.id).not.toBe(one.id)
  })

  it('is one session at the server, whose id the server gets', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const answered = client.post(call(1, 'echo'))
    const asked = await server.taken('echo')
    expect(asked.headers['mcp-session-id']).toBe('its-own-1')
    asked.answer({ content: [] })
    expect(messageOf(await answered)).toEqual({ jsonrpc: '2.0', id: 1, result: { content: [] } })
  })

  it.each([
    ['another client app', 'two', undefined],
    ['nobody', 'one', 'bridgekeeper-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['the server itself', 'one', 'its-own-1'],
  ] as const)('is 404 where it is of %s', async (_, app, foreign) => {
    const { scene, server } = await setScene()
    const { id } = await beginSession(scene)
    const intruder = rawClient(scene, app, { 'mcp-session-id': foreign ?? id })
    const answers = [await intruder.post(call(1, 'echo')), await intruder.remove()]
    for (const answer of answers) {
      expect(answer.status).toBe(404)
      expect(errorOf(answer).error.data.code).toBe('gateway.session_unknown')
    }
    expect((await intruder.get()).status).toBe(404)
    expect(server.messages.map(({ method }) => method)).not.toContain('tools/call')
    expect(server.deleted).toEqual([])
  })

  it('ends with DELETE, at the server as well, and answers what is under way', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const stream = await client.get()
    const open = client.post(call(1, 'echo'))
    await server.taken('echo')
    expect((await client.remove()).status).toBe(204)
    expect(errorOf(await open)).toMatchObject({ id: 1, error: { data: { code: 'gateway.session_unknown' } } })
    await stream.whole
    await until(() => server.deleted.length === 1)
    expect(server.deleted).toEqual(['its-own-1'])
    expect((await client.post(call(2, 'echo'))).status).toBe(404)
  })

  it('is needed for all but its beginning', async () => {
    const { scene } = await setScene()
    const client = rawClient(scene)
    const answer = await client.post(call(1, 'echo'))
    expect(answer.status).toBe(400)
    expect(errorOf(answer)).toMatchObject({ id: 1, error: { data: { code: 'gateway.session_needed' } } })
    const get = await client.get()
    expect([get.status, get.headers.allow]).toEqual([405, 'POST'])
    expect((await client.remove()).status).toBe(405)
  })

  it('does not come to be where the server refuses it', async () => {
    const { scene } = await setScene({ access: { credentials: () => Promise.reject(new Error('no')) } })
    const answer = await rawClient(scene).post(initialize())
    expect(answer.headers['mcp-session-id']).toBeUndefined()
    expect(errorOf(answer)).toMatchObject({ id: 'init', error: { data: { code: 'bridge.internal' } } })
  })

  it('ends when nobody used it for long, but not while its stream is open', async () => {
    let now = 0
    const hosting = { times: times({ beatMs: 5, sessionMs: 1000, now: () => now }) }
    const { scene, server } = await setScene({ hosting })
    const idle = await beginSession(scene)
    const left = idle.client.stream(call(1, 'never'))
    ;(await server.taken('never')).say(progress(1))
    ;(await left).leave()
    const { client } = await beginSession(scene)
    const stream = await client.get()
    const watcher = await (await beginSession(scene)).client.get()
    const beats = (): number => watcher.text.split(':\n\n').length
    now = 2000
    await until(() => server.deleted.length > 0)
    expect((await idle.client.post({ jsonrpc: '2.0', method: 'x' })).status).toBe(404)
    stream.leave()
    const seen = beats()
    await until(() => beats() > seen + 2)
    expect(server.deleted).toEqual(['its-own-1'])
    expect((await client.post({ jsonrpc: '2.0', method: 'x' })).status).toBe(202)
    watcher.leave()
  })
})

describe('what is posted in a session (MCP 2025-11-25, Sending Messages to the Server)', () => {
  it('is 202 without a body for a notification and for an answer, which the server gets as they are', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const note = { jsonrpc: '2.0', method: 'notifications/own', params: { x: [1.0, 'ü'] } }
    const answer = { jsonrpc: '2.0', id: 'asked', result: {} }
    for (const message of [note, answer]) {
      const { status, body } = await client.post(message)
      expect([status, body.length]).toEqual([202, 0])
    }
    await until(() => server.messages.length === 4)
    expect(server.messages.slice(2)).toEqual(expect.arrayContaining([note, answer]))
  })

  it('is answered in JSON where nothing comes before the answer', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const answered = client.post(call(1, 'echo'))
    ;(await server.taken('echo')).answer({ ok: true })
    const { headers, body } = await answered
    expect(headers['content-type']).toBe('application/json')
    expect(body.toString()).toBe('{"jsonrpc":"2.0","id":1,"result":{"ok":true}}')
  })

  it('is answered with an event stream where something comes before the answer', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'echo'))
    const asked = await server.taken('echo')
    asked.say(progress(1))
    const stream = await opening
    expect(stream.headers['content-type']).toBe('text/event-stream')
    await stream.find(({ method }) => method === 'notifications/progress')
    asked.answer({ ok: true })
    expect(messagesIn(await stream.whole).map(({ id, method }) => id ?? method)).toEqual([
      'notifications/progress',
      1,
    ])
  })

  it('keeps requests apart that have the same id', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const [first, second] = [client.post(call(7, 'one')), client.post(call(7, 'two'))]
    ;(await server.taken('two')).answer({ is: 'two' })
    ;(await server.taken('one')).answer({ is: 'one' })
    expect(messageOf(await first).result).toEqual({ is: 'one' })
    expect(messageOf(await second).result).toEqual({ is: 'two' })
  })

  it.each([
    ['no JSON', '{', -32_700],
    ['nothing', '', -32_700],
    ['no message', '{"jsonrpc":"2.0","id":3}', -32_600],
    ['an empty batch', '[]', -32_600],
    ['a batch, which its version has not', `[${JSON.stringify(call(1, 'echo'))}]`, -32_600],
  ])('is 400 for %s', async (_, text, code) => {
    const { scene } = await setScene()
    const { client } = await beginSession(scene)
    const answer = await client.post(text)
    expect(answer.status).toBe(400)
    expect(errorOf(answer).error.code).toBe(code)
  })

  it('is refused where it is too large, and the session goes on', async () => {
    const { scene } = await setScene({ maxRequestBytes: 2000 })
    const { client } = await beginSession(scene)
    const answer = await client.post(call(1, 'x'.repeat(3000)))
    expect(answer.status).toBe(413)
    expect(errorOf(answer).error.data.code).toBe('gateway.body_too_large')
    expect((await client.post({ jsonrpc: '2.0', method: 'x' })).status).toBe(202)
  })

  it('may be a batch in 2025-03-26, and every request of it is answered', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene, '2025-03-26')
    const note = { jsonrpc: '2.0', method: 'notifications/own' }
    const opening = client.stream([call(1, 'one'), note, call(2, 'two')])
    ;(await server.taken('two')).answer({ is: 'two' })
    ;(await server.taken('one')).answer({ is: 'one' })
    const messages = messagesIn(await (await opening).whole)
    expect(messages.map(({ id, result }) => [id, result])).toEqual([
      [2, { is: 'two' }],
      [1, { is: 'one' }],
    ])
    expect((await client.post([note, note])).status).toBe(202)
  })

  it('is not cancelled at the server when the client loses the connection, but when it says so', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'one'))
    const asked = await server.taken('one')
    asked.say(progress(1))
    const stream = await opening
    stream.leave()
    const second = client.post(call(2, 'two'))
    ;(await server.taken('two')).answer({})
    await second
    expect(asked.hasEnded).toBe(false)
    await client.post({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } })
    await until(() => server.messages.some(({ method }) => method === 'notifications/cancelled'))
  })
})

describe('the streams of a session (MCP 2025-11-25, Listening for Messages from the Server)', () => {
  it('carry what is about a request with the request, and everything else on the stream of the GET', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const own = await client.get()
    const opening = client.stream(call(1, 'echo'))
    const asked = await server.taken('echo')
    asked.say({ id: 'q', method: 'sampling/createMessage', params: {} })
    const stream = await opening
    await server.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    await own.find(({ method }) => method === 'notifications/tools/list_changed')
    await client.post({ jsonrpc: '2.0', id: 'q', result: { role: 'assistant' } })
    await until(() => server.messages.some(({ id }) => id === 'q'))
    asked.answer({})
    expect(messagesIn(await stream.whole).map(({ id }) => id)).toEqual(['q', 1])
    expect(own.messages).toHaveLength(1)
    own.leave()
  })

  it('keep what comes while nobody listens', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    for (const n of [1, 2]) await server.say({ jsonrpc: '2.0', method: 'notifications/own', params: { n } })
    const answered = client.post(call(1, 'echo'))
    ;(await server.taken('echo')).answer({})
    await answered
    const own = await client.get()
    await own.find(({ params }) => params?.n === 2)
    expect(own.messages.map(({ params }) => params.n)).toEqual([1, 2])
    own.leave()
    const next = await client.get()
    await server.say({ jsonrpc: '2.0', method: 'notifications/own', params: { n: 3 } })
    await next.find(({ params }) => params?.n === 3)
    expect(next.messages).toHaveLength(1)
    next.leave()
  })

  it('have one reader each: a new one takes over, and nothing comes twice', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const first = await client.get()
    await server.say({ jsonrpc: '2.0', method: 'notifications/own', params: { n: 1 } })
    await first.find(({ params }) => params?.n === 1)
    const second = await client.get()
    await first.whole
    await server.say({ jsonrpc: '2.0', method: 'notifications/own', params: { n: 2 } })
    await second.find(({ params }) => params?.n === 2)
    expect(second.messages).toHaveLength(1)
    second.leave()
  })
})
