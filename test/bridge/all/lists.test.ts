import { McpServer } from '@modelcontextprotocol/server'
import { describe, expect, it } from 'vitest'
import { startLoopback } from '../../support/loopback.ts'
import type { SeenRequest } from '../../support/seen.ts'
import { createWorkshop, serve, setAllScene, spawnAll, type Era } from './scene.ts'

const eras: readonly Era[] = ['legacy', 'modern']
const listsTools = ({ body }: SeenRequest): boolean => body.includes('"tools/list"')

function createCrowd(count: number): McpServer {
  const server = new McpServer({ name: 'crowd', version: '1' }, { capabilities: { tools: {} } })
  server.server.setRequestHandler('tools/list', ({ params }) => {
    const start = Number(params?.cursor ?? 0)
    const end = Math.min(start + 1_000, count)
    const tools = Array.from({ length: end - start }, (_, n) => ({
      name: `tool-number-${start + n}-with-a-name-of-more-than-forty-letters`,
      description: `The ${start + n}th.`,
      inputSchema: { type: 'object' as const },
    }))
    return end < count ? { tools, nextCursor: String(end) } : { tools }
  })
  server.server.setRequestHandler('tools/call', ({ params }) => ({
    content: [{ type: 'text', text: params.name }],
  }))
  return server
}

/** An address where nobody listens. */
async function nobody(): Promise<URL> {
  const loopback = await startLoopback()
  await loopback.close()
  return new URL('/mcp', loopback.origin)
}

describe.each(eras)('the lists of all connections (%s era)', (era) => {
  it('are those of all servers, each tool with its connection, title and annotations', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const issues = await serve()
    const client = (await setAllScene({ oak: oak.url, issues: issues.url }, era)).spawn()
    const names = await client.keys('tools/list')
    expect(names).toEqual(expect.arrayContaining(['oak__who', 'issues__whoami', 'issues__echo']))
    expect(await client.keys('prompts/list')).toEqual(expect.arrayContaining(['oak__sort', 'issues__triage']))
    const { tools } = await client.result('tools/list')
    expect(tools.find(({ name }: { name: string }) => name === 'issues__echo')).toMatchObject({
      description: 'Returns its text.',
      inputSchema: { properties: { text: { type: 'string' } } },
    })
  })

  it('hold 5,000 tools of one server, each under a name that clients take, and each can be called', async () => {
    const crowd = await serve({ create: () => createCrowd(5_000), keep: 'nothing' })
    const client = (await setAllScene({ crowd: crowd.url }, era)).spawn()
    const names = await client.keys('tools/list')
    expect(new Set(names).size).toBe(5_000)
    expect(names.filter((name) => !/^[a-zA-Z0-9_-]{1,45}$/.test(name))).toEqual([])
    const { content } = await client.result('tools/call', { name: names[4_321], arguments: {} })
    expect(content[0].text).toBe('tool-number-4321-with-a-name-of-more-than-forty-letters')
  })

  it('are there without the servers that are dead, need a sign-in, or list nonsense; instructions name these', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const guarded = await serve({
      auth: {
        authorizationServers: ['http://127.0.0.1:1'],
        verify: () => Promise.reject(new Error('nobody')),
      },
    })
    const nonsense = await serve({
      create() {
        const server = createWorkshop('nonsense')
        server.server.setRequestHandler('tools/list', () => ({ tools: 'many' }) as never)
        return server
      },
    })
    const scene = await setAllScene(
      { nonsense: nonsense.url, oak: oak.url, guarded: guarded.url, dead: await nobody() },
      era,
    )
    const client = scene.spawn()
    const names = await client.keys('tools/list')
    expect([...new Set(names.map((name) => name.split('__')[0]))]).toEqual(['oak'])
    // The rest of a server whose tools cannot be listed is there.
    expect(await client.keys('prompts/list')).toContain('nonsense__sort')
    const { instructions } =
      era === 'legacy'
        ? (await spawnAll(scene.bridge.home, era).initialize()).result
        : await client.result('server/discover')
    expect(instructions).toContain('- oak\n')
    expect(instructions).toMatch(/- guarded: cannot be used now\. .*sign/i)
    expect(instructions).toMatch(
      /- nonsense: not all of it could be listed\. .*its list of tools is not valid/,
    )
  })

  it('do not wait for a slow server, and are announced when it has answered', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const slow = await serve()
    const gate = slow.loopback.faults.hold('/mcp', 'before', listsTools)
    const client = (await setAllScene({ oak: oak.url, slow: slow.url }, era)).spawn()
    if (era === 'modern') client.listen()
    const names = await client.keys('tools/list')
    expect(names).toContain('oak__who')
    expect(names.filter((name) => name.startsWith('slow'))).toEqual([])
    gate.open()
    await client.notified('notifications/tools/list_changed')
    expect(await client.keys('tools/list')).toEqual(expect.arrayContaining(['oak__who', 'slow__echo']))
  })

  it('are answered from what is known while a slow server is asked again, also to another process of the app', async () => {
    const slow = await serve()
    const scene = await setAllScene({ slow: slow.url }, era)
    expect(await scene.spawn().keys('tools/list')).toContain('slow__echo')
    const gate = slow.loopback.faults.hold('/mcp', 'before', listsTools)
    const next = scene.spawn()
    expect(await next.keys('tools/list')).toContain('slow__echo')
    gate.open()
  })

  it('follow connections that are added and removed while a client runs', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const elm = await serve({ create: () => createWorkshop('elm') })
    const { bridge, add, spawn } = await setAllScene({ oak: oak.url }, era)
    const client = spawn()
    await client.keys('tools/list')
    if (era === 'modern') client.listen()
    await add({ elm: elm.url })
    await client.notified('notifications/tools/list_changed')
    expect(await client.keys('tools/list')).toEqual(expect.arrayContaining(['oak__who', 'elm__who']))
    await bridge.control.connections.remove({ id: 'oak' as never }, new AbortController().signal)
    await client.notified('notifications/tools/list_changed', 1)
    expect((await client.keys('tools/list')).filter((name) => name.startsWith('oak'))).toEqual([])
    await expect(client.result('tools/call', { name: 'oak__who', arguments: {} })).rejects.toThrow(/oak__who/)
  })

  it('are announced again when a server says that its own have changed', async () => {
    const made: McpServer[] = []
    let hasMore = false
    const addMore = (server: McpServer): unknown => server.registerTool('more', {}, () => ({ content: [] }))
    const oak = await serve({
      create() {
        const server = createWorkshop('oak')
        made.push(server)
        if (hasMore) addMore(server)
        return server
      },
    })
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    if (era === 'modern') client.listen()
    expect(await client.keys('tools/list')).not.toContain('oak__more')
    const isHeard = ({ method, body }: SeenRequest): boolean =>
      method === 'GET' || body.includes('subscriptions/listen')
    await expect.poll(() => oak.loopback.requests.some(isHeard)).toBe(true)
    hasMore = true
    made.forEach(addMore)
    await expect
      .poll(() => {
        oak.announceTools()
        return client.lines.some((line) => line.includes('tools/list_changed'))
      })
      .toBe(true)
    expect(await client.keys('tools/list')).toContain('oak__more')
  })

  it('have one page', async () => {
    const client = (await setAllScene({}, era)).spawn()
    expect(await client.keys('tools/list')).toEqual([])
    await expect(client.result('tools/list', { cursor: 'x' })).rejects.toMatchObject({ code: -32602 })
  })
})
