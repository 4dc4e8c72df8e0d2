import { Client, StreamableHTTPClientTransport, type Transport } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import type { BridgeUnderTest } from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import { answerAsUsual, startSseServer } from '../support/sse-server.ts'
import { closing, setScene } from './scene.ts'

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))
const { signal } = new AbortController()

/** A client app may speak the older era alone, or the current one; it may start a program, or be given an address. */
type Mode = 'legacy' | 'auto'
const faces: Readonly<Record<string, (bridge: BridgeUnderTest) => Promise<Transport>>> = {
  async stdio({ home }) {
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }
    return Promise.resolve(new StdioClientTransport({ command: process.execPath, args: [shim], env }))
  },
  async HTTP({ control }) {
    const { url } = await control.connections.endpoint({ client: 'knows-no-auth' }, signal)
    return new StreamableHTTPClientTransport(new URL(url))
  },
}

/** A client app as its author writes it, with nothing that knows of the bridge. */
async function connect(bridge: BridgeUnderTest, face: string, mode: Mode) {
  const client = closing(
    new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } }),
  )
  const transport = await faces[face]?.(bridge)
  if (!transport) throw new Error(`no such face: ${face}`)
  let changes = 0
  client.setNotificationHandler('notifications/tools/list_changed', () => void changes++)
  await client.connect(transport)
  if (mode === 'auto') await client.listen({ toolsListChanged: true })
  const tools = async (): Promise<string[]> => (await client.listTools()).tools.map(({ name }) => name)
  return {
    client,
    tools,
    /** Resolves with the tools as soon as this one is among them. */
    async toolsWith(name: string): Promise<string[]> {
      await expect.poll(tools, { timeout: 15_000 }).toContain(name)
      return await tools()
    },
    changes: () => changes,
    async echo(connection: string): Promise<any> {
      const text = `${connection} ${Math.random()}`
      const { content, isError, _meta } = await client.callTool({
        name: `${connection}__echo`,
        arguments: { text },
      })
      if (isError) return _meta?.['bridgekeeper/failure']
      return (content as { text: string }[])[0]?.text === text ? 'its own words' : content
    },
  }
}

/** A server of 2024-11-05 with something of everything. */
function serveSse() {
  return startSseServer({
    react(message, stream) {
      const { id, method, params } = message
      const results: Record<string, object> = {
        initialize: {
          protocolVersion: '2024-11-05',
          capabilities: { tools: {}, prompts: {}, resources: {} },
          serverInfo: { name: 'ancient', version: '1' },
        },
        'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
        'prompts/list': { prompts: [{ name: 'triage' }] },
        'prompts/get': {
          messages: [{ role: 'user', content: { type: 'text', text: `ancient: ${params?.name}` } }],
        },
        'resources/list': { resources: [{ uri: 'ancient://scroll', name: 'scroll' }] },
        'resources/templates/list': { resourceTemplates: [] },
        'resources/read': { contents: [{ uri: params?.uri, text: 'the scroll' }] },
      }
      const result = method === undefined ? undefined : results[method]
      if (!result) return answerAsUsual(message, stream)
      stream.say({ jsonrpc: '2.0', id, result })
    },
  })
}

/** Six connections: signed out, dead, slow, of the older era, of the current one, and over HTTP+SSE. */
async function setWholeScene() {
  const { bridge, server: guarded } = await setScene()
  const serve = async (options: McpServerOptions): Promise<McpServerUnderTest> =>
    closing(await startMcpServer(options))
  const slow = await serve({})
  const older = await serve({ era: 'session' })
  const modern = await serve({ era: 'modern' })
  const sse = closing(await serveSse())
  const dead = await serve({})
  const servers = { guarded, slow, older, modern, sse, dead }
  for (const [id, { url }] of Object.entries(servers)) await bridge.add(url, { id })
  await dead.close()
  const gate = slow.loopback.faults.hold('/mcp', 'before', ({ body }) => body.includes('"tools/list"'))
  return { bridge, ...servers, gate, serve }
}

