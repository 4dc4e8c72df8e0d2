import { McpServer } from '@modelcontextprotocol/server'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createHandClock } from '../../end-to-end/sign-in-setup.ts'
import { startBridge } from '../../support/bridge-under-test.ts'
import { startMcpServer } from '../../support/mcp-server.ts'
import { startStrictAuthorizationServer } from '../../support/strict-authorization-server.ts'

const app = 'test-client'
const eras = ['legacy', 'auto'] as const

async function connect(url: string, mode: (typeof eras)[number]) {
  const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
  const transport = new StreamableHTTPClientTransport(new URL(url))
  await client.connect(transport)
  onTestFinished(() => client.close())
  return { client, transport }
}

const namesOf = async (client: Client): Promise<string[]> =>
  (await client.listTools(undefined, { cacheMode: 'refresh' } as never)).tools.map(({ name }) => name)

describe.each(eras)('the SDK client (%s era) over HTTP at a connection that is signed out', (mode) => {
  async function setScene() {
    const authorization = await startStrictAuthorizationServer()
    onTestFinished(() => authorization.close())
    const { issuer, verify } = authorization
    const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
    const server = await startMcpServer({ auth })
    onTestFinished(() => server.close())
    const clock = createHandClock()
    const bridge = await startBridge({ clock })
    onTestFinished(() => bridge.close())
    const id = await bridge.connect(server.url, { id: 'issues' })
    // What servers have is learned in the background, once they are left in peace.
    clock.pass(2_000)
    const known = async (): Promise<unknown> =>
      (await bridge.control.connections.get({ id: id as never }, new AbortController().signal)).lists?.tools
    await expect.poll(known, { timeout: 10_000 }).toBeGreaterThan(5)
    return { bridge, id, server, url: await bridge.endpoint(id, app) }
  }
  const echo = { name: 'echo', arguments: { text: 'hello' } }

  it('keeps its lists, reads how to sign in, and goes on afterwards', async () => {
    const { bridge, id, url } = await setScene()
    const { client } = await connect(url, mode)
    const listed = await namesOf(client)
    expect((await client.callTool(echo)).content).toMatchObject([{ text: 'hello' }])
    await bridge.revoke(id)
    const refused = await client.callTool(echo)
    expect(refused.isError).toBe(true)
    expect(JSON.stringify(refused.content)).toContain('bridgekeeper connect issues')
    expect(await namesOf(client)).toEqual(listed)
    await bridge.signIn(id)
    expect((await client.callTool(echo)).content).toMatchObject([{ text: 'hello' }])
  })

  it('begins there, and its session goes on after the sign-in', async () => {
    const { bridge, id, url } = await setScene()
    const first = await connect(url, mode)
    const listed = await namesOf(first.client)
    await bridge.revoke(id)
    const { client, transport } = await connect(url, mode)
    expect(client.getInstructions()).toContain('bridgekeeper connect issues')
    const { sessionId } = transport
    expect(await namesOf(client)).toEqual(listed)
    expect((await client.callTool(echo)).isError).toBe(true)
    await bridge.signIn(id)
    expect((await client.callTool(echo)).content).toMatchObject([{ text: 'hello' }])
    expect(transport.sessionId).toBe(sessionId)
  })
})

/** A server whose tools never change, as far as it says. */
function createStill(): McpServer {
  const server = new McpServer(
    { name: 'still', version: '1' },
    { capabilities: { tools: { listChanged: false } } },
  )
  server.registerTool('echo', {}, () => ({ content: [] }))
  server.registerTool('other', {}, () => ({ content: [] }))
  return server
}

describe.each(eras)('a tool that is denied to the SDK client (%s era) at all connections', (mode) => {
  it.each([
    ['tells of changes', {}],
    ['never says that its tools change', { create: createStill }],
    ['of the older era never says so', { create: createStill, era: 'session' }],
  ] as const)(
    'of a server that %s is not listed from what was known before the rule, to this process or the next, and is not called',
    async (_, options) => {
      const server = await startMcpServer(options)
      onTestFinished(() => server.close())
      const bridge = await startBridge()
      onTestFinished(() => bridge.close())
      const id = await bridge.connect(server.url, { id: 'issues' })
      const { url } = await bridge.control.connections.endpoint({ client: app }, new AbortController().signal)
      const { client } = await connect(url, mode)
      await expect.poll(() => namesOf(client)).toContain('issues__echo')
      await bridge.control.access.set(
        { sets: 'rule', client: app, connection: id as never, tool: 'ECHO', verdict: 'deny' },
        new AbortController().signal,
      )
      expect(await namesOf(client)).not.toContain('issues__echo')
      const next = await connect(url, mode)
      expect(await namesOf(next.client)).not.toContain('issues__echo')
      await expect(next.client.callTool({ name: 'issues__echo', arguments: {} })).rejects.toThrow(/may not/)
      expect(server.record.calls).toEqual([])
    },
  )
})
