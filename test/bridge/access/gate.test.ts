import { describe, expect, it, onTestFinished } from 'vitest'
import { Gate } from '../../../bridge/access/gate.ts'
import type { CallEnd, Channel, ChannelClient, Json } from '../../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'
import { createServerChannels } from '../../../bridge/server-channels.ts'
import { createEraMemory } from '../../support/era-memory.ts'
import { startMcpServer, type McpServerOptions } from '../../support/mcp-server.ts'
import { modern } from '../../support/stdio-client.ts'
import { accessTo, recordLog } from '../gateway/support.ts'
import { openGate } from './open-gate.ts'

interface Said {
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly data?: any }
}

/** A real server with a gate before it, and clients that say what the test says. */
async function setScene(options: McpServerOptions = {}) {
  const server = await startMcpServer(options)
  onTestFinished(() => server.close())
  const access = openGate()
  const upstream = accessTo(server.url)
  const channels = createServerChannels({
    upstreams: { get: (id) => (id === 'remote' ? upstream : undefined) },
    mostMessageBytes: () => 1024 * 1024,
    eras: createEraMemory(),
    log: recordLog(),
  })
  onTestFinished(() => channels.close())

  const connect = (name = 'app', session: Json = null) => {
    const said: Said[] = []
    const ends: CallEnd[] = []
    const dropped: unknown[] = []
    const waiting = new Set<() => void>()
    const hear = (bytes: Buffer): void => {
      said.push(JSON.parse(bytes.toString()) as Said)
      for (const look of waiting) look()
    }
    const client: ChannelClient = {
      name,
      answer: (_, bytes, end) => (ends.push(end), hear(bytes)),
      answerWithSession: (_, bytes, end) => (ends.push(end), hear(bytes)),
      pass: ({ bytes }) => hear(bytes),
      dropped: ({ id }) => void dropped.push(id),
    }
    const open = (below: ChannelClient): Channel => channels.open('remote', below)
    const channel = new Gate({ client, connection: 'remote', face: 'stdio', open }, access)
    if (session !== null && !channel.restore(session)) throw new Error('not restored')
    onTestFinished(() => channel.close(true))
    const send = (message: object | string): void =>
      channel.take(
        readMessage(
          Buffer.from(typeof message === 'string' ? message : JSON.stringify(message)),
        ) as RpcMessage,
      )
    const find = (fits: (one: Said) => boolean): Promise<Said> =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = said.find(fits)
          if (found && waiting.delete(look)) resolve(found)
        }
        waiting.add(look)
        look()
      })
    let last = 0
    const ask = (method: string, params: object = {}): Promise<Said> => {
      const id = ++last
      send({ jsonrpc: '2.0', id, method, params })
      return find((one) => one.id === id && one.method === undefined)
    }
    return {
      channel,
      said,
      ends,
      dropped,
      send,
      find,
      ask,
      async initialize() {
        const clientInfo = { name: 'test', version: '1' }
        await ask('initialize', { protocolVersion: '2025-11-25', capabilities: {}, clientInfo })
        send({ jsonrpc: '2.0', method: 'notifications/initialized' })
      },
    }
  }
  const close = (connections: string[] | 'all'): Promise<unknown> =>
    access.policies.change('app', [{ sets: 'connections', client: 'app', connections: connections as never }])
  return { ...access, server, connect, close }
}

type Scene = Awaited<ReturnType<typeof setScene>>
type Client = ReturnType<Scene['connect']>

const eras = [
  ['2025-11-25', { era: 'session' }, (params: object) => params],
  ['2026-07-28', { era: 'modern' }, modern],
] as const

async function begin(scene: Scene, era: string): Promise<Client> {
  const client = scene.connect()
  if (era === '2025-11-25') await client.initialize()
  return client
}

const namesIn = ({ result }: Said): string[] => result.tools.map(({ name }: { name: string }) => name)
const echo = { name: 'echo', arguments: { text: 'said' } }

