import { describe, expect, it } from 'vitest'
import { createWorkshop, serve, setAllScene, type Era } from './scene.ts'

const eras: readonly Era[] = ['legacy', 'modern']

describe.each(eras)('a call by way of all connections (%s era)', (era) => {
  it('reaches the one server that it names, and no other', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const elm = await serve({ create: () => createWorkshop('elm') })
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, era)).spawn()
    const { content } = await client.result('tools/call', { name: 'elm__who', arguments: {} })
    expect(content).toEqual([{ type: 'text', text: 'elm' }])
    expect(oak.loopback.requests.filter(({ body }) => body.includes('tools/call'))).toEqual([])
    const { messages } = await client.result('prompts/get', {
      name: 'oak__sort',
      arguments: { what: 'wood' },
    })
    expect(messages[0].content.text).toBe('oak: sort wood')
  })

  it('asks for the list first where the name is shortened and nothing is known', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    const name = 'oak__admin_tools_list__zyz54mkonf'
    const { content } = await client.result('tools/call', { name, arguments: {} })
    expect(content[0].text).toBe('oak has dots')
  })

  it('gets every progress message of its own, and none of another', async () => {
    const oak = await serve()
    const elm = await serve()
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, era)).spawn()
    const call = (name: string, count: number, progressToken: number | string): Promise<unknown> =>
      client.result('tools/call', { name, arguments: { count }, _meta: { progressToken } })
    await Promise.all([call('oak__progress', 300, 1), call('elm__progress', 200, '1')])
    const progress = client.lines
      .map((line) => JSON.parse(line))
      .filter(({ method }) => method === 'notifications/progress')
    const of = (token: number | string): number[] =>
      progress.filter(({ params }) => params.progressToken === token).map(({ params }) => params.progress)
    expect(of(1)).toEqual(Array.from({ length: 300 }, (_, n) => n + 1))
    expect(of('1')).toEqual(Array.from({ length: 200 }, (_, n) => n + 1))
  })

  it('is cancelled at its server alone', async () => {
    const oak = await serve()
    const elm = await serve()
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, era)).spawn()
    await client.result('tools/list')
    const calls = ['oak__wait', 'elm__wait'].map((name) =>
      client.result('tools/call', { name, arguments: {} }),
    )
    for (const call of calls) call.catch(() => undefined)
    await expect.poll(() => oak.record.calls.length + elm.record.calls.length).toBe(2)
    const sent = client.sent.find((line) => line.includes('elm__wait'))
    const { id } = JSON.parse(sent ?? '')
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: id } })
    await expect.poll(() => elm.record.cancelled.length).toBe(1)
    expect(oak.record.cancelled).toEqual([])
  })

  it.each(['unknown', 'oak', 'oak__', 'nobody__who', '__who', ''])(
    'is refused for the name %j',
    async (name) => {
      const oak = await serve({ create: () => createWorkshop('oak') })
      const client = (await setAllScene({ oak: oak.url }, era)).spawn()
      await expect(client.result('tools/call', { name, arguments: {} })).rejects.toMatchObject({
        code: -32602,
      })
    },
  )

  it('gets the error of its own connection', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    await client.result('tools/list')
    await oak.loopback.down()
    await expect(client.result('tools/call', { name: 'oak__who', arguments: {} })).rejects.toMatchObject({
      data: { code: 'network.unreachable' },
    })
  })

  it('is an error that says so for a method that cannot be joined', async () => {
    const client = (await setAllScene({}, era)).spawn()
    await expect(client.result('vendor/anything')).rejects.toMatchObject({
      code: -32601,
      message: expect.stringContaining('vendor/anything'),
    })
  })

  it.each([0, -1, 7, 'seven', '', 'a"b\\c'])('keeps the id %j', async (id) => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    await client.result('ping').catch(() => undefined)
    const params = { name: 'oak__who', arguments: {}, ...client.meta }
    expect(await client.ask('tools/call', params, id)).toMatchObject({ id, result: {} })
    expect(await client.ask('tools/list', { ...client.meta }, id)).toMatchObject({ id, result: {} })
  })
})

describe('questions of two servers to a client (2025-11-25)', () => {
  it('reach it under ids of their own, although both servers chose the same, and the answers find back', async () => {
    const oak = await serve({ era: 'session', create: () => createWorkshop('oak') })
    const elm = await serve({ era: 'session', create: () => createWorkshop('elm') })
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, 'legacy')).spawn()
    const ask = (name: string, of: string): Promise<any> =>
      client.result('tools/call', { name: `${name}__ask`, arguments: { of } })
    const calls = [ask('oak', 'first'), ask('elm', 'second')]
    const questionOf = (of: string): Promise<any> =>
      client.find(
        ({ method, params }) => method === 'sampling/createMessage' && JSON.stringify(params).includes(of),
      )
    const [first, second] = await Promise.all([questionOf('first'), questionOf('second')])
    expect(first.id).not.toBe(second.id)
    // Answered in the other order.
    for (const [question, heard] of [
      [second, 'two'],
      [first, 'one'],
    ] as const) {
      const result = { role: 'assistant', model: 'm', content: { type: 'text', text: heard } }
      client.send({ jsonrpc: '2.0', id: question.id, result })
    }
    const [fromOak, fromElm] = await Promise.all(calls)
    expect(fromOak.content[0].text).toMatch(/^oak heard .*one/)
    expect(fromElm.content[0].text).toMatch(/^elm heard .*two/)
  })
})

