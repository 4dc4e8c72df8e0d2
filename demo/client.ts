import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'

/** An ordinary MCP client: it has a URL and no idea of tokens. */
export async function clientWithoutAuth(endpoint: string): Promise<Client> {
  const client = new Client({ name: 'demo', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(endpoint)))
  return client
}

/** The text of a tool's result. */
export function textOf(result: Awaited<ReturnType<Client['callTool']>>): string {
  return result.content.map((part) => (part.type === 'text' ? part.text : `[${part.type}]`)).join('\n')
}
