import type { ClientOptions } from '@modelcontextprotocol/client'
import { describe, expect, it, vi } from 'vitest'
import { overChannel, type ChannelTransport } from '../../support/channel-transport.ts'
import { modern } from '../../support/stdio-client.ts'
import { setTranslationScene } from './scene.ts'

/** How long to look for what nothing announces. */
const patience = { timeout: 20_000 }

const everything: ClientOptions = { capabilities: { elicitation: {}, sampling: {}, roots: {} } }

const text = (result: unknown): string => (result as { content: { text: string }[] }).content[0]?.text ?? ''

interface Said {
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: any
}

/** What a client is told that is written by hand. */
function raw(transport: ChannelTransport): {
  send: (message: object) => void
  ask: (id: string | number, method: string, params?: object) => Promise<Said>
  said: () => Said[]
} {
  const said = (): Said[] => transport.said.map((line) => JSON.parse(line) as Said)
  const send = (message: object): void => void transport.send({ jsonrpc: '2.0', ...message } as never)
  return {
    send,
    said,
    async ask(id, method, params = {}) {
      send({ id, method, params: modern(params) })
      const isIt = (one: Said): boolean => one.id === id && one.method === undefined
      await vi.waitFor(() => expect(said().some(isIt)).toBe(true), patience)
      return said().find(isIt) as Said
    },
  }
}

const asking = {
  _meta: { 'io.modelcontextprotocol/clientCapabilities': { elicitation: {}, sampling: {}, roots: {} } },
}

describe('a modern client of a server that knows sessions only: the start', () => {
  it('is told by server/discover what the server said at the start of its session', async () => {
    const { connect } = await setTranslationScene('session')
    const { client } = await connect()
    expect(client.getServerVersion()).toMatchObject({ name: 'issues', version: '1.0.0' })
    expect(client.getServerCapabilities()).toMatchObject({ tools: { listChanged: true }, logging: {} })
    expect(client.getInstructions()).toBe('A server for tests and demonstrations.')
  })

  it('costs one refused request; one session serves however many requests come at once', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const answers = await Promise.all([1, 2, 3, 4].map((id) => ask(id, 'tools/list')))
    expect(answers.every(({ result }) => (result as { tools: unknown[] }).tools.length > 3)).toBe(true)
    expect(server.sessionIds()).toHaveLength(1)
    const next = raw(overChannel(open))
    const before = server.loopback.requests.length
    await next.ask(1, 'tools/list')
    const methods = server.loopback.requests
      .slice(before)
      .map(({ body }) => /"method":"([^"]*)"/.exec(body)?.[1])
    expect(methods.filter((method) => method !== undefined)).toEqual([
      'initialize',
      'notifications/initialized',
      'tools/list',
    ])
  })

  it('begins another session for other capabilities, since the server decides by them', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    await ask(1, 'tools/list')
    await ask(2, 'tools/list', asking)
    await ask(3, 'tools/list')
    expect(server.sessionIds()).toHaveLength(2)
  })

  it('refuses a revision that is not spoken here, with those that are', async () => {
    const { open } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    await ask(1, 'tools/list')
    const { error } = await ask(2, 'tools/list', {
      _meta: { 'io.modelcontextprotocol/protocolVersion': '2027-01-01' },
    })
    expect(error).toMatchObject({
      code: -32_022,
      data: { supported: ['2026-07-28'], requested: '2027-01-01' },
    })
  })
})

describe('a modern client of a server that knows sessions only: requests that the server never sees', () => {
  it('are those of sessions, by which one client could change what all others get', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    await ask(0, 'tools/list')
    const before = server.loopback.requests.length
    const methods = ['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']
    for (const method of methods) {
      const { error } = await ask(method, method, { level: 'error', uri: 'test://any' })
      expect(error).toMatchObject({ code: -32_601, data: { code: 'gateway.method_unknown' } })
    }
    const bodies = server.loopback.requests.slice(before).map(({ body }) => body)
    expect(bodies.filter((body) => methods.some((method) => body.includes(`"${method}"`)))).toEqual([])
  })

  it('are those that do not say what their client can do', async () => {
    const { open } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const _meta = { 'io.modelcontextprotocol/clientCapabilities': undefined }
    await ask(0, 'tools/list')
    const { error } = await ask(1, 'tools/list', { _meta })
    expect(error).toMatchObject({ code: -32_602, data: { code: 'gateway.message_invalid' } })
  })
})

