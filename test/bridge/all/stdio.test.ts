import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../../support/mcp-server.ts'
import { serve } from './scene.ts'

const shim = fileURLToPath(new URL('../../../dist/stdio.cjs', import.meta.url))

async function serve(options?: McpServerOptions): Promise<McpServerUnderTest> {
  const server = await startMcpServer(options)
  afterwards(() => server.close())
  return server
}

describe('a client app with one entry for all connections, over stdio', () => {
  it.each(['legacy', 'auto'] as const)('lists and calls with the SDK client (%s era)', async (mode) => {
    const issues = await serve()
    const wiki = await serve()
    const { home } = await setAllScene({ issues: issues.url, wiki: wiki.url })
    const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [shim], env }))
    expect(client.getServerVersion()).toMatchObject({ name: 'bridgekeeper' })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['issues__echo', 'wiki__echo']))
    const { content } = await client.callTool({ name: 'wiki__echo', arguments: { text: 'über alle' } })
    expect(content).toMatchObject([{ type: 'text', text: 'über alle' }])
    expect(wiki.record.calls.map(({ tool }) => tool)).toEqual(['echo'])
    expect(issues.record.calls).toEqual([])
    await client.close()
  })
})