describe.each(eras)('a client app with rules, at a server of %s', (era, options, params) => {
  it('sees no denied tool and cannot call it, whether it exists or not; the rest works', async () => {
    const scene = await setScene(options)
    await scene.rule('app', 'write_*', 'deny')
    const client = await begin(scene, era)
    const names = namesIn(await client.ask('tools/list', params({})))
    expect(names).toContain('echo')
    expect(names).not.toContain('write_issue')
    const refusals = ['write_issue', 'write_nothing'].map((name) =>
      client.ask('tools/call', params({ name, arguments: { title: 'x' } })),
    )
    for (const { error } of await Promise.all(refusals))
      expect(error?.data).toEqual({ code: 'access.tool_denied' })
    const answer = await client.ask('tools/call', params(echo))
    expect(answer.result.content[0].text).toBe('said')
    expect(scene.server.record.calls.map(({ tool }) => tool)).toEqual(['echo'])
  })

  it('waits for a person where it must ask, and reaches the server only then', async () => {
    const scene = await setScene(options)
    await scene.rule('app', 'echo', 'ask')
    const client = await begin(scene, era)
    const answer = client.ask('tools/call', params({ ...echo, _meta: { progressToken: 'p' } }))
    await expect.poll(() => scene.approvals.list()).toHaveLength(1)
    // Other calls of the same client do not wait with it.
    expect(namesIn(await client.ask('tools/list', params({})))).toContain('echo')
    expect(scene.server.record.calls).toEqual([])
    expect(scene.approvals.list()).toMatchObject([
      { client: 'app', tool: 'echo', preview: '{"text":"said"}' },
    ])
    expect(client.channel.awaited).toBe(1)
    await scene.approvals.answer('1', { verdict: 'allow', lasts: 'session' })
    expect((await answer).result.content[0].text).toBe('said')
    expect((await client.ask('tools/call', params(echo))).result).toBeDefined()
    const another = await begin(scene, era)
    void another.ask('tools/call', params(echo))
    await expect.poll(() => scene.approvals.list()).toHaveLength(1)
  })

  it('is told that its tools are others when its rules change', async () => {
    const scene = await setScene(options)
    const client = await begin(scene, era)
    if (era === '2026-07-28') {
      const listen = modern({ notifications: { toolsListChanged: true } })
      client.send({ jsonrpc: '2.0', id: 'listen', method: 'subscriptions/listen', params: listen })
      await client.find(({ method }) => method === 'notifications/subscriptions/acknowledged')
    } else await client.ask('ping')
    await scene.rule('app', 'echo', 'deny')
    const told = await client.find(({ method }) => method === 'notifications/tools/list_changed')
    const meta = { 'io.modelcontextprotocol/subscriptionId': 'listen' }
    expect(told.params).toEqual(era === '2026-07-28' ? { _meta: meta } : undefined)
    expect(namesIn(await client.ask('tools/list', params({})))).not.toContain('echo')
  })

  it('is refused everything as if the connection were not there, once it may not use it', async () => {
    const scene = await setScene(options)
    const client = await begin(scene, era)
    const waits = client.ask('tools/call', params({ name: 'wait', arguments: {} }))
    await expect.poll(() => scene.server.record.calls.length).toBe(1)
    await scene.close([])
    for (const answer of [waits, client.ask('tools/list', params({})), client.ask('ping', params({}))]) {
      expect((await answer).error?.data).toEqual({ code: 'connection.unknown' })
    }
    expect(client.channel.awaited).toBe(0)
    // Its person changes their mind: the session goes on.
    await scene.close('all')
    expect(namesIn(await client.ask('tools/list', params({})))).toContain('echo')
    expect(client.ends.filter(({ failure }) => failure)).toHaveLength(3)
  })

  it('is recorded with what became of each call', async () => {
    const scene = await setScene(options)
    await scene.rule('app', 'write_issue', 'deny')
    const client = await begin(scene, era)
    const sent = params(echo)
    await client.ask('tools/call', sent)
    await client.ask('tools/call', params({ name: 'write_issue' }))
    await client.ask('no/such/method', params({}))
    await scene.close([])
    await client.ask('tools/list', params({}))
    const noted = scene.activity.noted.filter(({ method }) => method !== 'initialize')
    const facts = { client: 'app', connection: 'remote', face: 'stdio' }
    expect(noted).toMatchObject([
      { ...facts, method: 'tools/call', name: 'echo', outcome: 'answered', status: 200 },
      { ...facts, method: 'tools/call', name: 'write_issue', outcome: 'refused', code: 'access.tool_denied' },
      { ...facts, method: 'no/such/method', outcome: 'error' },
      { ...facts, method: 'tools/list', outcome: 'refused', code: 'access.connection_denied' },
    ])
    expect(noted[0]?.requestBytes).toBeGreaterThan(JSON.stringify(sent).length)
    expect(noted.every(({ bytes }) => (bytes ?? 0) > 20)).toBe(true)
  })
})

