import type { ClientOptions } from '@modelcontextprotocol/client'
import { describe, expect, it, vi } from 'vitest'
import { overChannel } from '../../support/channel-transport.ts'
import { connectOver, setTranslationScene } from './scene.ts'

/** How long to look for what nothing announces. */
const patience = { timeout: 20_000 }

const everything: ClientOptions = {
  capabilities: { elicitation: {}, sampling: {}, roots: { listChanged: true } },
}

const text = (result: unknown): string => (result as { content: { text: string }[] }).content[0]?.text ?? ''

describe('an older client of a server that speaks only 2026-07-28: the start', () => {
  it('is told what the server is and can, in a revision that it knows', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client, transport } = await connect()
    expect(client.getServerVersion()).toMatchObject({ name: 'issues', version: '1.0.0' })
    expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true }, logging: {} })
    expect(client.getInstructions()).toBe('A server for tests and demonstrations.')
    expect(transport.said[0]).toContain('"protocolVersion":"2025-11-25"')
  })

  it('costs one refused request, and the next client none', async () => {
    const { connect, server } = await setTranslationScene('modern')
    await connect()
    const methods = (): string[] =>
      server.loopback.requests.map(({ body }) => (JSON.parse(body) as { method: string }).method)
    expect(methods().slice(0, 2)).toEqual(['initialize', 'server/discover'])
    const before = methods().length
    await connect()
    expect(methods().slice(before)).not.toContain('initialize')
  })

  it('keeps what the client says before the answer', async () => {
    const { open } = await setTranslationScene('modern')
    const transport = overChannel(open)
    const clientInfo = { name: 'hasty', version: '1' }
    const params = { protocolVersion: '2025-06-18', capabilities: {}, clientInfo }
    void transport.send({ jsonrpc: '2.0', id: 1, method: 'initialize', params })
    void transport.send({ jsonrpc: '2.0', id: 2, method: 'tools/list' })
    await vi.waitFor(() => expect(transport.said).toHaveLength(2), patience)
    expect(transport.said[0]).toContain('"protocolVersion":"2025-06-18"')
    expect(transport.said[1]).toContain('"echo"')
    await transport.close()
  })
})

describe('an older client of a server that speaks only 2026-07-28: calls', () => {
  it('brings everything of the request along, with what the current revision asks for', async () => {
    const { connect, server } = await setTranslationScene('modern')
    const { client } = await connect(everything)
    await client.callTool({ name: 'echo', arguments: { text: 'ä' }, _meta: { 'com.example/kept': 1.5 } })
    const seen = server.loopback.requests.at(-1)
    expect(seen?.headers).toMatchObject({
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'tools/call',
      'mcp-name': 'echo',
    })
    expect(JSON.parse(seen?.body ?? '')).toMatchObject({
      params: {
        arguments: { text: 'ä' },
        _meta: {
          'com.example/kept': 1.5,
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': { name: 'test' },
          'io.modelcontextprotocol/clientCapabilities': everything.capabilities,
        },
      },
    })
  })

  it('says all progress before the answer', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect()
    const seen: number[] = []
    await client.callTool(
      { name: 'progress', arguments: { count: 100 } },
      { onprogress: ({ progress }) => void seen.push(progress) },
    )
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })

  it('cancels at the server what the client cancels', async () => {
    const { connect, server } = await setTranslationScene('modern')
    const { client, transport } = await connect()
    const controller = new AbortController()
    const waiting = client.callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
    await vi.waitFor(() => expect(server.record.calls).toHaveLength(1), patience)
    controller.abort()
    await expect(waiting).rejects.toBeInstanceOf(Error)
    await vi.waitFor(() => expect(server.record.cancelled).toHaveLength(1), patience)
    expect(transport.channel.awaited).toBe(0)
  })

  it('completes, and passes errors on as they are', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect()
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'name', value: 'a' },
    })
    expect(completion.values).toEqual(['ada', 'alan'])
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true })
    await expect(client.readResource({ uri: 'issues://none' })).rejects.toMatchObject({ code: -32_602 })
    await expect(client.getPrompt({ name: 'none' })).rejects.toMatchObject({ code: -32_602 })
  })

  it('answers a ping by itself', async () => {
    const { connect, server } = await setTranslationScene('modern')
    const { client } = await connect()
    await client.ping()
    expect(server.loopback.requests.filter(({ body }) => body.includes('"ping"'))).toEqual([])
  })

  it('says clearly what the current revision has nothing for', async () => {
    const { open } = await setTranslationScene('modern')
    const { client, transport } = await connectOver(open, 'session')
    await transport.send({ jsonrpc: '2.0', id: 'a task', method: 'tasks/list' })
    const answer = JSON.parse(transport.said.at(-1) ?? '') as object
    expect(answer).toMatchObject({ id: 'a task', error: { data: { code: 'translation.unmapped' } } })
    expect(client.getServerCapabilities()).not.toHaveProperty('tasks')
  })
})

