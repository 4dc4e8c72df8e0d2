import type { IncomingHttpHeaders } from 'node:http'
import type { CallOrigin } from '../connections/upstream.ts'
import type { RequestBody } from './request-body.ts'

/** What is read of a JSON-RPC message, when something must be known of it: never on the way of a call that succeeds. */
export interface MessageHead {
  /** Present for a request; a notification or an answer has none that counts here. */
  readonly id?: string | number
  readonly method?: string
  /** The tool, prompt or resource that is meant. */
  readonly name?: string
}

/** Reads a body's method, id and name; of a batch, of what is compressed and of what is no JSON-RPC it reads nothing. */
export function readMessage(body: RequestBody): MessageHead {
  let message: unknown
  try {
    message = JSON.parse(Buffer.concat(body.chunks).toString('utf8'))
  } catch {
    return {}
  }
  if (!isRecord(message) || typeof message['method'] !== 'string') return {}
  const { id, method, params } = message
  const name = isRecord(params) ? (params['name'] ?? params['uri']) : undefined
  return {
    method,
    ...(typeof id === 'string' || typeof id === 'number' ? { id } : {}),
    ...(typeof name === 'string' ? { name } : {}),
  }
}

/**
 * Who makes a call, for the person who is asked to allow it: from the mirrored headers, else from the body. Lengths are bounded and control
 * characters removed, since terminals show it.
 * @see [MCP 2026-07-28, Standard Request Headers](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#standard-request-headers)
 */
export function callOrigin(client: string, headers: IncomingHttpHeaders, body: RequestBody): CallOrigin {
  const mirrored = headers['mcp-method']
  const mirroredName = headers['mcp-name']
  const { method, name } =
    typeof mirrored === 'string'
      ? { method: mirrored, name: typeof mirroredName === 'string' ? decodeHeader(mirroredName) : undefined }
      : readMessage(body)
  return {
    client,
    ...(method === undefined ? {} : { method: presentable(method) }),
    ...(name === undefined ? {} : { name: presentable(name) }),
  }
}

/** Undoes the Base64 form that a header value has when it is not plain ASCII. */
function decodeHeader(value: string): string {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value)?.[1]
  return encoded === undefined ? value : Buffer.from(encoded, 'base64').toString('utf8')
}

function presentable(text: string): string {
  return text.replace(/\p{C}/gu, '').slice(0, 200)
}

/** Methods that only read, or that come to the same when they are done twice. */
const repeatable = new Set([
  'completion/complete',
  'initialize',
  'logging/setLevel',
  'notifications/cancelled',
  'notifications/initialized',
  'ping',
  'prompts/get',
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/subscribe',
  'resources/templates/list',
  'resources/unsubscribe',
  'server/discover',
  'subscriptions/listen',
  'tools/list',
])

/**
 * Whether a request may be sent again although the server may have acted on it already. A call of a tool never may.
 * @see [RFC 9110 §9.2.2](https://www.rfc-editor.org/rfc/rfc9110.html#section-9.2.2)
 */
export function isRepeatable(httpMethod: string, body: RequestBody): boolean {
  return httpMethod === 'POST' ? isRepeatableMethod(readMessage(body).method) : true
}

/** The same for the method of a message. */
export function isRepeatableMethod(method: string | undefined): boolean {
  return repeatable.has(method ?? '')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
