import { describe, expect, it } from 'vitest'
import { modern } from '../../support/stdio-client.ts'
import type { Line } from './channel-client.ts'
import { setScene } from './scene.ts'

const names = ({ result }: Line): string[] => (result.tools as { name: string }[]).map(({ name }) => name)
const echo = { name: 'echo', arguments: { text: 'hello' } }
const isNotice =
  (list: string) =>
  ({ method }: Line): boolean =>
    method === `notifications/${list}/list_changed`

describe('a client of the older era at a connection that was revoked', () => {
  it('keeps its lists, gets words for its calls, and goes on after the next sign-in', async () => {
    const scene = await setScene()
    const client = scene.client()
    await client.initialize()
    const before = await client.ask('tools/list')
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
    await scene.revoke()

    expect(names(await client.ask('tools/list'))).toEqual(names(before))
    expect((await client.ask('ping')).result).toEqual({})
    const refused = await client.ask('tools/call', echo)
    expect(refused.result).toMatchObject({ isError: true })
    expect(refused.result.content[0].text).toContain('bridgekeeper connect issues')
    expect(refused.end?.failure?.code).toBe('connection.signed_out')
    expect((await client.ask('prompts/get', { name: 'triage' })).error?.data.code).toBe(
      'connection.signed_out',
    )
    expect((await client.ask('resources/read', { uri: 'issues://readme' })).error).toBeDefined()

    await scene.signIn()
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
  })

  it('begins while nobody is signed in, and is heard by the server afterwards', async () => {
    const scene = await setScene({ server: { era: 'session' } })
    const first = scene.client()
    await first.initialize()
    const listed = names(await first.ask('tools/list'))
    await first.ask('prompts/list')
    await scene.revoke()
    const asked = scene.asked()

    const client = scene.client()
    const begun = await client.initialize()
    expect(begun.result).toMatchObject({
      protocolVersion: '2025-11-25',
      serverInfo: { name: 'issues', version: '1.0.0' },
      capabilities: { tools: { listChanged: true }, prompts: { listChanged: true } },
    })
    expect(begun.result.instructions).toContain('bridgekeeper connect issues')
    expect(begun.result.instructions).toContain('A server for tests and demonstrations.')
    const { result } = await client.ask('tools/list')
    expect(Object.keys(result)).toEqual(['tools'])
    expect(result.tools.map(({ name }: { name: string }) => name)).toEqual(listed)
    expect((await client.ask('prompts/list')).result.prompts).toHaveLength(1)
    expect(scene.asked()).toBe(asked)

    await scene.signIn()
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
    expect(scene.server.record.calls.at(-1)).toMatchObject({ tool: 'echo', era: 'legacy' })
  })

  it('gets words for a call that was under way, and a server that is not told twice', async () => {
    const scene = await setScene()
    const client = scene.client()
    await client.initialize()
    const answered = client.ask('tools/call', { name: 'wait', arguments: {} })
    await expect.poll(() => scene.server.record.calls.length, { timeout: 10_000 }).toBe(1)
    await scene.revoke()
    expect((await answered).result).toMatchObject({ isError: true })
    await scene.signIn()
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
    expect(scene.server.record.calls.map(({ tool }) => tool)).toEqual(['wait', 'echo'])
  })

  it('is answered an error for a page that it can have no more, and begins its list again', async () => {
    const scene = await setScene()
    const client = scene.client()
    await client.initialize()
    await client.ask('tools/list')
    await scene.revoke()
    expect((await client.ask('tools/list', { cursor: 'page-2' })).error?.code).toBe(-32_602)
    expect(names(await client.ask('tools/list'))).toContain('echo')
  })

  it('has its requests in order, each answered once, whatever it sends before the server has heard of it', async () => {
    const scene = await setScene({ signedIn: false, server: { era: 'session' } })
    const client = scene.client()
    await client.initialize()
    client.send({ id: 'level', method: 'logging/setLevel', params: { level: 'error' } })
    const asked = Array.from({ length: 20 }, (_, n) => {
      const args = { name: 'echo', arguments: { text: `${n}` } }
      return n === 10
        ? scene.signIn().then(() => client.ask('tools/call', args))
        : client.ask('tools/call', args)
    })
    const answers = await Promise.all(asked)
    expect(answers.every(({ result }) => result?.content.length === 1)).toBe(true)
    expect(answers[10]?.result.content[0].text).toBe('10')
    expect(client.channel.awaited).toBe(0)
    expect(scene.server.sessionIds()).toHaveLength(1)
    const ids = client.lines.filter(({ id }) => id !== undefined).map(({ id }) => id)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('is told once that a person is needed, however often it calls', async () => {
    const scene = await setScene()
    await scene.revoke()
    const client = scene.client()
    await client.initialize()
    for (let call = 0; call < 5; call++) await client.ask('tools/call', echo)
    expect(scene.bridge.events.filter(({ event }) => event === 'sign-in-needed')).toHaveLength(1)
  })
})

describe('a client of the current revision at a connection that was revoked', () => {
  it('keeps its lists, with what results of that revision have, and gets words for its calls', async () => {
    const scene = await setScene()
    const client = scene.client()
    const discovered = await client.ask('server/discover', modern())
    const before = await client.ask('tools/list', modern())
    await scene.revoke()

    const again = await client.ask('server/discover', modern())
    expect(again.result).toMatchObject({
      resultType: 'complete',
      supportedVersions: ['2026-07-28'],
      ttlMs: 0,
      cacheScope: 'private',
      _meta: discovered.result._meta,
    })
    expect(again.result.instructions).toContain('bridgekeeper connect issues')
    const list = await client.ask('tools/list', modern())
    expect(list.result).toMatchObject({ resultType: 'complete', ttlMs: 0, cacheScope: 'private' })
    expect(list.result.tools).toEqual(before.result.tools)
    const refused = await client.ask('tools/call', modern(echo))
    expect(refused.result).toMatchObject({ resultType: 'complete', isError: true })

    await scene.signIn()
    expect((await client.ask('tools/call', modern(echo))).result.content[0].text).toBe('hello')
  })

  it('has its subscription kept open, and hears on it when its lists are there', async () => {
    const scene = await setScene({ signedIn: false })
    const client = scene.client()
    expect((await client.ask('tools/list', modern())).result.tools).toEqual([])
    client.send({
      id: 'listening',
      method: 'subscriptions/listen',
      params: modern({ notifications: { toolsListChanged: true } }),
    })
    const acknowledged = await client.find(
      ({ method }) => method === 'notifications/subscriptions/acknowledged',
    )
    expect(acknowledged.params).toEqual({
      notifications: { toolsListChanged: true },
      _meta: { 'io.modelcontextprotocol/subscriptionId': 'listening' },
    })
    await scene.signIn()
    const notice = await client.find(isNotice('tools'))
    expect(notice.params._meta).toEqual({ 'io.modelcontextprotocol/subscriptionId': 'listening' })
    expect(names(await client.ask('tools/list', modern()))).toContain('echo')
    scene.server.announceTools()
    await expect.poll(() => client.lines.filter(isNotice('tools')).length, { timeout: 10_000 }).toBe(2)
    expect(client.lines.some(isNotice('prompts'))).toBe(false)
    const said = client.lines.filter(({ method }) => method?.endsWith('/acknowledged'))
    expect(said).toHaveLength(1)
  })
})

describe('a subscription to a server that is revoked', () => {
  it('stays open, and hears of its server again after the next sign-in', async () => {
    const scene = await setScene()
    const client = scene.client()
    client.send({
      id: 'listening',
      method: 'subscriptions/listen',
      params: modern({ notifications: { toolsListChanged: true } }),
    })
    const isAcknowledged = ({ method }: Line): boolean =>
      method === 'notifications/subscriptions/acknowledged'
    await client.find(isAcknowledged)
    await client.ask('tools/list', modern())
    await scene.revoke()
    await expect.poll(() => client.channel.pending().length, { timeout: 10_000 }).toBe(1)
    const shown = await client.ask('tools/list', modern())
    await scene.signIn()
    const notices = (): number => {
      // Until the stream stands on which it is heard.
      scene.server.announceTools()
      return client.lines.filter(isNotice('tools')).length
    }
    await expect.poll(notices, { timeout: 10_000 }).toBeGreaterThan(0)
    expect((await client.ask('tools/list', modern())).result.tools).toEqual(shown.result.tools)
    expect(client.lines.some(({ id }) => id === 'listening')).toBe(false)
  })
})

describe('a server that was never reached', () => {
  it('says so in its instructions, has empty lists, and announces them after the first sign-in', async () => {
    const scene = await setScene({ signedIn: false, server: { era: 'session' } })
    const client = scene.client()
    const begun = await client.initialize()
    expect(begun.result.instructions).toContain('never reached')
    expect(begun.result.serverInfo.name).toBe('issues')
    expect((await client.ask('tools/list')).result).toEqual({ tools: [] })
    expect((await client.ask('resources/templates/list')).result).toEqual({ resourceTemplates: [] })
    expect(scene.asked()).toBe(1)

    await scene.signIn()
    for (const list of ['tools', 'prompts', 'resources']) await client.find(isNotice(list))
    expect(names(await client.ask('tools/list'))).toContain('echo')
  })

  it('is tried again by itself where it could not be reached', async () => {
    const scene = await setScene()
    await scene.server.loopback.down()
    const client = scene.client()
    await client.initialize()
    expect((await client.ask('tools/list')).result).toEqual({ tools: [] })
    await scene.server.loopback.up()
    await client.find(isNotice('tools'))
    expect(names(await client.ask('tools/list'))).toContain('echo')
  })

  it('is served as soon as it can be reached, without a sign-in', async () => {
    const scene = await setScene()
    await scene.server.loopback.down()
    const client = scene.client()
    const begun = await client.initialize()
    expect(begun.result.instructions).toContain('could not be reached')
    expect((await client.ask('tools/call', echo)).error?.data.code).toBe('network.unreachable')
    await scene.server.loopback.up()
    expect((await client.ask('tools/call', echo)).result.content[0].text).toBe('hello')
  })
})
