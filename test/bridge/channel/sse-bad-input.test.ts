import { describe, expect, it } from 'vitest'
import { answerAsUsual } from '../../support/sse-server.ts'
import { until } from '../gateway/support.ts'
import { isFor, setSseScene } from './scene.ts'

describe('ids over HTTP with SSE', () => {
  it.each([
    ['1', '1.0'],
    ['1e2', '100'],
    ['12345678901234567890', '12345678901234567000'],
    ['-0', '0'],
    ['"a\\u0041"', '"aA"'],
    ['"ünï"', '"\\u00fcn\\u00ef"'],
    ['""', '""'],
  ])('the answer to %s is known in the spelling %s', async (asked, answered) => {
    const scene = await setSseScene({
      react({ method }, { response }) {
        if (method === 'x') response.write(`data: {"jsonrpc":"2.0","id":${answered},"result":{}}\n\n`)
      },
    })
    const { bytes } = await scene.answerTo(scene.say(`{"jsonrpc":"2.0","id":${asked},"method":"x"}`))
    expect(bytes.toString()).toBe(`{"jsonrpc":"2.0","id":${asked},"result":{}}`)
  })

  it.each(['null', '{"a":1}', '[1]', 'true'])(
    '%s is refused, since its answer could not be known',
    async (id) => {
      const scene = await setSseScene()
      const { error, end } = await scene.answerTo(scene.say(`{"jsonrpc":"2.0","id":${id},"method":"x"}`))
      expect(error?.data.code).toBe('gateway.message_invalid')
      expect(end.failure?.code).toBe('gateway.message_invalid')
      expect(scene.server.streams).toHaveLength(0)
    },
  )

  it('may be the same for two calls: each gets an answer', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const calls = ['one', 'two'].map((text) =>
      scene.say({ id: 1, method: 'tools/call', params: { name: 'echo', arguments: { text } } }),
    )
    for (const call of calls) expect((await scene.answerTo(call)).result).toBeDefined()
  })

  it('that nobody asked with end the calls that they must have been for', async () => {
    const scene = await setSseScene({
      react(said, stream) {
        if (said.method === 'tools/call') stream.say({ jsonrpc: '2.0', id: 'not asked', result: {} })
        else answerAsUsual(said, stream)
      },
    })
    await scene.begin()
    const answers = await Promise.all([scene.ask('tools/call'), scene.ask('tools/call')])
    for (const { error } of answers) expect(error?.data.code).toBe('server.failed')
    expect((await scene.ask('tools/list')).result).toBeDefined()
  })

  it('that are missing in an error make it the answer to the only call', async () => {
    const error = { code: -32700, message: 'Parse error' }
    const scene = await setSseScene({
      react: (_said, stream) => stream.say({ jsonrpc: '2.0', id: null, error }),
    })
    expect((await scene.ask('x', {}, 'mine')).error).toEqual(error)
  })
})

describe('what does not fit', () => {
  it.each([
    [404, 'server.not_mcp'],
    [405, 'server.not_mcp'],
    [403, 'server.forbidden'],
    [500, 'server.failed'],
  ])('a GET answered with %i is an error', async (status, code) => {
    const scene = await setSseScene()
    scene.server.loopback.faults.add('/sse', { kind: 'answer', status })
    expect((await scene.ask('initialize')).error?.data.code).toBe(code)
    expect((await scene.begin()).result).toBeDefined()
  })

  it('a POST refused with a JSON-RPC error passes that on', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const error = { code: -32600, message: 'No', data: { why: 1 } }
    const body = JSON.stringify({ jsonrpc: '2.0', id: null, error })
    scene.server.loopback.faults.add('/messages', { kind: 'answer', status: 400, body }, { when: isFor('x') })
    expect(await scene.ask('x', {}, 'mine')).toMatchObject({ id: 'mine', error, end: { status: 400 } })
  })

  it('a POST refused without one is an error of ours', async () => {
    const scene = await setSseScene()
    await scene.begin()
    scene.server.loopback.faults.add(
      '/messages',
      { kind: 'answer', status: 400, body: 'no' },
      { when: isFor('tools/call') },
    )
    expect((await scene.ask('tools/call')).error?.data).toMatchObject({ code: 'server.failed' })
  })

  it('a POST that the server never accepts does not keep the next one waiting for ever', async () => {
    const scene = await setSseScene({ times: { answerMs: 20 } })
    const hang = { kind: 'hang' } as const
    scene.server.loopback.faults.add('/messages', hang, { when: isFor('notifications/initialized') })
    await scene.begin()
    expect((await scene.ask('tools/list')).result).toBeDefined()
  })

  it('an event of 10 MB in small pieces arrives whole', async () => {
    const text = 'x'.repeat(10 * 1024 * 1024)
    const scene = await setSseScene({
      react(_said, { response }) {
        const event = Buffer.from(`data: {"jsonrpc":"2.0","id":"big","result":{"text":"${text}"}}\n\n`)
        for (let at = 0; at < event.length; at += 7_001) response.write(event.subarray(at, at + 7_001))
      },
    })
    expect((await scene.ask('big', {}, 'big')).result.text).toBe(text)
  })

  it('an answer larger than the limit is an error, and the next call is served', async () => {
    const scene = await setSseScene({ most: 100_000 })
    await scene.begin()
    const text = 'x'.repeat(200_000)
    const call = await scene.ask('tools/call', { name: 'echo', arguments: { text } })
    expect(call.error?.data.code).toBe('network.too_large')
    expect((await scene.ask('tools/list')).result._meta.stream).toBe(2)
  })

  it('more than 4096 calls under way are refused', async () => {
    const scene = await setSseScene()
    await scene.begin()
    for (let n = 0; n < 4_096; n++)
      scene.say({ id: `wait ${n}`, method: 'tools/call', params: { name: 'wait' } })
    expect((await scene.ask('tools/list')).error?.data.code).toBe('gateway.too_many_calls')
    scene.say({ method: 'notifications/cancelled', params: { requestId: 'wait 0' } })
    expect((await scene.ask('ping')).result).toBeDefined()
  })

  it('a client that does not read makes the server wait', async () => {
    const scene = await setSseScene()
    await scene.begin()
    scene.channel.pause()
    const [stream] = scene.server.streams
    const text = 'x'.repeat(64 * 1024)
    const note = { jsonrpc: '2.0', method: 'notifications/message', params: { text } }
    for (let n = 0; n < 400; n++) stream?.say(note)
    // What the sockets of the system hold is sent; the rest stays where it is.
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(stream?.response.writableLength).toBeGreaterThan(10 * 1024 * 1024)
    expect(scene.client.passed.length).toBeLessThan(10)
    scene.channel.resume()
    await until(() => scene.client.passed.length === 400)
  })
})
