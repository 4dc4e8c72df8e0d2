import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { answerEvents, answerJson } from '../support/raw-server.ts'
import { canMeasure, peakMemory } from './memory.ts'
import { setRawScene, type RawScene } from './scene.ts'

const megabyte = 1024 * 1024

const wait = { name: 'wait', arguments: {} }

/** A server whose tool `wait` gets no answer. */
function withoutAnswer(): Promise<RawScene> {
  return setRawScene({
    react: ({ params }, exchange) => params?.name === 'wait' && answerEvents(exchange, ':\n\n', 'open'),
  })
}

describe('stdin that is closed', () => {
  it('in a call lets that be answered first', async () => {
    const scene = await setRawScene()
    const gate = scene.server.loopback.faults.hold('/mcp', 'after')
    const client = scene.spawn()
    client.send({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    await gate.arrived
    const ended = client.end()
    gate.open()
    expect(await ended).toBe(0)
    expect(client.lines.map((line) => JSON.parse(line).id as number)).toEqual([1])
  })

  it('in calls that never end ends these at the server, and the shim', async () => {
    const scene = await withoutAnswer()
    const client = scene.spawn()
    for (let id = 0; id < 7; id++) client.send({ jsonrpc: '2.0', id, method: 'tools/call', params: wait })
    await expect.poll(() => scene.server.openAnswers(), { timeout: 10_000 }).toBe(7)
    expect(await client.end()).toBe(0)
    expect(client.lines).toEqual([])
    await expect.poll(() => scene.server.openAnswers(), { timeout: 10_000 }).toBe(0)
  })

  it('in the middle of a line ends with an error for that, and nothing reaches the server', async () => {
    const scene = await setRawScene()
    const client = scene.spawn()
    client.send('{"jsonrpc":"2.0","id":1,"method":"tools/ca')
    expect(await client.end()).toBe(0)
    expect(client.lines.map((line) => JSON.parse(line).error.code as number)).toEqual([-32_700])
    expect(scene.server.loopback.requests).toHaveLength(0)
  })
})

describe('a bridge that dies', () => {
  it('in calls: a list is asked for again, and a tool is not called twice', async () => {
    const scene = await setRawScene()
    const client = scene.spawn()
    await client.initialize()
    const gate = scene.server.loopback.faults.hold('/mcp', 'after', ({ body }) =>
      /"(?:list|call)"/.test(body),
    )
    client.send({ jsonrpc: '2.0', id: 'list', method: 'tools/list' })
    client.send({ jsonrpc: '2.0', id: 'call', method: 'tools/call', params: { name: 'echo' } })
    await expect.poll(() => gate.waiting(), { timeout: 10_000 }).toBe(2)
    await scene.killAndRestart()
    gate.open()
    expect((await client.find(({ id }) => id === 'call')).error?.data.code).toBe('gateway.call_lost')
    expect((await client.find(({ id }) => id === 'list')).result).toEqual({ tools: [] })
    expect(scene.server.received('tools/list')).toHaveLength(2)
    expect(scene.server.received('tools/call')).toHaveLength(1)
    expect(scene.server.received('initialize')).toHaveLength(1)
  })

  it.each(['one connection', 'all connections'])(
    'after a person allowed a call that it had already noted as waiting does not have it made twice (%s)',
    async (entry) => {
      const scene = await setRawScene()
      const { control, server } = scene
      const rule = { connection: 'raw' as never, tool: 'echo', verdict: 'ask' } as const
      await control.access.set({ sets: 'rule', client: 'cursor', ...rule })
      const args = ['--client', 'cursor']
      const isAll = entry === 'all connections'
      const name = isAll ? 'raw__echo' : 'echo'
      const client = isAll ? scene.spawnAll(args) : scene.spawn('raw', args)
      await client.initialize()
      const gate = server.loopback.faults.hold('/mcp', 'after', ({ body }) => body.includes('"tools/call"'))
      client.send({ jsonrpc: '2.0', id: 'call', method: 'tools/call', params: { name } })
      await expect.poll(async () => (await control.approvals.list({})).length, { timeout: 10_000 }).toBe(1)
      // States are noted every 100 ms, and nothing outside tells of one.
      await sleep(300)
      const [waiting] = await control.approvals.list({})
      await control.approvals.answer({ id: waiting?.id ?? '', answer: { verdict: 'allow', lasts: 'once' } })
      await gate.arrived
      await scene.killAndRestart()
      gate.open()
      expect((await client.find(({ id }) => id === 'call')).error?.data.code).toBe('gateway.call_lost')
      expect(await control.approvals.list({})).toEqual([])
      expect(server.received('tools/call')).toHaveLength(1)
    },
  )

  it('in the middle of a small line loses nothing of it', async () => {
    const scene = await setRawScene()
    const client = scene.spawn()
    await client.ask('ping')
    client.send('{"jsonrpc":"2.0","id":"torn","method":')
    await scene.killAndRestart()
    client.send('"tools/list"}\n')
    expect((await client.find(({ id }) => id === 'torn')).result).toEqual({ tools: [] })
  })

  it('in the middle of a large line ends the shim with a word, and not in a hang', async () => {
    const scene = await setRawScene()
    const client = scene.spawn()
    await client.ask('ping')
    client.send(
      `{"jsonrpc":"2.0","id":"torn","method":"tools/call","params":{"x":"${'x'.repeat(4 * megabyte)}`,
    )
    const other = scene.spawn()
    await other.ask('ping')
    await scene.killAndRestart()
    client.send('"}}\n')
    const [code] = (await once(client.child, 'exit')) as [number | null]
    expect(code).not.toBe(0)
    expect(client.errors()).toContain('restarted during this call')
    expect(client.lines.filter((line) => line.includes('torn'))).toEqual([])
  })
})

describe('a client that never reads', () => {
  it.skipIf(!canMeasure)(
    'what it asked for costs little memory, and others are served all the while',
    async () => {
      const scene = await setRawScene()
      const { spawn, pid } = scene
      const [client, other] = [spawn(), spawn()]
      await Promise.all([client.ask('ping'), other.ask('ping')])
      client.child.stdout?.pause()
      const before = [pid(), client.child.pid].map(peakMemory)
      const params = { name: 'echo', arguments: { text: 'x'.repeat(megabyte) } }
      for (let id = 0; id < 100; id++) client.send({ jsonrpc: '2.0', id, method: 'tools/call', params })
      for (let n = 0; n < 100; n++) await other.ask('tools/list')
      const grown = [pid(), client.child.pid].map((one, n) => peakMemory(one) - (before[n] ?? 0))
      for (const bytes of grown) expect(bytes).toBeLessThan(70 * megabyte)
      client.child.stdout?.resume()
      await client.find(() => client.lines.length === 101)
      const ids = client.lines.slice(1).map((line) => JSON.parse(line).id as number)
      expect(ids.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (_, n) => n))
    },
  )

  it('does not keep the connections to the server from others, however much it asks', async () => {
    const text = 'x'.repeat(megabyte)
    const scene = await setRawScene({
      react: ({ id, params }, exchange) =>
        params?.name === 'big' && answerJson(exchange, { jsonrpc: '2.0', id, result: { text } }),
    })
    const [client, other] = [scene.spawn(), scene.spawn()]
    await Promise.all([client.ask('ping'), other.ask('ping')])
    client.child.stdout?.pause()
    for (let id = 0; id < 1_000; id++) {
      client.send({ jsonrpc: '2.0', id, method: 'tools/call', params: { name: 'big' } })
    }
    const received = (): number => scene.server.received('tools/call').length
    await expect.poll(received, { timeout: 20_000 }).toBeGreaterThan(100)
    for (let n = 0; n < 20; n++) expect((await other.ask('tools/list')).result).toEqual({ tools: [] })
    expect(received()).toBeLessThan(200)
  })
})
