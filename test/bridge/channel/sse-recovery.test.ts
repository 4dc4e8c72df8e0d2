import { describe, expect, it } from 'vitest'
import type { Json } from '../../../bridge/channel/channel.ts'
import { answerAsUsual, type SseStream } from '../../support/sse-server.ts'
import { until } from '../gateway/support.ts'
import { isFor, openSse, setSseScene, type SseScene } from './scene.ts'

/** Makes a request that gets no answer for now, and resolves when the server has it. */
async function hang(scene: SseScene, method: string, id = 'hangs') {
  const params = method === 'tools/call' ? { name: 'wait' } : {}
  const request = scene.say({ id, method, params })
  await until(() => scene.server.said.includes(`1 ${method}`))
  return request
}

/** A server that leaves the first request of a method without an answer. */
function forgets(method: string) {
  let hasForgotten = false
  return (said: Parameters<typeof answerAsUsual>[0], stream: SseStream): void => {
    if (said.method === method && !hasForgotten) hasForgotten = true
    else answerAsUsual(said, stream)
  }
}

describe('a stream that is cut', () => {
  it('ends a call that may have had an effect, once, and does not make it again', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const call = await hang(scene, 'tools/call')
    scene.server.streams[0]?.cut()
    expect((await scene.answerTo(call)).error?.data.code).toBe('gateway.stream_cut')
    await scene.ask('ping')
    expect(scene.server.said.filter((said) => said.endsWith('tools/call'))).toHaveLength(1)
  })

  it('is opened anew: the session begins again, and what may be repeated is asked again', async () => {
    const scene = await setSseScene({ react: forgets('resources/read') })
    await scene.begin()
    await scene.ask('logging/setLevel', { level: 'info' })
    await scene.ask('resources/subscribe', { uri: 'a:1' })
    await scene.ask('resources/subscribe', { uri: 'a:2' })
    await scene.ask('resources/unsubscribe', { uri: 'a:1' })
    const read = await hang(scene, 'resources/read')
    scene.server.streams[0]?.cut()
    expect((await scene.answerTo(read)).result).toEqual({})
    expect(scene.server.said.filter((said) => said.startsWith('2 '))).toEqual([
      '2 initialize',
      '2 notifications/initialized',
      '2 logging/setLevel',
      '2 resources/subscribe',
      '2 resources/read',
    ])
    const again = scene.server.streams[1]?.received.find(({ method }) => method === 'resources/subscribe')
    expect(again?.params).toEqual({ uri: 'a:2' })
    expect(scene.client.answers).toHaveLength(6)
  })

  it('is opened anew although nobody asks, so that the server can speak', async () => {
    const scene = await setSseScene()
    await scene.begin()
    await scene.ask('ping')
    scene.server.streams[0]?.cut()
    await until(() => scene.server.said.includes('2 notifications/initialized'))
    scene.server.streams[1]?.say({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' })
    await until(() => scene.client.passed.length === 1)
    expect(scene.client.passed[0]?.method).toBe('notifications/tools/list_changed')
  })

  it('may name another place for messages the next time', async () => {
    const scene = await setSseScene({ endpoint: (stream) => `/messages?stream=${stream}&era=${stream * 7}` })
    await scene.begin()
    await scene.ask('ping')
    scene.server.streams[0]?.cut()
    await until(() => scene.server.streams.length === 2)
    await scene.ask('tools/list')
    const eras = scene.server.loopback.requestsOf('/messages').map(({ query }) => query.get('era'))
    expect(new Set(eras)).toEqual(new Set(['7', '14']))
  })

  it('while the server is away is opened when it is back', async () => {
    const scene = await setSseScene({
      react: forgets('tools/list'),
      times: { reopenMs: 100, mostReopenMs: 400 },
    })
    await scene.begin()
    const list = await hang(scene, 'tools/list')
    await scene.server.loopback.down()
    await scene.server.loopback.up()
    expect((await scene.answerTo(list)).result._meta.stream).toBeGreaterThan(1)
  })

  it('of a server that stays away ends everything, and the next message tries again', async () => {
    const scene = await setSseScene()
    await scene.begin()
    const list = scene.say({ id: 'list', method: 'tools/call', params: { name: 'wait' } })
    await until(() => scene.server.said.includes('1 tools/call'))
    await scene.server.loopback.down()
    expect((await scene.answerTo(list)).error?.data.code).toBe('gateway.stream_cut')
    expect((await scene.ask('tools/list')).error?.data.code).toBe('network.unreachable')
    await scene.server.loopback.up()
    expect((await scene.ask('tools/list')).result).toBeDefined()
  })

  it('again and again ends what was repeated too often', async () => {
    const scene = await setSseScene({
      react(said, stream) {
        if (said.method === 'tools/list') stream.cut()
        else answerAsUsual(said, stream)
      },
    })
    await scene.begin()
    expect((await scene.ask('tools/list')).error?.data.code).toBe('gateway.stream_cut')
    expect(scene.server.said.filter((said) => said.endsWith('tools/list'))).toHaveLength(4)
  })

  it('takes the requests of the server with it', async () => {
    const scene = await setSseScene()
    await scene.begin()
    await scene.ask('ping')
    scene.server.streams[0]?.say({ jsonrpc: '2.0', id: 0, method: 'roots/list' })
    await until(() => scene.client.passed.length === 1)
    scene.server.streams[0]?.cut()
    await until(() => scene.client.passed.length === 2)
    expect(scene.client.passed[1]).toMatchObject({
      method: 'notifications/cancelled',
      params: { requestId: 0 },
    })
    await until(() => scene.server.said.includes('2 notifications/initialized'))
    scene.say({ id: 0, result: { roots: [] } })
    await scene.ask('ping')
    expect(scene.server.said).not.toContain('2 answer')
  })

  it('before the answer to initialize lets that be asked again', async () => {
    const scene = await setSseScene({
      react(said, stream) {
        if (stream.number === 1) stream.cut()
        else answerAsUsual(said, stream)
      },
    })
    expect((await scene.begin()).result.protocolVersion).toBe('2024-11-05')
  })

  it.each([
    ['refuses to begin anew', { error: { code: -1, message: 'no' } }],
    ['speaks another version now', { result: { protocolVersion: '2025-06-18' } }],
  ])('of a server that %s ends what waits', async (_, outcome) => {
    const scene = await setSseScene({
      react(said, stream) {
        if (stream.number === 1)
          return said.method === 'tools/list' ? stream.cut() : answerAsUsual(said, stream)
        stream.say({ jsonrpc: '2.0', id: said.id, ...outcome })
      },
    })
    await scene.begin()
    expect((await scene.ask('tools/list')).error?.data.code).toBe('gateway.session_lost')
  })

  it('of a server that does not answer any more ends what waits', async () => {
    const scene = await setSseScene({
      times: { answerMs: 20 },
      react(said, stream) {
        if (stream.number === 1)
          return said.method === 'tools/list' ? stream.cut() : answerAsUsual(said, stream)
      },
    })
    await scene.begin()
    expect((await scene.ask('tools/list')).error?.data.code).toBe('network.timeout')
  })
})

describe('a session that the server has forgotten (404)', () => {
  const gone = { kind: 'answer', status: 404, body: 'Could not find session' } as const

  it('is begun anew, and what may be repeated is asked again', async () => {
    const scene = await setSseScene()
    await scene.begin()
    scene.server.loopback.faults.add('/messages', gone, { when: isFor('tools/list') })
    expect((await scene.ask('tools/list')).result._meta.stream).toBe(2)
    expect(scene.server.said).not.toContain('1 tools/list')
  })

  it('ends a call that may have had an effect, which is not made again', async () => {
    const scene = await setSseScene()
    await scene.begin()
    scene.server.loopback.faults.add('/messages', gone, { when: isFor('tools/call') })
    const call = scene.ask('tools/call', { name: 'echo', arguments: { text: 'x' } })
    expect((await call).error?.data.code).toBe('gateway.session_lost')
    expect((await scene.ask('tools/list')).result._meta.stream).toBe(2)
    expect(scene.server.said.filter((said) => said.endsWith('tools/call'))).toHaveLength(0)
  })
})

describe('another bridge', () => {
  it('goes on with the session of the one before, and loses nothing but the calls under way', async () => {
    const scene = await setSseScene({ react: forgets('tools/list') })
    await scene.begin()
    await scene.ask('resources/subscribe', { uri: 'a:1' })
    await hang(scene, 'tools/call', 'call')
    const list = await hang(scene, 'tools/list', 'list')
    const state = JSON.parse(JSON.stringify(scene.channel.session())) as Json
    expect(scene.channel.pending()).toEqual([{ id: '"call"' }, { message: list }])
    scene.channel.close(false)

    const next = openSse(scene.around)
    expect(next.channel.restore(state)).toBe(true)
    expect(
      (await next.answerTo(next.say('{"jsonrpc":"2.0","id":"list","method":"tools/list"}'))).result,
    ).toBeDefined()
    expect(scene.server.said.filter((said) => said.startsWith('2 '))).toEqual([
      '2 initialize',
      '2 notifications/initialized',
      '2 resources/subscribe',
      '2 tools/list',
    ])
  })

  it('refuses what is no session', async () => {
    const scene = await setSseScene()
    expect(scene.channel.restore({ initialize: 'x' })).toBe(false)
    expect(scene.channel.restore(null)).toBe(true)
  })

  it('gets the calls that it can repeat; the others end before', async () => {
    const scene = await setSseScene({ react: forgets('tools/list') })
    await scene.begin()
    const call = await hang(scene, 'tools/call', 'call')
    const list = await hang(scene, 'tools/list', 'list')
    scene.channel.giveUp({ code: 'bridge.busy' })
    expect((await scene.answerTo(call)).error?.data.code).toBe('bridge.busy')
    expect(scene.channel.pending()).toEqual([{ message: list }])
  })

  it('gets the calls that the server has not heard of, which hears of them from no other', async () => {
    const scene = await setSseScene()
    const gate = scene.server.loopback.faults.hold('/sse')
    const call = scene.say({ id: 1, method: 'tools/call', params: { name: 'echo' } })
    await gate.arrived
    scene.channel.giveUp({ code: 'bridge.busy' })
    gate.open()
    await until(() => scene.server.streams.length === 1)
    await scene.another().begin()
    expect(scene.channel.pending()).toEqual([{ message: call }])
    expect(scene.server.said.filter((said) => said.startsWith('1 '))).toEqual([])
  })
})
