import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { readMessage } from '../../../bridge/channel/rpc-message.ts'
import type { ServerEra } from '../../../bridge/translation/era.ts'
import { createEraMemory } from '../../support/era-memory.ts'
import { overChannel } from '../../support/channel-transport.ts'
import { startEverythingServer } from '../../support/everything-server.ts'
import { startLoopback } from '../../support/loopback.ts'
import { startMcpServer, type McpServerUnderTest } from '../../support/mcp-server.ts'
import { startSseServer } from '../../support/sse-server.ts'
import { modern } from '../../support/stdio-client.ts'
import { channelsTo, connectOver } from './scene.ts'

const patience = { timeout: 20_000 }

const clientInfo = { name: 'test', version: '1' }
const initialize = {
  jsonrpc: '2.0',
  id: 'first',
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
} as const
const discover = { jsonrpc: '2.0', id: 'first', method: 'server/discover', params: modern() } as const
const openings = { session: initialize, modern: discover }

async function startServer(era: 'modern' | 'session' | 'both', port = 0): Promise<McpServerUnderTest> {
  const server = await startMcpServer({ era, port })
  onTestFinished(() => server.close())
  return server
}

describe('a client whose server speaks its era', () => {
  it.each(['modern', 'session'] as const)('costs nothing more: %s', async (era) => {
    const server = await startServer(era)
    const memory = createEraMemory()
    const transport = overChannel(channelsTo(server.url, memory))
    await transport.send(openings[era] as never)
    await vi.waitFor(() => expect(transport.said).toHaveLength(1), patience)
    expect(server.loopback.requests.map(({ body }) => body)).toEqual([JSON.stringify(openings[era])])
    const answered = server.loopback.requests.length
    expect(transport.said[0]).toContain('"issues"')
    expect(answered).toBe(1)
    expect(memory.eraOf('issues')).toBeUndefined()
    await transport.close()
  })

  it('sends what came, byte for byte, also where its JSON is odd', async () => {
    const server = await startServer('modern')
    const { channel, said } = overChannel(channelsTo(server.url))
    const odd = JSON.stringify({ ...discover, method: 'tools/list' }).replace('"first"', ' 1.0e0 ')
    channel.take(readMessage(Buffer.from(odd)) as never)
    await vi.waitFor(() => expect(said).toHaveLength(1), patience)
    expect(server.loopback.requests[0]?.body).toBe(odd)
    expect(said[0]).toContain('1.0e0')
    channel.close(true)
  })
})

describe('a server of HTTP+SSE, found by its refusal (MCP 2026-07-28, HTTP+SSE Transport)', () => {
  it.each(['session', 'modern'] as const)(
    'serves a %s client, and the next one without a look for it',
    async (era) => {
      const server = await startEverythingServer('sse')
      onTestFinished(() => server.close())
      const memory = createEraMemory()
      const open = channelsTo(server.url, memory)
      for (const _ of [1, 2]) {
        const { client } = await connectOver(open, era)
        const { content } = await client.callTool({ name: 'echo', arguments: { message: 'über SSE' } })
        expect(JSON.stringify(content)).toContain('über SSE')
        expect(memory.eraOf('issues')).toBe('sse')
      }
    },
  )

  it('is not asked for its era again', async () => {
    const server = await startSseServer()
    onTestFinished(() => server.close())
    const open = channelsTo(server.url)
    await connectOver(open, 'session')
    const posts = (): number => server.loopback.requestsOf('/sse', 'POST').length
    const before = posts()
    expect(before).toBe(1)
    await connectOver(open, 'session')
    await connectOver(open, 'modern')
    expect(posts()).toBe(before)
  })
})

describe('what was remembered of a server', () => {
  const servers = ['modern', 'session', 'both'] as const
  const memories: readonly ServerEra[] = ['modern', 'session', 'sse', 'both']
  const cases = servers.flatMap((server) =>
    memories.flatMap((known) =>
      (['modern', 'session'] as const).map((client) => ({ server, known, client })),
    ),
  )
  it.each(cases)(
    'may be wrong: $known, while it speaks $server, for a $client client',
    async ({ server, known, client }) => {
      const { url } = await startServer(server)
      const memory = createEraMemory()
      memory.learn('issues', known)
      const { client: sdk } = await connectOver(channelsTo(url, memory), client)
      const { content } = await sdk.callTool({ name: 'echo', arguments: { text: 'here' } })
      expect(content).toMatchObject([{ text: 'here' }])
      const right = server === 'both' ? ['modern', 'session', 'both'] : [server, 'both']
      expect(right).toContain(memory.eraOf('issues'))
    },
  )

  it('is corrected in the middle, when the server is replaced by one of the current era', async () => {
    const old = await startServer('session')
    const memory = createEraMemory()
    const { client } = await connectOver(channelsTo(old.url, memory), 'session')
    expect((await client.listTools()).tools.length).toBeGreaterThan(3)
    await old.close()
    await startServer('modern', old.loopback.port)
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'still here' } })
    expect(content).toMatchObject([{ text: 'still here' }])
    expect(memory.eraOf('issues')).toBe('modern')
  })
})

describe('what is no era', () => {
  it.each(['modern', 'session'] as const)(
    'a server that is no MCP server: its refusal, to a %s client',
    async (era) => {
      const loopback = await startLoopback()
      onTestFinished(() => loopback.close())
      const memory = createEraMemory()
      const transport = overChannel(channelsTo(new URL('/mcp', loopback.origin), memory))
      await transport.send(openings[era] as never)
      await vi.waitFor(() => expect(transport.said).toHaveLength(1), patience)
      expect(JSON.parse(transport.said[0] ?? '')).toMatchObject({
        id: 'first',
        error: { data: { code: 'server.not_mcp' } },
      })
      expect(memory.eraOf('issues')).toBeUndefined()
      expect(transport.channel.awaited).toBe(0)
      await transport.close()
    },
  )

  it.each(['modern', 'session'] as const)('a server that is down for now, to a %s client', async (era) => {
    const server = await startServer(era === 'modern' ? 'session' : 'modern')
    const transport = overChannel(channelsTo(server.url))
    await server.loopback.down()
    await transport.send(openings[era] as never)
    await vi.waitFor(() => expect(transport.said).toHaveLength(1), patience)
    expect(transport.said[0]).toContain('network.unreachable')
    await server.loopback.up()
    await transport.send({ ...openings[era], id: 'second' } as never)
    await vi.waitFor(() => expect(transport.said).toHaveLength(2), patience)
    expect(JSON.parse(transport.said[1] ?? '')).toMatchObject({ id: 'second', result: { capabilities: {} } })
    await transport.close()
  })
})