describe('an older client of a server that speaks only 2026-07-28: input (Multi Round-Trip Requests)', () => {
  it('is asked by requests, and the call ends with what it said', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect(everything)
    client.setRequestHandler('elicitation/create', ({ params }) => {
      expect(params.message).toBe('Who?')
      return { action: 'accept', content: { name: 'Ada' } }
    })
    client.setRequestHandler('sampling/createMessage', () => ({
      role: 'assistant',
      model: 'a model',
      content: { type: 'text', text: 'a thought' },
    }))
    client.setRequestHandler('roots/list', () => ({ roots: [{ uri: 'file:///home' }] }))
    const result = JSON.parse(text(await client.callTool({ name: 'interview' }))) as object
    expect(result).toMatchObject({
      given: { name: 'Ada' },
      thought: { result: { model: 'a model' } },
      roots: { roots: [{ uri: 'file:///home' }] },
      state: 'kept by the client',
    })
  })

  it('takes a refusal to ask a person for a cancelled elicitation', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect(everything)
    client.setRequestHandler('elicitation/create', () => {
      throw new Error('nobody is here')
    })
    expect(JSON.parse(text(await client.callTool({ name: 'confide' })))).toMatchObject({ action: 'cancel' })
  })

  it('ends the call with an error when the client fails at what only it can give', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect(everything)
    client.setRequestHandler('elicitation/create', () => new Promise(() => undefined))
    client.setRequestHandler('roots/list', () => ({ roots: [] }))
    client.setRequestHandler('sampling/createMessage', () => {
      throw new Error('no model')
    })
    await expect(client.callTool({ name: 'interview' })).rejects.toMatchObject({
      data: { code: 'translation.input_failed' },
    })
  })

  it('asks nothing more of a client that cancelled', async () => {
    const { connect, server } = await setTranslationScene('modern')
    const { client, transport } = await connect(everything)
    const controller = new AbortController()
    let signal: AbortSignal | undefined
    client.setRequestHandler('elicitation/create', (_, { mcpReq }) => {
      signal = mcpReq.signal
      controller.abort()
      return new Promise(() => undefined)
    })
    const calling = client.callTool({ name: 'confide' }, { signal: controller.signal })
    await expect(calling).rejects.toBeInstanceOf(Error)
    await vi.waitFor(() => expect(signal?.aborted).toBe(true), patience)
    expect(transport.channel.awaited).toBe(0)
    expect(server.loopback.requests.filter(({ body }) => body.includes('confide'))).toHaveLength(1)
  })
})

describe('an older client of a server that speaks only 2026-07-28: what the server tells', () => {
  it('logs from the level that the client set', async () => {
    const { connect } = await setTranslationScene('modern')
    const { client } = await connect()
    const heard: unknown[] = []
    client.setNotificationHandler('notifications/message', ({ params }) => void heard.push(params.data))
    await client.callTool({ name: 'log' })
    expect(heard).toEqual([])
    await client.setLoggingLevel('warning')
    await client.callTool({ name: 'log' })
    expect(heard).toEqual(['large'])
  })

  it('is heard when a list has changed', async () => {
    const { connect, server } = await setTranslationScene('modern')
    let changes = 0
    const onChanged = (): void => void (changes += 1)
    await connect({ listChanged: { tools: { onChanged, autoRefresh: false, debounceMs: 0 } } })
    await vi.waitFor(() => {
      server.announceTools()
      expect(changes).toBeGreaterThan(0)
    }, patience)
  })

  it('is heard when a resource has changed that the client subscribed to, and no other', async () => {
    const { connect, server } = await setTranslationScene('modern')
    const { client } = await connect()
    const updated: string[] = []
    client.setNotificationHandler(
      'notifications/resources/updated',
      ({ params }) => void updated.push(params.uri),
    )
    await client.subscribeResource({ uri: 'issues://1' })
    await client.subscribeResource({ uri: 'issues://2' })
    server.announceResource('issues://3')
    server.announceResource('issues://1')
    server.announceResource('issues://2')
    await vi.waitFor(() => expect(updated).toEqual(['issues://1', 'issues://2']), patience)
    await client.unsubscribeResource({ uri: 'issues://1' })
    await client.subscribeResource({ uri: 'issues://4' })
    server.announceResource('issues://1')
    server.announceResource('issues://4')
    await vi.waitFor(() => expect(updated).toEqual(['issues://1', 'issues://2', 'issues://4']), patience)
  })
})

describe('an older client of a server that speaks only 2026-07-28: another bridge', () => {
  it('goes on with its level and its subscriptions, without another start', async () => {
    const { connect, server, open } = await setTranslationScene('modern')
    const { client, transport } = await connect()
    await client.setLoggingLevel('error')
    await client.subscribeResource({ uri: 'issues://1' })
    const state = transport.channel.session()
    transport.channel.close(false)

    const next = overChannel(open)
    expect(next.channel.restore(JSON.parse(JSON.stringify(state)) as typeof state)).toBe(true)
    await next.send({ jsonrpc: '2.0', id: 'again', method: 'tools/call', params: { name: 'log' } })
    await vi.waitFor(() => expect(next.said).toHaveLength(2), patience)
    expect(next.said[0]).toContain('large')
    expect(next.said[1]).toContain('"again"')
    await vi.waitFor(() => {
      server.announceResource('issues://1')
      expect(next.said.some((line) => line.includes('issues://1'))).toBe(true)
    }, patience)
    expect(server.loopback.requests.filter(({ body }) => body.includes('"server/discover"'))).toHaveLength(1)
    await next.close()
  })
})
