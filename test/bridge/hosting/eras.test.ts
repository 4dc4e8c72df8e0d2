import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startMcpServer } from '../../support/mcp-server.ts'
import { startSseServer } from '../../support/sse-server.ts'
import { serveHosted } from './scene.ts'

async function connect(url: URL, mode: 'legacy' | 'modern'): Promise<Client> {
  const client = new Client(
    { name: 'knows-no-auth', version: '1' },
    { versionNegotiation: { mode: mode === 'modern' ? { pin: '2026-07-28' } : mode } },
  )
  await client.connect(new StreamableHTTPClientTransport(url))
  onTestFinished(() => client.close())
  return client
}

describe.each([
  ['legacy', 'modern'],
  ['modern', 'session'],
] as const)('the SDK client of the %s era at a server of the %s era, which nobody knows yet', (mode, era) => {
  async function setScene() {
    const server = await startMcpServer({ era })
    onTestFinished(() => server.close())
    const scene = await serveHosted(server.url, { era: 'found' })
    const client = await connect(scene.url(), mode)
    return { server, client }
  }

  it('lists and calls, with progress', async () => {
    const { client } = await setScene()
    expect((await client.listTools()).tools.map(({ name }) => name)).toContain('progress')
    const seen: number[] = []
    const { content } = await client.callTool(
      { name: 'progress', arguments: { count: 50 } },
      { onprogress: ({ progress }) => void seen.push(progress) },
    )
    expect(content).toMatchObject([{ text: 'sent 50' }])
    expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n + 1))
  })

  it('cancels at the server what it gives up', async () => {
    const { client, server } = await setScene()
    const leaving = new AbortController()
    const call = client.callTool({ name: 'wait', arguments: {} }, { signal: leaving.signal })
    await expect.poll(() => server.record.calls.length).toBe(1)
    leaving.abort()
    await expect(call).rejects.toThrow(/abort/i)
    await expect.poll(() => server.record.cancelled.length).toBe(1)
  })

  it('hears that the tools have changed', async () => {
    const { client, server } = await setScene()
    let changes = 0
    client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
    if (mode === 'modern') await client.listen({ toolsListChanged: true })
    await expect
      .poll(() => {
        server.announceTools()
        return changes
      })
      .toBeGreaterThan(0)
  })
})

describe.each(['legacy', 'modern'] as const)(
  'the SDK client of the %s era at a server of HTTP+SSE',
  (mode) => {
    it('calls', async () => {
      const server = await startSseServer()
      onTestFinished(() => server.close())
      const client = await connect((await serveHosted(server.url, { era: 'found' })).url(), mode)
      const { content } = await client.callTool({ name: 'echo', arguments: { text: 'über Umwege' } })
      expect(content).toMatchObject([{ text: 'über Umwege' }])
    })
  },
)