describe('a modern client of a server that knows sessions only: calls', () => {
  it('gets results with what the current revision wants in them, and sends nothing of it to the server', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const list = await ask('a', 'tools/list')
    expect(list.result).toMatchObject({
      resultType: 'complete',
      ttlMs: 0,
      cacheScope: 'private',
      _meta: { 'io.modelcontextprotocol/serverInfo': { name: 'issues' } },
    })
    const { result } = await ask(1, 'tools/call', {
      name: 'echo',
      arguments: { text: 'ä' },
      _meta: { 'com.example/kept': 1.5 },
    })
    expect(result).toMatchObject({ resultType: 'complete', content: [{ text: 'ä' }] })
    const { body } = server.loopback.requests.at(-1) ?? { body: '' }
    expect(JSON.parse(body)).toMatchObject({ params: { _meta: { 'com.example/kept': 1.5 } } })
    expect(body).not.toContain('io.modelcontextprotocol')
  })

  it('never mixes up the answers of calls that run at once', async () => {
    const { open } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const ids = Array.from({ length: 50 }, (_, n) => n)
    const answers = await Promise.all(
      ids.map((id) => ask(id, 'tools/call', { name: 'echo', arguments: { text: `nonce ${id}` } })),
    )
    expect(answers.map(({ result }) => text(result))).toEqual(ids.map((id) => `nonce ${id}`))
  })

  it('says all progress before the answer, by the token of the client', async () => {
    const { connect } = await setTranslationScene('session')
    const { client } = await connect()
    const seen: number[] = []
    await client.callTool(
      { name: 'progress', arguments: { count: 100 } },
      { onprogress: ({ progress }) => void seen.push(progress) },
    )
    expect(seen).toEqual(Array.from({ length: 100 }, (_, index) => index + 1))
  })

  it('cancels at the server what the client cancels', async () => {
    const { connect, server } = await setTranslationScene('session')
    const { client, transport } = await connect()
    const controller = new AbortController()
    const waiting = client.callTool({ name: 'wait', arguments: {} }, { signal: controller.signal })
    await vi.waitFor(() => expect(server.record.calls).toHaveLength(1), patience)
    controller.abort()
    await expect(waiting).rejects.toBeInstanceOf(Error)
    await vi.waitFor(() => expect(server.record.cancelled).toHaveLength(1), patience)
    expect(transport.channel.awaited).toBe(0)
  })

  it('completes, and passes errors on, with the code that the current revision has for them', async () => {
    const { connect } = await setTranslationScene('session')
    const { client } = await connect()
    const { completion } = await client.complete({
      ref: { type: 'ref/prompt', name: 'greet' },
      argument: { name: 'name', value: 'a' },
    })
    expect(completion.values).toEqual(['ada', 'alan'])
    expect(await client.callTool({ name: 'fail' })).toMatchObject({ isError: true })
    await expect(client.readResource({ uri: 'issues://none' })).rejects.toMatchObject({ code: -32_602 })
  })

  it('is served on in another session when the server forgot it', async () => {
    const { connect, server } = await setTranslationScene('session')
    const { client } = await connect()
    await client.listTools()
    await server.endSessions()
    const { tools } = await client.listTools(undefined, { cacheMode: 'reload' } as never)
    expect(tools.length).toBeGreaterThan(3)
    expect(server.sessionIds()).toHaveLength(1)
  })
})

