import type { Client } from '@modelcontextprotocol/client'
import { z } from 'zod'
import type { Tool } from '../shared/control.ts'
import { BridgeError, Failure } from '../shared/errors.ts'
import { version } from './version.ts'

/** How long a tool of the CLI may take, in milliseconds; a person can end the command before. */
const callTimeoutMs = 60 * 60_000

/** The longest answer that is taken in, in bytes: it is held in the memory that all connections share. */
const mostBytes = 32 * 1024 * 1024

/** The body with which the gateway answers a failure. */
const FailedAnswer = z.object({ error: z.object({ data: Failure }) })

/** Lists all tools behind a local endpoint, as any MCP client would. Rejects with the gateway's failure. */
export async function listTools(endpoint: string, signal: AbortSignal): Promise<Tool[]> {
  return await withClient(endpoint, async (client) => {
    // Without a cursor it gives all pages, up to a number that the library sets.
    const { tools } = await client.listTools({}, { signal })
    return tools.map(({ name, title, description, inputSchema }) => ({
      name,
      ...(title === undefined ? {} : { title }),
      ...(description === undefined ? {} : { description }),
      inputSchema,
    }))
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
  muteConsole()
  let failure: Failure | undefined
  let giveUp!: (reason: BridgeError) => void
  const tooLarge = new Promise<never>((_, reject) => (giveUp = reject))
  tooLarge.catch(() => undefined)
  const transport = new StreamableHTTPClientTransport(new URL(endpoint), {
    fetch: async (url, init) => {
      const response = limited(await fetch(url, init), () => giveUp(new BridgeError('network.too_large')))
      if (!response.ok) failure = await failureIn(response.clone())
      return response
    },
  })
  const client = new Client({ name: 'bridgekeeper', version }, { versionNegotiation: { mode: 'auto' } })
  try {
    return await Promise.race([client.connect(transport).then(() => use(client)), tooLarge])
  } catch (thrown) {
    if (thrown instanceof BridgeError) throw thrown
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

/** The response with a body that breaks where it grows too large. */
function limited(response: Response, tooLarge: () => void): Response {
  let size = 0
  const limit = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      size += chunk.byteLength
      if (size <= mostBytes) return controller.enqueue(chunk)
      tooLarge()
      controller.error(new BridgeError('network.too_large'))
    },
  })
  const body = response.body?.pipeThrough(limit) ?? null
  return new Response(body, response)
}

/** The MCP library writes words of servers to the console, where a terminal would obey them. Nothing of ours uses it. */
function muteConsole(): void {
  const mute = (): void => undefined
  Object.assign(globalThis.console, { debug: mute, info: mute, log: mute, warn: mute, error: mute })
}
