import type { IncomingHttpHeaders } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import { mirror, type Mirrored } from '../channel/mirrored-headers.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import { saysCapabilities, type Era } from '../translation/era.ts'

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
export function clientEraOf(headers: IncomingHttpHeaders): Era {
  const version = headers['mcp-protocol-version']
  return version === undefined || sessionVersions.has(String(version)) ? 'session' : 'modern'
}

/** The beginning of every session id that is given out here, and by no server. */
export const sessionPrefix = 'bridgekeeper-'

/** Whether a session id was given out here. */
export function isHostedSession(id: string | readonly string[] | undefined): boolean {
  return typeof id === 'string' && id.startsWith(sessionPrefix)
}

/** The methods whose requests must repeat what they mean in `Mcp-Name`. */
const named = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** Why a request of the current revision is refused, with the code that the specification has for it. */
export interface RequestFault {
  readonly status: number
  readonly code: number
  readonly failure: Failure
}

/** The codes for headers that differ from the body, for a body that lacks what every request must say, and for a method that there is not. */
const headerMismatch = -32_020
const invalidParams = -32_602
const methodNotFound = -32_601

/**
 * Compares a request with the headers that repeat it; undefined where all is well. `Mcp-Param-*` is not looked at: nothing here goes by it, and
 * the server gets these headers made anew from the body.
 * @see [MCP 2026-07-28, Server Validation](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#server-validation)
 */
export function faultOf(headers: IncomingHttpHeaders, request: RpcMessage): RequestFault | undefined {
  const mirrored = mirror(request)
  if (!mirrored || !saysCapabilities(request)) {
    const detail = `_meta names no ${mirrored ? 'capabilities' : 'version'}`
    return { status: 400, code: invalidParams, failure: { code: 'gateway.message_invalid', detail } }
  }
  const detail = differingHeader(headers, request, mirrored)
  if (detail !== undefined) {
    return { status: 400, code: headerMismatch, failure: { code: 'gateway.headers_differ', detail } }
  }
  // It would begin a session, for all who share the channel.
  const begins = request.method === 'initialize'
  return begins
    ? { status: 404, code: methodNotFound, failure: { code: 'gateway.method_unknown' } }
    : undefined
}

function differingHeader(
  headers: IncomingHttpHeaders,
  { method = '' }: RpcMessage,
  { version, name }: Mirrored,
): string | undefined {
  if (headers['mcp-protocol-version'] !== version) return 'MCP-Protocol-Version'
  if (headers['mcp-method'] !== method) return 'Mcp-Method'
  const given = headers['mcp-name']
  if (given === undefined) return named.has(method) ? 'Mcp-Name' : undefined
  // Where the body names nothing, the header repeats nothing.
  const repeats = name !== undefined || named.has(method)
  return repeats && decoded(String(given)) !== name ? 'Mcp-Name' : undefined
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
