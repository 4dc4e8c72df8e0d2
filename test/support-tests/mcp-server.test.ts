import type { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it, vi } from 'vitest'
import { ask, connect, startMcp, startProtected } from './mcp-requests.ts'

/** How long to look for what nothing announces. */
const patience = { timeout: 20_000 }

const call = async (client: Client, name: string, args: Record<string, unknown> = {}): Promise<string> => {
  const { content } = await client.callTool({ name, arguments: args })
  const [first] = content as { text: string }[]
  return first?.text ?? ''
}

describe.each(['modern', 'session'] as const)(
  'the MCP server of the tests, to a client of the %s era',
  (era) => {
    it('serves tools, a resource and a prompt', async () => {
      const { url, record } = await startMcp()
      const client = await connect(url, era)
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toEqual(
        expect.arrayContaining(['whoami', 'echo', 'write_issue', 'big', 'progress', 'slow', 'wait']),
      )
      expect(await call(client, 'echo', { text: 'ä' })).toBe('ä')
      expect(await call(client, 'slow', { ms: 1 })).toBe('waited 1 ms')
      expect(await call(client, 'big', { bytes: 5_000_000 })).toHaveLength(5_000_000)
      const { contents } = await client.readResource({ uri: 'issues://readme' })
      expect(contents).toMatchObject([{ text: 'Issues, for tests.' }])
      const { messages } = await client.getPrompt({ name: 'triage', arguments: { title: 'Fire' } })
      expect(messages).toMatchObject([{ content: { text: 'Sort this issue: Fire' } }])
      expect(record.calls.map(({ tool }) => tool)).toEqual(['echo', 'slow', 'big'])
      expect(new Set(record.calls.map((one) => one.era))).toEqual(
        new Set([era === 'modern' ? 'modern' : 'legacy']),
      )
    })

    it('sends every progress notification, in order', async () => {
      const { url } = await startMcp()
      const client = await connect(url, era)
      const seen: number[] = []
      await client.callTool(
        { name: 'progress', arguments: { count: 200 } },
        { onprogress: ({ progress }) => void seen.push(progress) },
      )
      expect(seen).toEqual(Array.from({ length: 200 }, (_, index) => index + 1))
    })

    it('notices that a call is cancelled', async () => {
      const { url, record } = await startMcp()
      const client = await connect(url, era)
      const controller = new AbortController()
      const waiting = client.callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
      await vi.waitFor(() => expect(record.calls).toHaveLength(1))
      controller.abort()
      await expect(waiting).rejects.toBeInstanceOf(Error)
      await vi.waitFor(() => expect(record.cancelled).toHaveLength(1), patience)
    })

    it('tells open streams that the tools have changed', async () => {
      const server = await startMcp()
      let changes = 0
      const onChanged = (): void => void (changes += 1)
      await connect(server.url, era, undefined, {
        listChanged: { tools: { onChanged, autoRefresh: false, debounceMs: 0 } },
      })
      // Nothing says when the stream is open, so it is announced until it is heard.
      await vi.waitFor(() => {
        server.announceTools()
        expect(changes).toBeGreaterThan(0)
      })
    })

    it('says who calls, and refuses a call whose scope is missing before it runs', async () => {
      const { server, token } = await startProtected(['read:issues'])
      const client = await connect(server.url, era, token)
      expect(JSON.parse(await call(client, 'whoami'))).toMatchObject({
        subject: 'ada',
        scopes: ['read:issues'],
      })
      await expect(call(client, 'write_issue', { title: 'Fire' })).rejects.toMatchObject({
        requiredScope: 'write:issues',
      })
      expect(server.record.calls).toMatchObject([{ tool: 'whoami', subject: 'ada' }])
    })

    it('lets a call with its scope through', async () => {
      const { server, token } = await startProtected(['read:issues', 'write:issues'])
      const client = await connect(server.url, era, token)
      expect(await call(client, 'write_issue', { title: 'Fire' })).toBe('filed: Fire')
    })
  },
)

describe('the MCP server of the tests: eras and sessions', () => {
  it('serves one era alone when it is told to', async () => {
    const modern = await startMcp({ era: 'modern' })
    await expect(connect(modern.url, 'session')).rejects.toBeInstanceOf(Error)
    const session = await startMcp({ era: 'session' })
    await expect(connect(session.url, 'modern')).rejects.toBeInstanceOf(Error)
  })

  it('answers 404 to a session it has forgotten, and takes a new one', async () => {
    const server = await startMcp()
    const client = await connect(server.url, 'session')
    expect(server.sessionIds()).toHaveLength(1)
    await server.endSessions()
    await expect(call(client, 'echo', { text: 'lost' })).rejects.toMatchObject({ data: { status: 404 } })
    await connect(server.url, 'session')
    expect(server.sessionIds()).toHaveLength(1)
  })

  it('ends a session on DELETE', async () => {
    const server = await startMcp()
    const client = await connect(server.url, 'session')
    await (client.transport as StreamableHTTPClientTransport).terminateSession()
    expect(server.sessionIds()).toEqual([])
  })

  it('refuses a request without a session, and a body that is not JSON', async () => {
    const { url } = await startMcp({ era: 'session' })
    const headers = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' }
    const list = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/list' })
    expect((await fetch(url, { method: 'POST', headers, body: list })).status).toBe(400)
    expect((await fetch(url, { method: 'POST', headers, body: '{' })).status).toBe(400)
  })

  it('resumes a stream after Last-Event-ID', async () => {
    const server = await startMcp()
    const opened = await ask(server.url)
    const session = opened.headers.get('mcp-session-id') ?? ''
    const head = { 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' }
    const text = await opened.text()
    const first = /^id: (.+)$/m.exec(text)?.[1] ?? ''
    const controller = new AbortController()
    const resumed = await fetch(server.url, {
      headers: { ...head, accept: 'text/event-stream', 'last-event-id': first },
      signal: controller.signal,
    })
    const chunk = await resumed.body?.getReader().read()
    controller.abort()
    expect(Buffer.from(chunk?.value ?? []).toString()).toContain('"serverInfo"')
  })

  it('is down and up on the same port', async () => {
    const server = await startMcp()
    await server.loopback.down()
    await expect(ask(server.url)).rejects.toBeInstanceOf(TypeError)
    await server.loopback.up()
    expect((await ask(server.url)).status).toBe(200)
  })
})