describe('a modern client of a server that knows sessions only: input (Multi Round-Trip Requests)', () => {
  it('is asked by results, and the call ends with what it said', async () => {
    const { connect } = await setTranslationScene('session')
    const { client } = await connect(everything)
    client.setRequestHandler('elicitation/create', () => ({ action: 'accept', content: { name: 'Ada' } }))
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
    })
  })

  it('asks again for what is missing, and takes each state once', async () => {
    const { open } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const call = { name: 'interview', ...asking }
    const first = (await ask(1, 'tools/call', call)).result
    expect(first).toMatchObject({ resultType: 'input_required' })
    const asked = Object.entries(first.inputRequests as Record<string, { method: string }>)
    expect(asked.map(([, { method }]) => method).toSorted()).toEqual([
      'elicitation/create',
      'roots/list',
      'sampling/createMessage',
    ])
    const keyOf = (method: string): string => asked.find(([, one]) => one.method === method)?.[0] ?? ''
    const { requestState } = first as { requestState: string }
    const second = await ask(2, 'tools/call', {
      ...call,
      requestState,
      inputResponses: { [keyOf('roots/list')]: { roots: [] }, stranger: { action: 'accept' } },
    })
    expect(Object.keys(second.result.inputRequests as object)).toEqual(
      asked.map(([key]) => key).filter((key) => key !== keyOf('roots/list')),
    )
    const third = await ask(3, 'tools/call', { ...call, requestState, inputResponses: {} })
    expect(third.error).toMatchObject({ code: -32_602, data: { code: 'translation.state_unknown' } })
    const last = await ask(4, 'tools/call', {
      ...call,
      requestState: second.result.requestState as string,
      inputResponses: {
        [keyOf('elicitation/create')]: { action: 'accept', content: { name: 'Ada' } },
        [keyOf('sampling/createMessage')]: {
          role: 'assistant',
          model: 'm',
          content: { type: 'text', text: 't' },
        },
      },
    })
    expect(JSON.parse(text(last.result))).toMatchObject({ given: { name: 'Ada' } })
  })

  it('knows no state of another client, nor of another call', async () => {
    const { open } = await setTranslationScene('session')
    const one = raw(overChannel(open))
    const other = raw(overChannel(open))
    const call = { name: 'confide', ...asking }
    const { requestState } = (await one.ask(1, 'tools/call', call)).result as { requestState: string }
    const unknown = { data: { code: 'translation.state_unknown' } }
    expect((await other.ask(1, 'tools/call', { ...call, requestState })).error).toMatchObject(unknown)
    const elsewhere = { name: 'interview', ...asking, requestState }
    expect((await one.ask(2, 'tools/call', elsewhere)).error).toMatchObject(unknown)
    const again = (await one.ask(3, 'tools/call', { ...call, requestState })).result
    expect(again).toMatchObject({ resultType: 'input_required' })
  })
})

describe('a modern client of a server that knows sessions only: calls that nobody comes back for', () => {
  it('are given up at the server when there are too many, the oldest first', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const call = { name: 'confide', ...asking }
    const states: string[] = []
    for (let id = 0; id < 65; id++)
      states.push((await ask(id, 'tools/call', call)).result.requestState as string)
    const isRefusal = ({ body }: { body: string }): boolean => body.includes('translation.input_failed')
    await vi.waitFor(() => expect(server.loopback.requests.filter(isRefusal)).toHaveLength(1), patience)
    const [oldest, next] = await Promise.all(
      states.slice(0, 2).map((requestState, n) => ask(`late ${n}`, 'tools/call', { ...call, requestState })),
    )
    expect(oldest?.error).toMatchObject({ data: { code: 'translation.state_unknown' } })
    expect(next?.result).toMatchObject({ resultType: 'input_required' })
  })

  it('keep their answer for the client, when it comes while the client gathers input', async () => {
    const { open, server } = await setTranslationScene('session')
    const { ask } = raw(overChannel(open))
    const call = { name: 'impatient', ...asking }
    const { requestState } = (await ask(1, 'tools/call', call)).result as { requestState: string }
    await vi.waitFor(
      () => expect(server.loopback.requests.at(-1)?.answer?.body).toContain('went on without'),
      patience,
    )
    let { result } = await ask(2, 'tools/call', { ...call, requestState })
    // What the server has said may still be on its way.
    for (let id = 3; result.resultType === 'input_required'; id++) {
      result = (await ask(id, 'tools/call', { ...call, requestState: result.requestState })).result
    }
    expect(text(result)).toBe('went on without')
  })
})

