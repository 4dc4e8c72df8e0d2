import { STATUS_CODES, type ServerResponse } from 'node:http'
import { consequences, errors, sentence, type ErrorCode, type Failure } from '../../shared/errors.ts'
import type { MessageHead } from './message.ts'

/**
 * The JSON-RPC code of every error that is ours and not the server's; `data.code` says which. MCP keeps all of -32000 to -32099 for itself
 * or for the past and asks for codes outside of the range that JSON-RPC reserves.
 * @see [MCP 2026-07-28, Error Codes](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-codes)
 */
export const bridgeErrorCode = -31_000

/** Where HTTP has a more exact status than the table of consequences. */
const exactStatus: Partial<Record<ErrorCode, number>> = {
  // What a person or a rule says about one call is an answer like any other: clients take an HTTP error for a broken or signed-out server.
  'access.call_denied': 200,
  'access.not_approved': 200,
  'access.tool_denied': 200,
  'access.too_many_asked': 200,
  'access.call_unclear': 400,
  'connection.unknown': 404,
  'gateway.body_incomplete': 400,
  'gateway.body_too_large': 413,
  'gateway.event_unknown': 400,
  'gateway.headers_differ': 400,
  'gateway.message_invalid': 400,
  'gateway.method_refused': 405,
  'gateway.method_unknown': 404,
  'gateway.not_found': 404,
  'gateway.request_invalid': 400,
  'gateway.session_needed': 400,
  'gateway.session_unknown': 404,
  'network.timeout': 504,
}

/** The HTTP status of a failure. */
export function statusOf(code: ErrorCode): number {
  return exactStatus[code] ?? consequences[errors[code].fixer].status
}

/**
 * A failure as a JSON-RPC error. Without an id there is no member `id`, as MCP has it for an error that answers no request.
 * @see [MCP 2026-07-28, Error Responses](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-responses)
 */
export function errorMessage(failure: Failure, id: MessageHead['id']): string {
  return JSON.stringify({
    jsonrpc: '2.0',
    ...(id === undefined ? {} : { id }),
    error: { code: bridgeErrorCode, message: sentence(failure), data: failure },
  })
}

/**
 * The head and the body of a failure's answer. It never has a `WWW-Authenticate`: that would make a client start a sign-in of its own with us.
 */
function answerTo(failure: Failure, id: MessageHead['id']): { fields: string[]; body: Buffer } {
  const body = Buffer.from(errorMessage(failure, id))
  const fields = ['Content-Type', 'application/json', 'Content-Length', String(body.length)]
  fields.push('Cache-Control', 'no-store', 'X-Content-Type-Options', 'nosniff')
  if (failure.code === 'gateway.method_refused') fields.push('Allow', 'GET, POST, DELETE')
  return { fields, body }
}

/** How an answer differs from what the failure alone says. */
export interface AnswerOptions {
  /** Instead of the status of the failure. */
  readonly status?: number
  /** Ends the connection after the answer. */
  readonly isLast?: boolean
}

/** Answers the request with this id, if it has one, with a failure. Headers must not have been sent. */
export function answerFailure(
  response: ServerResponse,
  failure: Failure,
  { status = statusOf(failure.code), isLast = false }: AnswerOptions = {},
  id?: MessageHead['id'],
): void {
  const { fields, body } = answerTo(failure, id)
  if (isLast) fields.push('Connection', 'close')
  response.writeHead(status, fields).end(body)
}

/** The same as bytes, for a client that did not get as far as a request. */
export function rawFailure(failure: Failure, status: number): Buffer {
  const { fields, body } = answerTo(failure, undefined)
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`]
  for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`)
  lines.push('Connection: close', '', '')
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body])
}
