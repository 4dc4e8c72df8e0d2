import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startMcpServer } from '../../support/mcp-server.ts'
import { serveHosted } from './scene.ts'

type Mode = 'legacy' | 'auto'

async function connect(url: URL, mode: Mode) {
  const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
  const transport = new StreamableHTTPClientTransport(url)
  await client.connect(transport)
  onTestFinished(() => client.close())
  return { client, transport }
}

async function setScene() {
  const server = await startMcpServer()
  onTestFinished(() => server.close())
  return { server, scene: await serveHosted(server.url) }
}

describe.each(['legacy', 'auto'] as const)('the SDK client (%s era) at a hosted endpoint', (mode) => {
  it('lists, reads, asks and calls', async () => {
    const { scene, server } = await setScene()
    const { client } = await connect(scene.url(), mode)
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('echo')
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'über den Wirt' } })
    expect(content).toMatchObject([{ type: 'text', text: 'über den Wirt' }])
    expect((await client.readResource({ uri: 'issues://readme' })).contents).toHaveLength(1)
    expect((await client.getPrompt({ name: 'triage', arguments: { title: 'x' } })).messages).toHaveLength(1)
    expect(server.record.calls).toMatchObject([{ tool: 'echo', era: mode === 'auto' ? 'modern' : 'legacy' }])
  })

  it('gets a burst of progress in order, and then the answer', async () => {
    const { scene } = await setScene()
    const { client } = await connect(scene.url(), mode)
    const seen: number[] = []
    const { content } = await client.callTool(
      { name: 'progress', arguments: { count: 1000 } },
      { onprogress: ({ progress }) => void seen.push(progress) },
    )
    expect(content).toMatchObject([{ text: 'sent 1000' }])
    expect(seen).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1))
  })

  it('gets an answer of several megabytes', async () => {
    const { scene } = await setScene()
    const { client } = await connect(scene.url(), mode)
    const { content } = await client.callTool({ name: 'big', arguments: { bytes: 8_000_000 } })
    expect(content[0]).toMatchObject({ text: 'x'.repeat(8_000_000) })
  })

  it('cancels at the server what it gives up', async () => {
    const { scene, server } = await setScene()
    const { client } = await connect(scene.url(), mode)
    const leaving = new AbortController()
    const call = client.callTool({ name: 'wait', arguments: {} }, { signal: leaving.signal })
    await expect.poll(() => server.record.calls.length).toBe(1)
    leaving.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await expect.poll(() => server.record.cancelled.length).toBe(1)
  })

  it('hears that the tools have changed', async () => {
    const { scene, server } = await setScene()
    const { client } = await connect(scene.url(), mode)
    let changes = 0
    if (mode === 'auto') {
      client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
      await client.listen({ toolsListChanged: true })
    } else client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
    await expect
      .poll(() => {
        server.announceTools()
        return changes
      })
      .toBeGreaterThan(0)
  })
})

describe('a session of the SDK client', () => {
  it('ends at the server when the client ends it', async () => {
    const { scene, server } = await setScene()
    const { transport } = await connect(scene.url(), 'legacy')
    expect(transport.sessionId).toMatch(/^bridgekeeper-[\w-]{32}$/)
    expect(server.sessionIds()).toHaveLength(1)
    await transport.terminateSession()
    await expect.poll(() => server.sessionIds()).toEqual([])
  })
})
