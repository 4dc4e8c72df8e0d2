import { describe, expect, it } from 'vitest'
import { endpointFrom } from '../../../bridge/channel/sse-link.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { answerAsUsual, answerInBody } from '../../support/sse-server.ts'
import { token, until } from '../gateway/support.ts'
import { isFor, setSseScene } from './scene.ts'

describe('a server of 2024-11-05 (HTTP with SSE)', () => {
  it('is called by POST at the place that it names, and answers on one stream for each client', async () => {
    const scene = await setSseScene()
    expect(scene.server.streams).toHaveLength(0)
    expect((await scene.begin()).result.protocolVersion).toBe('2024-11-05')
    const other = scene.another()
    await other.begin()
    const [mine, yours] = await Promise.all([scene.ask('tools/list'), other.ask('tools/list')])
    expect([mine.result._meta.stream, yours.result._meta.stream]).toEqual([1, 2])
    expect(scene.server.said).toEqual([
      '1 initialize',
      '1 notifications/initialized',
      '2 initialize',
      '2 notifications/initialized',
      '1 tools/list',
      '2 tools/list',
    ])
  })

  it('gets every message as the bytes that the client wrote, with the credentials', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const line = '{"jsonrpc": "2.0", "future": [1.0],"id":  7 ,"method":"x/y","params":{"ä":"\\u00e4"}}'
    await scene.answerTo(scene.say(line))
    const post = scene.server.loopback.requestsOf('/messages', 'POST').at(-1)
    expect(post?.body).toBe(line)
    expect(post?.headers.authorization).toBe('Bearer token-1')
    expect(post?.headers['mcp-protocol-version']).toBe('2024-11-05')
  })

  it('answers thousands of calls at once, each with its own answer', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const texts = Array.from({ length: 2_000 }, (_, n) => `nonce ${n}`)
    const answers = await Promise.all(
      texts.map((text) => scene.ask('tools/call', { name: 'echo', arguments: { text } })),
    )
    expect(answers.map(({ result }) => result.content[0].text)).toEqual(texts)
    expect(scene.channel.awaited).toBe(0)
  })

  it('may answer in the body of the POST', async () => {
    const scene = await setSseScene({
      react: ({ id }, _stream, exchange) =>
        id === undefined
          ? false
          : answerInBody(exchange, { jsonrpc: '2.0', id, result: { protocolVersion: 'x' } }),
    })
    expect((await scene.begin()).end).toEqual({ status: 200, isError: false })
  })

  it('may ask the client, whose answer it gets', async () => {
    const scene = await setSseScene({
      react(said, stream) {
        if (said.params?.name === 'ask') stream.say({ jsonrpc: '2.0', id: 0, method: 'roots/list' })
        else if (said.result) stream.say({ jsonrpc: '2.0', id: 'call', result: said.result })
        else answerAsUsual(said, stream)
      },
    })
    await scene.begin()
    const call = scene.say({ id: 'call', method: 'tools/call', params: { name: 'ask' } })
    await until(() => scene.client.passed.length === 1)
    expect(scene.client.passed[0]).toMatchObject({ id: 0, method: 'roots/list', about: call })
    scene.say({ id: 0, result: { roots: [] } })
    expect((await scene.answerTo(call)).result).toEqual({ roots: [] })
  })

  it('tells the progress of a call by its token', async () => {
    const scene = await setSseScene({
      react(said, stream) {
        if (said.params?._meta) {
          const params = { progressToken: said.params._meta.progressToken, progress: 1 }
          stream.say({ jsonrpc: '2.0', method: 'notifications/progress', params })
        } else answerAsUsual(said, stream)
      },
    })
    await scene.begin()
    const calls = ['a', 7].map((progressToken) =>
      scene.say({
        id: progressToken,
        method: 'tools/call',
        params: { name: 'wait', _meta: { progressToken } },
      }),
    )
    await until(() => scene.client.passed.length === 2)
    expect(new Set(scene.client.passed.map(({ about }) => about))).toEqual(new Set(calls))
  })

  it('hears of a cancellation, and its late answer goes nowhere', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const other = scene.say({ id: 'other', method: 'tools/call', params: { name: 'wait' } })
    scene.say({ id: 'wait', method: 'tools/call', params: { name: 'wait' } })
    await until(() => scene.server.said.filter((said) => said === '1 tools/call').length === 2)
    scene.say({ method: 'notifications/cancelled', params: { requestId: 'wait' } })
    expect(scene.client.droppedIds).toEqual(['wait'])
    await until(() => scene.server.said.includes('1 notifications/cancelled'))
    const [stream] = scene.server.streams
    stream?.say({ jsonrpc: '2.0', id: 'wait', result: {} })
    stream?.say({ jsonrpc: '2.0', id: 'other', result: {} })
    expect((await scene.answerTo(other)).result).toEqual({})
    expect(scene.client.answers).toHaveLength(2)
  })

  it('keeps the order: initialize, initialized, then the rest', async () => {
    const scene = await setSseScene()
    scene.say({ id: 1, method: 'initialize', params: {} })
    scene.say({ method: 'notifications/initialized' })
    const list = scene.say({ id: 2, method: 'tools/list' })
    await scene.answerTo(list)
    expect(scene.server.said).toEqual(['1 initialize', '1 notifications/initialized', '1 tools/list'])
  })

  it('begins a new stream when the client initializes once more', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const wait = scene.say({ id: 'wait', method: 'tools/call', params: { name: 'wait' } })
    await until(() => scene.server.said.includes('1 tools/call'))
    await scene.begin().catch(() => undefined)
    expect((await scene.answerTo(wait)).end.failure?.code).toBe('gateway.session_lost')
    expect((await scene.ask('tools/list')).result._meta.stream).toBe(2)
    expect(scene.server.streams).toHaveLength(2)
  })
})

