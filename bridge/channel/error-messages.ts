import { sentence, type Failure } from '../../shared/errors.ts'
import { bridgeErrorCode } from '../gateway/failure-answer.ts'
import { findMembers } from './json-bytes.ts'
import type { RpcMessage } from './rpc-message.ts'

/** The codes that JSON-RPC itself has for what is no message: not JSON at all, or JSON that is none. */
export const parseErrorCode = -32_700
export const invalidRequestCode = -32_600

/**
 * A failure of ours as the answer to a request. `id` is the id as it is written; without one the error answers no request in particular.
 * @see [MCP 2026-07-28, Error Responses](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#error-responses)
 */
export function errorAnswer(id: string | undefined, failure: Failure, code = bridgeErrorCode): Buffer {
  return answerWith(id, Buffer.from(JSON.stringify({ code, message: sentence(failure), data: failure })))
}

/** An error that the server gave without the id of the request, as the answer to it. */
export function passedOnError(id: string, { bytes, errorPlace }: RpcMessage): Buffer | undefined {
  return errorPlace && answerWith(id, bytes.subarray(errorPlace.start, errorPlace.end))
}

function answerWith(id: string | undefined, error: Buffer): Buffer {
  const named = id === undefined ? '' : `"id":${id},`
  return Buffer.concat([Buffer.from(`{"jsonrpc":"2.0",${named}"error":`, 'latin1'), error, Buffer.from('}')])
}

/** What a status means that comes without a JSON-RPC error. */
export function failureOfStatus(status: number): Failure {
  const detail = `it answered ${status}`
  if (status === 403) return { code: 'server.forbidden', detail }
  if (status === 404 || status === 405 || status === 410) return { code: 'server.not_mcp', detail }
  return { code: 'server.failed', detail }
}

/** The code of an error; undefined where it has none. */
export function errorCodeOf({ bytes, errorPlace }: RpcMessage): number | undefined {
  const place = errorPlace && findMembers(bytes, errorPlace.start, ['code'])?.places[0]
  const code: unknown = place && JSON.parse(bytes.toString('latin1', place.start, place.end))
  return typeof code === 'number' ? code : undefined
}

/** The code of MCP for a request that waits for a person at a page. */
const urlElicitationRequiredCode = -32_042

/**
 * Says that a person must go to a page before a request can be made again.
 * @see [MCP 2025-11-25, URL Elicitation Required Error](https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-elicitation-required-error)
 */
export function urlElicitationRequired(
  id: string | undefined,
  page: { readonly id: string; readonly url: string; readonly message: string },
): Buffer {
  const { id: elicitationId, url, message } = page
  const data = { elicitations: [{ mode: 'url', elicitationId, url, message }] }
  return answerWith(id, Buffer.from(JSON.stringify({ code: urlElicitationRequiredCode, message, data })))
}