const connectionsOf = (names: readonly string[]): string[] =>
  [...new Set(names.map((name) => name.split('__')[0] ?? ''))].toSorted()

describe.each(Object.keys(faces))('a client app with all connections, over %s', (face) => {
  it.each<Mode>(['legacy', 'auto'])(
    'has what works of each, whatever the others do, and the rest as it comes (%s era)',
    async (mode) => {
      const { bridge, gate, slow, older, modern, guarded, dead, serve } = await setWholeScene()
      const app = await connect(bridge, face, mode)
      const { client } = app
      expect(client.getInstructions()).toMatch(/- guarded: cannot be used now\. .*sign/i)

      expect(connectionsOf(await app.tools())).toEqual(['modern', 'older', 'sse'])
      const prompts = (await client.listPrompts()).prompts.map(({ name }) => name)
      expect(connectionsOf(prompts)).toEqual(['modern', 'older', 'slow', 'sse'])
      for (const connection of ['modern', 'older', 'sse']) {
        const prompt = { name: `${connection}__triage`, arguments: { title: 'x' } }
        expect((await client.getPrompt(prompt)).messages).toHaveLength(1)
      }
      const { resources } = await client.listResources()
      const uris = resources.map(({ uri }) => uri)
      expect(uris).toHaveLength(4)
      for (const uri of uris) {
        const { contents } = await client.readResource({ uri })
        expect(contents).toMatchObject([{ uri, text: expect.stringMatching(/Issues|scroll/) }])
      }

      // All at once, many times: no answer goes to another call.
      const crowd = Array.from({ length: 20 }, () =>
        ['modern', 'older', 'sse', 'slow'].map((connection) => app.echo(connection)),
      ).flat()
      expect(new Set(await Promise.all(crowd))).toEqual(new Set(['its own words']))
      expect(await app.echo('guarded')).toMatchObject({ code: 'connection.signed_out' })
      await expect(app.echo('dead')).rejects.toThrow(/could not be reached/)

      const told = app.changes()
      gate.open()
      await expect.poll(app.changes, { timeout: 10_000 }).toBeGreaterThan(told)
      expect(await app.toolsWith('slow__echo')).toContain('older__echo')

      // Signed in in the middle of another connection's call.
      const leaving = new AbortController()
      const waiting = client.callTool({ name: 'older__wait' }, { signal: leaving.signal })
      waiting.catch(() => undefined)
      const beforeSignIn = app.changes()
      expect((await bridge.signIn('guarded')).at(-1)).toMatchObject({ event: 'connected' })
      await expect.poll(app.changes, { timeout: 10_000 }).toBeGreaterThan(beforeSignIn)
      expect(await app.toolsWith('guarded__write_issue')).toContain('slow__echo')
      expect(await app.echo('guarded')).toBe('its own words')
      leaving.abort()
      await expect(waiting).rejects.toThrow(/abort/i)
      await expect.poll(() => older.record.cancelled.length, { timeout: 10_000 }).toBe(1)

      const revived = await serve({ port: Number(dead.url.port) })
      expect(await app.echo('dead')).toBe('its own words')
      expect(revived.record.calls).toMatchObject([{ tool: 'echo' }])
      await app.toolsWith('dead__echo')

      const answered = [modern, older, slow, guarded].map(
        ({ record }) => record.calls.filter(({ tool }) => tool === 'echo').length,
      )
      expect(answered).toEqual([20, 20, 20, 1])
      // Each was spoken to in its own era, and the one that has both in the client's.
      const eras = [modern, older, slow].map(({ record }) => new Set(record.calls.map(({ era }) => era)))
      const own = mode === 'auto' ? 'modern' : 'legacy'
      expect(eras).toEqual([new Set(['modern']), new Set(['legacy']), new Set([own])])
    },
    60_000,
  )
})
