import { McpServer, ResourceTemplate } from '@modelcontextprotocol/server'
import { afterEach } from 'vitest'
import { z } from 'zod'
import { startBridge, type BridgeUnderTest } from '../../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../../support/mcp-server.ts'
import { modern, startStdioClient, type StdioClient } from '../../support/stdio-client.ts'
import type { TemporaryHome } from '../../support/temporary-home.ts'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Ends something after the test. */
export function afterwards(close: () => Promise<unknown>): void {
  open.unshift(close)
}

/** Starts a real MCP server that is closed after the test. */
export async function serve(options?: McpServerOptions): Promise<McpServerUnderTest> {
  const server = await startMcpServer(options)
  afterwards(() => server.close())
  return server
}

/** A bridge in this process, and client apps that spawn the built shim for all of its connections. */
export interface AllScene {
  readonly bridge: BridgeUnderTest
  /** Adds connections by their ids; they are not signed in. */
  readonly add: (servers: Readonly<Record<string, URL>>) => Promise<void>
  readonly spawn: () => AllClient
}

/** A client app that speaks one era. */
export interface AllClient extends StdioClient {
  /** What every request of the client's era has among its params. */
  readonly meta: object
  /** What was sent with `result`. */
  readonly sent: readonly string[]
  /** Sends a request of the client's era and resolves with its result. Rejects with the error. */
  result(method: string, params?: object): Promise<any>
  /** The names, or the uris, of one of the lists. */
  keys(method: string): Promise<string[]>
  /** Asks to be told of changed lists of tools, as a client of the current revision does. */
  listen(): void
  /** Resolves with the first notification of this method, after the `after`-th one, past or to come. */
  notified(method: string, after?: number): Promise<any>
}

export type Era = 'legacy' | 'modern'

/** Sets the scene; all of it is closed after the test. */
export async function setAllScene(
  servers: Readonly<Record<string, URL>>,
  era: Era = 'modern',
): Promise<AllScene> {
  const bridge = await startBridge()
  afterwards(() => bridge.close())
  const add: AllScene['add'] = async (added) => {
    for (const [id, url] of Object.entries(added)) await bridge.add(url, { id })
  }
  await add(servers)
  return { bridge, add, spawn: () => spawnAll(bridge.home, era) }
}

/** Spawns the shim without a connection, as a client app of one era does. */
export function spawnAll(home: TemporaryHome, era: Era): AllClient {
  const client = startStdioClient(home, undefined, { env: { BRIDGEKEEPER_HOME: home.bridge } })
  afterwards(() => client.kill())
  const sent: string[] = []
  let begun: Promise<unknown> | undefined
  const result: AllClient['result'] = async (method, params = {}) => {
    if (era === 'legacy') await (begun ??= client.initialize({ sampling: {}, elicitation: {}, roots: {} }))
    const all = era === 'modern' ? modern(params) : params
    const id = `result-${sent.length}`
    sent.push(JSON.stringify({ id, method, params: all }))
    const answer = await client.ask(method, all, id)
    if (answer.error) throw Object.assign(new Error(answer.error.message), answer.error)
    return answer.result
  }
  return {
    ...client,
    get lines() {
      return client.lines
    },
    meta: era === 'modern' ? modern() : {},
    sent,
    result,
    async keys(method) {
      const { tools, prompts, resources, resourceTemplates } = await result(method)
      const items: any[] = tools ?? prompts ?? resources ?? resourceTemplates
      return items.map((item) => item.uri ?? item.uriTemplate ?? item.name)
    },
    listen() {
      const asked = client.ask('subscriptions/listen', modern({ notifications: { toolsListChanged: true } }))
      // It has no answer for as long as the client runs.
      asked.catch(() => undefined)
    },
    notified(method, after = 0) {
      let count = 0
      return client.find((line) => line.method === method && count++ === after).then(({ params }) => params)
    },
  }
}

/** A server with what may meet that of another: the same names, uris and questions to the client. */
export function createWorkshop(name: string): McpServer {
  const server = new McpServer(
    { name, version: '1' },
    {
      instructions: `How to use ${name}.`,
      capabilities: {
        tools: { listChanged: true },
        resources: { listChanged: true, subscribe: true },
        completions: {},
        logging: {},
      },
    },
  )
  // The library has no subscriptions of its own for sessions.
  server.server.setRequestHandler('resources/subscribe', () => ({}))
  server.server.setRequestHandler('resources/unsubscribe', () => ({}))
  const text = (said: string): { content: [{ type: 'text'; text: string }] } => ({
    content: [{ type: 'text', text: said }],
  })
  server.registerTool('who', {}, () => text(name))
  server.registerTool('admin.tools.list', {}, () => text(`${name} has dots`))
  server.registerTool('link', {}, () => ({
    content: [
      { type: 'resource_link', uri: 'doc://shelf/book/7', name: 'linked' },
      { type: 'resource', resource: { uri: 'doc://shelf/book/8', text: 'embedded' } },
    ],
  }))
  server.registerTool('ask', { inputSchema: z.object({ of: z.string() }) }, async ({ of }, { mcpReq }) => {
    const answer = await mcpReq.send({
      method: 'sampling/createMessage',
      params: { messages: [{ role: 'user', content: { type: 'text', text: of } }], maxTokens: 1 },
    })
    return text(`${name} heard ${JSON.stringify(answer.content)}`)
  })
  const plain = { mimeType: 'text/plain' }
  server.registerResource('index', 'doc://shelf/index', plain, ({ href }) => ({
    contents: [{ uri: href, text: `the index of ${name}` }],
  }))
  server.registerResource('own', `${name}://readme`, plain, ({ href }) => ({
    contents: [{ uri: href, text: `only ${name}` }],
  }))
  const book = new ResourceTemplate('doc://shelf/book/{n}', {
    list: undefined,
    complete: { n: (value) => [`${value}-of-${name}`] },
  })
  server.registerResource('book', book, plain, ({ href }, { n }) => ({
    contents: [{ uri: href, text: `book ${String(n)} of ${name}` }],
  }))
  server.registerPrompt('sort', { argsSchema: z.object({ what: z.string() }) }, ({ what }) => ({
    messages: [{ role: 'user', content: { type: 'text', text: `${name}: sort ${what}` } }],
  }))
  return server
}
