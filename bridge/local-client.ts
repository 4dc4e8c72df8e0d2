import type { Client } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Tool } from '../shared/control.ts'
import { BridgeError, Failure } from '../shared/errors.ts'
import { version } from './version.ts'

/** How long a tool of the CLI may take, in milliseconds; a person can end the command before. */
const callTimeoutMs = 60 * 60_000

/** The body with which the gateway answers a failure. */
const FailedAnswer = z.object({ error: z.object({ data: Failure }) })

/** Lists all tools behind a local endpoint, as any MCP client would. Rejects with the gateway's failure. */
export async function listTools(endpoint: string, signal: AbortSignal): Promise<Tool[]> {
  return await withClient(endpoint, async (client) => {
    const tools: Tool[] = []
    let cursor: string | undefined
    do {
      const page = await client.listTools(cursor === undefined ? {} : { cursor }, { signal })
      for (const { name, title, description, inputSchema } of page.tools) {
        tools.push({
          name,
          ...(title === undefined ? {} : { title }),
          ...(description === undefined ? {} : { description }),
          inputSchema,
        })
      }
      cursor = page.nextCursor
    } while (cursor !== undefined)
    return tools
  })
}

/** Calls one tool behind a local endpoint; the result is the server's. Rejects with the gateway's failure. */
export async function callTool(
  endpoint: string,
  name: string,
  args: Record<string, unknown>,
  signal: AbortSignal,
): Promise<unknown> {
  return await withClient(endpoint, (client) =>
    client.callTool(
      { name, arguments: args },
      { signal, timeout: callTimeoutMs, maxTotalTimeout: callTimeoutMs },
    ),
  )
}

async function withClient<T>(endpoint: string, use: (client: Client) => Promise<T>): Promise<T> {
  // The MCP library is large and only the CLI's own calls need it.
  const { Client, ProtocolError, StreamableHTTPClientTransport } =
    await import('@modelcontextprotocol/client')
  let failure: Failure | undefined
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
    fetch: async (url, init) => {
      const response = await fetch(url, init)
      if (!response.ok) failure = await failureIn(response.clone())
      return response
    },
  })
  const client = new Client({ name: 'bridgekeeper', version }, { versionNegotiation: { mode: 'auto' } })
  try {
    await client.connect(transport)
    return await use(client)
  } catch (thrown) {
    if (failure) throw new BridgeError(failure.code, failure.detail)
    if (thrown instanceof ProtocolError) throw new BridgeError('server.refused_call', thrown.message)
    throw new BridgeError('server.failed', undefined, { cause: thrown })
  } finally {
    await transport.terminateSession().catch(() => undefined)
    await client.close().catch(() => undefined)
  }
}

async function failureIn(response: Response): Promise<Failure | undefined> {
  try {
    return FailedAnswer.parse(await response.json()).error.data
  } catch {
    return undefined
  }
}