describe('the endpoint event', () => {
  const base = new URL('https://mcp.example.com/v1/sse?tenant=a')
  const read = (text: string): string => endpointFrom(Buffer.from(text), base).href

  it.each([
    ['/messages?s=1', 'https://mcp.example.com/messages?s=1'],
    ['messages?s=1', 'https://mcp.example.com/v1/messages?s=1'],
    ['?s=1', 'https://mcp.example.com/v1/sse?s=1'],
    ['https://mcp.example.com:443/m', 'https://mcp.example.com/m'],
  ])('names %s', (text, url) => expect(read(text)).toBe(url))

  it.each([
    'https://evil.example.com/messages',
    '//evil.example.com/messages',
    '/\\evil.example.com/messages',
    'http://mcp.example.com/messages',
    'https://mcp.example.com:8443/messages',
    'https://mcp.example.com.evil.com/',
    'https://mcp.example.com@evil.com/',
    'javascript:alert(1)',
    'data:text/plain,x',
    'https://[',
  ])('is refused where it names %s', (text) => {
    expect(() => read(text)).toThrow(BridgeError)
    expect(() => read(text)).toThrow(expect.objectContaining({ code: 'server.endpoint_refused' }))
  })

  it('is refused where it is longer than any address', () => {
    expect(() => read(`/${'a'.repeat(9_000)}`)).toThrow(BridgeError)
  })

  it('of another origin gets no byte', async () => {
    const foreign = await setSseScene()
    const scene = await setSseScene({ endpoint: () => `${foreign.server.loopback.origin}/messages?stream=1` })
    const { error } = await scene.ask('initialize')
    expect(error?.data).toMatchObject({ code: 'server.endpoint_refused' })
    expect(foreign.server.loopback.requests).toHaveLength(0)
    expect(scene.server.loopback.requestsOf('/messages')).toHaveLength(0)
  })

  it('may be absolute', async () => {
    const scene = await setSseScene({ endpoint: (stream, origin) => `${origin}/messages?stream=${stream}` })
    expect((await scene.begin()).result).toBeDefined()
  })

  it('that never comes is an error', async () => {
    const scene = await setSseScene({ endpoint: () => undefined, times: { endpointMs: 50 } })
    expect((await scene.ask('initialize')).error?.data.code).toBe('server.not_mcp')
  })
})

describe('credentials over HTTP with SSE', () => {
  const refusal = { kind: 'answer', status: 401 } as const

  it.each(['/sse', '/messages'])('are renewed when %s refuses them', async (path) => {
    const scene = await setSseScene()
    scene.server.loopback.faults.add(path, refusal)
    expect((await scene.begin()).result).toBeDefined()
    expect(scene.access.refusals).toHaveLength(1)
    const [, second] = scene.server.loopback.requestsOf(path)
    expect(second?.headers.authorization).toBe('Bearer token-2')
  })

  it.each(['/sse', '/messages'])('that %s refuses again are an error', async (path) => {
    const scene = await setSseScene()
    scene.server.loopback.faults.add(path, refusal, { times: 2 })
    expect((await scene.ask('initialize')).error?.data.code).toBe('server.refused_token')
    expect((await scene.ask('initialize')).result).toBeDefined()
  })

  it('are asked for more scopes, and the call is made then', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="more"' }
    scene.server.loopback.faults.add(
      '/messages',
      { kind: 'answer', status: 403, headers },
      { when: isFor('tools/call') },
    )
    const { result } = await scene.ask('tools/call', { name: 'echo', arguments: { text: 'x' } })
    expect(result.content[0].text).toBe('x')
    expect(scene.access.stepUps.map(({ by }) => by)).toEqual([
      { client: 'Test Client', method: 'tools/call', name: 'echo' },
    ])
  })

  it('that are missing are an error at once, and the stream opens when they are there', async () => {
    let isSignedIn = false
    const credentials = () =>
      isSignedIn ? token(1) : Promise.reject(new BridgeError('connection.signed_out'))
    const scene = await setSseScene({ access: { credentials } })
    expect((await scene.ask('initialize')).error?.data.code).toBe('connection.signed_out')
    isSignedIn = true
    expect((await scene.begin()).result).toBeDefined()
  })

  it('end stream and calls when they end', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const call = scene.say({ id: 1, method: 'tools/call', params: { name: 'wait' } })
    await until(() => scene.server.said.includes('1 tools/call'))
    scene.access.end(new BridgeError('connection.ended'))
    expect((await scene.answerTo(call)).error?.data.code).toBe('connection.ended')
    await until(() => scene.server.streams[0]?.response.destroyed === true)
    expect(scene.around.inFlight.size).toBe(0)
  })
})
