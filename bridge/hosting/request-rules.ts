import type { IncomingHttpHeaders } from 'node:http'
import { mirror } from '../channel/mirrored-headers.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'

/** How a client speaks: with what it says about itself in every request, or within a session. */
export type ClientEra = 'modern' | 'session'

/** The versions with sessions, of which those before 2025-06-18 need not be named in a header. */
const sessionVersions = new Set(['2024-10-07', '2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])

/** The one version in which several messages may come together. */
export const batchVersion = '2025-03-26'

/** The first version whose clients know an event that only tells its id. */
export const firstWithPositions = '2025-11-25'

/**
 * The era of a request, from its headers alone.
 * @see [MCP 2026-07-28, Protocol Version Header](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header)
 */
export function clientEraOf(headers: IncomingHttpHeaders): ClientEra {
  const version = headers['mcp-protocol-version']
  return version === undefined || sessionVersions.has(String(version)) ? 'session' : 'modern'
}

/** The methods whose requests must repeat what they mean in `Mcp-Name`. */
const named = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** What is wrong with a request of the current revision. */
export type RequestFault =
  | { readonly kind: 'headers'; readonly detail: string }
  | { readonly kind: 'params'; readonly detail: string }

/**
 * Compares a request with the headers that repeat it; undefined where all is well. `Mcp-Param-*` is not looked at: nothing here goes by it, and
 * the server gets these headers made anew from the body.
 * @see [MCP 2026-07-28, Server Validation](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation)
 */
export function faultOf(headers: IncomingHttpHeaders, request: RpcMessage): RequestFault | undefined {
  const mirrored = mirror(request)
  if (!mirrored) return { kind: 'params', detail: 'io.modelcontextprotocol/protocolVersion' }
  const { version, name } = mirrored
  if (headers['mcp-protocol-version'] !== version) return { kind: 'headers', detail: 'MCP-Protocol-Version' }
  if (headers['mcp-method'] !== request.method) return { kind: 'headers', detail: 'Mcp-Method' }
  const given = headers['mcp-name']
  const isNeeded = named.has(request.method ?? '')
  if (given === undefined ? !isNeeded : decoded(String(given)) === name) return undefined
  // A header that repeats nothing says nothing wrong.
  return given !== undefined && name === undefined && !isNeeded
    ? undefined
    : { kind: 'headers', detail: 'Mcp-Name' }
}

/**
 * Undoes the Base64 form of a header's value; undefined where it is none, since a second reading of the same header must not be possible.
 * @see [MCP 2026-07-28, Value Encoding](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding)
 */
function decoded(value: string): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  if (encoded === undefined) return value
  const bytes = Buffer.from(encoded, 'base64')
  return bytes.toString('base64') === encoded ? bytes.toString() : undefined
}