describe('a modern client of a server that knows sessions only: what the server tells', () => {
  it('logs what each call asks for, and to no other', async () => {
    const { open } = await setTranslationScene('session')
    const { ask, said } = raw(overChannel(open))
    const level = (name: string): object => ({ _meta: { 'io.modelcontextprotocol/logLevel': name } })
    const logged = (): unknown[] =>
      said().flatMap(({ method, params }) =>
        method === 'notifications/message' ? [params.data as unknown] : [],
      )
    await ask(1, 'tools/call', { name: 'log' })
    expect(logged()).toEqual([])
    await ask(2, 'tools/call', { name: 'log', ...level('error') })
    expect(logged()).toEqual(['large'])
    await ask(3, 'tools/call', { name: 'log', ...level('debug') })
    expect(logged()).toEqual(['large', 'small', 'large'])
    await ask(4, 'tools/call', { name: 'log', ...level('error') })
    expect(logged()).toEqual(['large', 'small', 'large', 'large'])
  })

  it('is heard on the streams that ask for it, after their acknowledgement', async () => {
    const { open, server } = await setTranslationScene('session')
    const { send, said, ask } = raw(overChannel(open))
    const listen = (id: string, notifications: object): void =>
      send({ id, method: 'subscriptions/listen', params: modern({ notifications }) })
    const of = (id: string): Said[] =>
      said().filter(({ params }) => params?._meta?.['io.modelcontextprotocol/subscriptionId'] === id)
    listen('tools', { toolsListChanged: true, promptsListChanged: false })
    listen('one', { resourceSubscriptions: ['issues://1'] })
    await vi.waitFor(() => expect([of('tools').length, of('one').length]).toEqual([1, 1]), patience)
    expect(of('tools')[0]).toMatchObject({
      method: 'notifications/subscriptions/acknowledged',
      params: { notifications: { toolsListChanged: true } },
    })
    expect(of('one')[0]).toMatchObject({
      params: { notifications: { resourceSubscriptions: ['issues://1'] } },
    })
    // The stream of the session may open after the first answers.
    await vi.waitFor(() => {
      server.announceTools()
      server.announceResource('issues://1')
      server.announceResource('issues://2')
      expect(of('tools').length).toBeGreaterThan(1)
      expect(of('one').length).toBeGreaterThan(1)
    }, patience)
    expect(
      new Set(
        of('one')
          .slice(1)
          .map(({ params }) => params.uri as string),
      ),
    ).toEqual(new Set(['issues://1']))
    expect(
      new Set(
        of('tools')
          .slice(1)
          .map(({ method }) => method),
      ),
    ).toEqual(new Set(['notifications/tools/list_changed']))
    send({ method: 'notifications/cancelled', params: { requestId: 'tools' } })
    await ask('after', 'tools/list')
    const before = of('tools').length
    server.announceTools()
    await ask('later', 'tools/list')
    expect(of('tools')).toHaveLength(before)
  })
})

describe('a modern client of a server that knows sessions only: another bridge', () => {
  it('goes on in the same session', async () => {
    const { open, server } = await setTranslationScene('session')
    const before = overChannel(open)
    await raw(before).ask(1, 'tools/list')
    const state = before.channel.session()
    before.channel.close(false)
    const after = overChannel(open)
    expect(after.channel.restore(JSON.parse(JSON.stringify(state)) as typeof state)).toBe(true)
    const { result } = await raw(after).ask(2, 'tools/call', { name: 'echo', arguments: { text: 'still' } })
    expect(text(result)).toBe('still')
    expect(server.sessionIds()).toHaveLength(1)
    await after.close()
    await vi.waitFor(() => expect(server.sessionIds()).toEqual([]), patience)
  })
})