describe('a client of the older era', () => {
  it('is welcomed before any server is asked', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const scene = await setAllScene({ oak: oak.url }, 'legacy')
    const asked = oak.loopback.requests.length
    const { result } = await scene.spawn().initialize()
    expect(result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'bridgekeeper' },
      capabilities: { tools: { listChanged: true }, resources: { subscribe: true } },
    })
    expect(oak.loopback.requests.length).toBe(asked)
  })

  it('sets the log level of all servers that log, those that are begun later too', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const client = (await setAllScene({ oak: oak.url }, 'legacy')).spawn()
    expect(await client.result('logging/setLevel', { level: 'error' })).toEqual({})
    await client.result('tools/list')
    await expect
      .poll(() => oak.loopback.requests.filter(({ body }) => body.includes('logging/setLevel')).length)
      .toBe(1)
    await expect(client.result('logging/setLevel', { level: 'loud' })).rejects.toMatchObject({ code: -32602 })
  })

  it('has to begin a session first', async () => {
    const client = (await setAllScene({}, 'modern')).spawn()
    expect(await client.ask('tools/list')).toMatchObject({
      error: { data: { code: 'gateway.not_initialized' } },
    })
  })

  it('is told of a resource by the uri that it subscribed with, and leaves no session behind', async () => {
    const oak = await serve({ era: 'session', create: () => createWorkshop('oak') })
    const elm = await serve({ era: 'session', create: () => createWorkshop('elm') })
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, 'legacy')).spawn()
    const uri = 'bridgekeeper+elm+doc://shelf/index'
    await client.result('resources/subscribe', { uri })
    await expect.poll(() => elm.loopback.requestsOf('/mcp', 'GET').length).toBe(1)
    await expect
      .poll(() => {
        elm.announceResource('doc://shelf/index')
        return client.lines.some((line) => line.includes('resources/updated'))
      })
      .toBe(true)
    expect(await client.notified('notifications/resources/updated')).toMatchObject({ uri })
    expect(elm.sessionIds()).toHaveLength(1)
    await client.end()
    await expect.poll(() => elm.sessionIds().length + oak.sessionIds().length).toBe(0)
  })
})

describe('a client of the current revision', () => {
  it('is refused another version, and a request without its capabilities', async () => {
    const client = (await setAllScene({}, 'modern')).spawn()
    const meta = (version: string): object => ({
      _meta: { 'io.modelcontextprotocol/protocolVersion': version },
    })
    expect(await client.ask('tools/list', meta('2099-01-01'))).toMatchObject({
      error: { code: -32022, data: { supported: ['2026-07-28'], requested: '2099-01-01' } },
    })
    expect(await client.ask('tools/list', meta('2026-07-28'))).toMatchObject({ error: { code: -32602 } })
  })

  it('discovers one server, with its connections and what they say of their use', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const scene = await setAllScene({ oak: oak.url }, 'modern')
    const asked = oak.loopback.requests.length
    const first = await scene.spawn().result('server/discover')
    expect(first).toMatchObject({ resultType: 'complete', supportedVersions: ['2026-07-28'], ttlMs: 0 })
    expect(first.instructions).toContain('- oak')
    expect(oak.loopback.requests.length).toBe(asked)
    await scene.spawn().result('tools/list')
    await expect
      .poll(async () => (await scene.spawn().result('server/discover')).instructions)
      .toContain('How to use oak.')
  })

  it('has one stream for what all servers tell, which is acknowledged first', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const elm = await serve({ create: () => createWorkshop('elm') })
    const client = (await setAllScene({ oak: oak.url, elm: elm.url }, 'modern')).spawn()
    await client.keys('resources/list')
    const uri = 'bridgekeeper+elm+doc://shelf/index'
    const notifications = { toolsListChanged: true, resourceSubscriptions: [uri, 'nobody://x'] }
    client.send({
      jsonrpc: '2.0',
      id: 'stream',
      method: 'subscriptions/listen',
      params: { notifications, ...client.meta },
    })
    const subscription = { 'io.modelcontextprotocol/subscriptionId': 'stream' }
    expect(await client.notified('notifications/subscriptions/acknowledged')).toEqual({
      _meta: subscription,
      notifications: { toolsListChanged: true, resourceSubscriptions: [uri] },
    })
    await expect
      .poll(() => {
        oak.announceResource('doc://shelf/index')
        elm.announceResource('doc://shelf/index')
        return client.lines.some((line) => line.includes('resources/updated'))
      })
      .toBe(true)
    expect(await client.notified('notifications/resources/updated')).toEqual({ _meta: subscription, uri })
    oak.announceTools()
    expect(await client.notified('notifications/tools/list_changed')).toEqual({ _meta: subscription })
    expect(client.lines.filter((line) => line.includes('acknowledged'))).toHaveLength(1)
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'stream' } })
    await client.result('tools/list')
    expect(client.lines.filter((line) => line.includes('"id":"stream"'))).toEqual([])
  })
})
