import { findMembers } from './json-bytes.ts'
import { findParams, stringAt, type RpcMessage } from './rpc-message.ts'

/** What a message of the current revision says of itself, which headers repeat. */
export interface Mirrored {
  readonly version: string
  /** The tool, prompt or resource that is meant. */
  readonly name: string | undefined
  /** Name, value, name, value … */
  readonly fields: string[]
}

const versionKey = 'io.modelcontextprotocol/protocolVersion'

/** By method: the parameter that `Mcp-Name` repeats. Those of tasks come from their extension. */
const namedBy = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
  ['tasks/get', 'taskId'],
  ['tasks/update', 'taskId'],
  ['tasks/cancel', 'taskId'],
])

/**
 * The headers that repeat a message's version, method and name; undefined for a message without a version of its own, as all of the older
 * era are, and for one that says a thing twice, so that a server might read another of the two.
 * @see [MCP 2026-07-28, Request Metadata](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#request-metadata)
 */
export function mirror(message: RpcMessage): Mirrored | undefined {
  const { bytes, method } = message
  if (method === undefined) return undefined
  const namingParam = namedBy.get(method)
  const wanted = namingParam === undefined ? ['_meta'] : ['_meta', namingParam]
  const [metaPlace, namePlace] = findParams(message, wanted) ?? []
  const meta = metaPlace && findMembers(bytes, metaPlace.start, [versionKey])
  const version = meta && !meta.isAmbiguous ? stringAt(bytes, meta.places[0]) : undefined
  if (version === undefined) return undefined
  const name = stringAt(bytes, namePlace)
  const fields: string[] = []
  // What cannot be said in a header is left out: the server refuses such a message, and says so.
  if (isPlainValue(version)) fields.push('MCP-Protocol-Version', version)
  if (isPlainValue(method)) fields.push('Mcp-Method', method)
  if (name !== undefined) fields.push('Mcp-Name', headerValue(name))
  return { version, name, fields }
}

/**
 * A text as the value of `Mcp-Name` or `Mcp-Param-*`: as it is where HTTP can carry it, else in its Base64 form.
 * @see [MCP 2026-07-28, Value Encoding](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#value-encoding)
 */
export function headerValue(text: string): string {
  const looksEncoded = text.startsWith('=?base64?') && text.endsWith('?=')
  return isPlainValue(text) && !looksEncoded ? text : `=?base64?${Buffer.from(text).toString('base64')}?=`
}

/** Visible ASCII, with spaces and tabs in its inside only. An empty text would be trimmed away on the way. */
function isPlainValue(text: string): boolean {
  return /^[\x21-\x7e](?:[\t\x20-\x7e]*[\x21-\x7e])?$/.test(text)
}
