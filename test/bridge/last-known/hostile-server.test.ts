import { statSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { createHandClock } from '../../end-to-end/sign-in-setup.ts'
import { startBridge, type BridgeUnderTest } from '../../support/bridge-under-test.ts'
import { sendJson, startLoopback, type Loopback } from '../../support/loopback.ts'
import { openClient, type ChannelClientUnderTest } from './channel-client.ts'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

interface Hostile {
  readonly bridge: BridgeUnderTest
  readonly loopback: Loopback
  readonly clock: ReturnType<typeof createHandClock>
  readonly client: ChannelClientUnderTest
  readonly known: () => Promise<{ tools: { name: string }[] } | null>
}

/** A server of the older era that takes a key and answers `tools/list` with what it likes. */
async function setHostileScene(tools: (cursor: string | undefined) => object): Promise<Hostile> {
  const loopback = await startLoopback({ keep: 'requests' })
  open.unshift(() => loopback.close())
  loopback.mount(({ req, res, body }) => {
    if (req.method !== 'POST') return false
    const { id, method, params } = JSON.parse(body.toString()) as {
      id?: unknown
      method: string
      params?: { cursor?: string }
    }
    if (id === undefined) {
      res.writeHead(202).end()
      return true
    }
    const results: Record<string, () => object> = {
      initialize: () => ({
        protocolVersion: '2025-11-25',
        capabilities: { tools: {} },
        serverInfo: { name: '<b>hostile</b>', version: '1' },
      }),
      'tools/list': () => tools(params?.cursor),
    }
    const result = results[method]?.()
    const error = { code: -32601, message: 'Method not found' }
    sendJson(res, 200, { jsonrpc: '2.0', id, ...(result ? { result } : { error }) })
    return true
  })
  const clock = createHandClock()
  const bridge = await startBridge({ clock })
  open.unshift(() => bridge.close())
  await bridge.add(`${loopback.origin}/mcp`, { id: 'hostile', bearer: 'a-key-of-the-user' })
  const client = openClient((above) => bridge.bridge.channels.openConnection('hostile', above, 'stdio'))
  open.unshift(async () => client.channel.close(false))
  const signal = new AbortController().signal
  const id = 'hostile' as never
  return {
    bridge,
    loopback,
    clock,
    client,
    known: async () => await bridge.control.connections.knownTools({ id }, signal),
  }
}

const tool = (name: string, description: string): object => ({
  name,
  description,
  inputSchema: { type: 'object' },
})

describe('a server that lists too much', () => {
  it('is passed on whole, and remembered in bounds', async () => {
    const tools = Array.from({ length: 10_000 }, (_, n) => tool(`tool-${n}`, `<script>${'x'.repeat(200)}`))
    const { client, known, bridge } = await setHostileScene(() => ({ tools }))
    await client.initialize()
    expect((await client.ask('tools/list')).result.tools).toHaveLength(10_000)
    const kept = await known()
    expect(kept?.tools.every(({ name }) => name.startsWith('tool-'))).toBe(true)
    const signal = new AbortController().signal
    const view = await bridge.control.connections.get({ id: 'hostile' as never }, signal)
    expect(view.lists).toMatchObject({ tools: 10_000 })
  })

  it('is written in bounds, whatever is in it', async () => {
    const tools = [tool('\u0000\u001b[31m</script>"\\', 'x'.repeat(5 * 1024 * 1024)), 'no tool', null, 7, []]
    const { client, bridge, known, clock } = await setHostileScene(() => ({ tools }))
    await client.initialize()
    await client.ask('tools/list')
    expect((await known())?.tools.map(({ name }) => name)).toEqual(['\u0000\u001b[31m</script>"\\'])
    clock.pass(2_000)
    const file = join(bridge.home.bridge, 'last-known', 'server-hostile.sealed')
    await expect
      .poll(() => statSync(file, { throwIfNoEntry: false })?.size, { timeout: 10_000 })
      .toBeLessThan(100_000)
  })

  it('cannot keep the bridge asking with pages that never end', async () => {
    let page = 0
    const { loopback, clock, client } = await setHostileScene(() => ({
      tools: [tool(`tool-${++page}`, '')],
      nextCursor: `${page}`,
    }))
    await client.initialize()
    clock.pass(2_000)
    const asked = (): number => loopback.requests.filter(({ body }) => body.includes('tools/list')).length
    await expect.poll(asked, { timeout: 20_000 }).toBe(100)
    clock.pass(50_000)
    expect(asked()).toBe(100)
  })
})

describe('a key that the server refuses', () => {
  it('leaves the tools listed, says what to do with the key, and has the client ask again when there are others', async () => {
    let name = 'one'
    const { client, loopback, clock } = await setHostileScene(() => ({ tools: [tool(name, '')] }))
    await client.initialize({ elicitation: { url: {} } })
    await client.ask('tools/list')
    const fault = { kind: 'answer', status: 401, headers: { 'www-authenticate': 'Bearer' } } as const
    loopback.faults.add('/mcp', fault, { times: Infinity })
    const refused = await client.ask('tools/call', { name: 'one', arguments: {} })
    expect(refused.result.isError).toBe(true)
    expect(refused.result.content[0].text).toContain('with a new key')
    expect(refused.result.content[0].text).not.toContain('bridgekeeper connect')
    expect((await client.ask('tools/list')).result.tools).toMatchObject([{ name: 'one' }])

    name = 'another'
    loopback.faults.clear()
    clock.pass(1)
    expect((await client.ask('prompts/list')).error?.code).toBe(-32_601)
    expect(client.lines.some(({ method }) => method?.endsWith('list_changed'))).toBe(false)
    clock.pass(2_000)
    await client.find(({ method }) => method === 'notifications/tools/list_changed')
    expect((await client.ask('tools/list')).result.tools).toMatchObject([{ name: 'another' }])
  })
})