describe('a call that waits at the gate', () => {
  async function held() {
    const scene = await setScene({ era: 'modern' })
    await scene.rule('app', '*', 'ask')
    const client = scene.connect()
    client.send({ jsonrpc: '2.0', id: 'held', method: 'tools/call', params: modern(echo) })
    expect(scene.approvals.list()).toHaveLength(1)
    return { scene, client }
  }

  it('is dropped when the client cancels it, and nobody is asked any more', async () => {
    const { scene, client } = await held()
    let idle = 0
    client.channel.onIdle = () => idle++
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'held' } })
    expect([client.dropped, client.said, idle, client.channel.awaited]).toEqual([['"held"'], [], 1, 0])
    expect(scene.approvals.list()).toEqual([])
    expect(scene.activity.noted).toMatchObject([{ outcome: 'cancelled' }])
  })

  it('ends with its client', async () => {
    const { scene, client } = await held()
    client.channel.close(true)
    expect(scene.approvals.list()).toEqual([])
    expect(scene.activity.noted).toMatchObject([{ outcome: 'cancelled' }])
    expect(client.said).toEqual([])
  })

  it('is asked for again by the next bridge, since it has had no effect', async () => {
    const { scene, client } = await held()
    client.channel.giveUp({ code: 'bridge.busy' })
    expect(client.said).toEqual([])
    const [pending] = client.channel.pending()
    expect(JSON.parse(String(pending?.message?.bytes))).toMatchObject({ id: 'held' })
    expect(scene.server.record.calls).toEqual([])
  })

  it('is refused when the rules come to deny it', async () => {
    const { scene, client } = await held()
    await scene.rule('app', 'echo', 'deny')
    expect((await client.find(({ id }) => id === 'held')).error?.data).toEqual({ code: 'access.tool_denied' })
  })
})

describe('what a gate lets by without an answer', () => {
  it('is no call that is said as a notification, for which nobody could be asked', async () => {
    const scene = await setScene({ era: 'modern' })
    await scene.rule('app', 'echo', 'ask')
    const client = scene.connect()
    client.send({ jsonrpc: '2.0', method: 'tools/call', params: modern(echo) })
    await client.ask('tools/list', modern())
    const bodies = scene.server.loopback.requests.map(({ body }) => body)
    expect(bodies.filter((body) => body.includes('tools/call'))).toEqual([])
    expect(bodies).toHaveLength(1)
  })

  it('stays byte for byte where no rule is about it', async () => {
    const scene = await setScene({ era: 'modern' })
    await scene.rule('app', 'write_issue', 'deny')
    const client = scene.connect()
    const text = JSON.stringify({
      params: modern(echo),
      method: 'tools/call',
      id: 1e2,
      jsonrpc: '2.0',
    }).replace('100', '1.0e2')
    client.send(text)
    await client.find(({ id }) => id === 100)
    expect(scene.server.loopback.requests.at(-1)?.body).toBe(text)
  })
})

describe('a session that another bridge goes on with', () => {
  it('still hears of its tools', async () => {
    const scene = await setScene({ era: 'session' })
    const before = scene.connect()
    await before.initialize()
    await before.ask('ping')
    const session = JSON.parse(JSON.stringify(before.channel.session())) as Json
    before.channel.close(false)
    const after = scene.connect('app', session)
    expect(namesIn(await after.ask('tools/list'))).toContain('echo')
    await scene.rule('app', 'echo', 'deny')
    await after.find(({ method }) => method === 'notifications/tools/list_changed')
  })
})
