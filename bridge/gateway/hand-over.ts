import { brotliDecompressSync, unzipSync } from 'node:zlib'
import type { ErrorCode } from '../../shared/errors.ts'
import type { IncomingMessage } from 'node:http'
import { readMessage } from '../channel/rpc-message.ts'
import type { AnswerHead } from './answer-rules.ts'
import type { RequestBody } from './request-body.ts'

/** A refusal larger than this, in bytes, is passed on unread. */
export const mostRefusalBytes = 64 * 1024

/** Failures that a sign-in mends: what is known of the server can be shown until then. */
export const mendedBySignIn: ReadonlySet<ErrorCode> = new Set([
  'connection.signed_out',
  'connection.signing_in',
  'oauth.client_unknown',
  'oauth.expired',
  'oauth.refresh_rejected',
])

/**
 * Whether an answer has a status by which servers refuse an era, and is small enough to be looked at.
 * @see [MCP 2026-07-28, Backward Compatibility](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility)
 */
export function mayBeEraRefusal({ status, headers }: AnswerHead): boolean {
  const isRefusal = status === 400 || status === 404 || status === 405
  return isRefusal && Number(headers['content-length'] ?? 0) <= mostRefusalBytes
}

/** Whether a request is one that can be gone on with by the host: of one message of the client's own, which can be read. */
export function canBeHosted({ method, headers }: IncomingMessage, { chunks }: RequestBody): boolean {
  if (method !== 'POST' || headers['content-encoding'] !== undefined) return false
  const kind = readMessage(Buffer.concat(chunks))?.kind
  return kind === 'request' || kind === 'notification'
}

/** The body of an answer without its content coding; undefined where that cannot be undone. */
export function decodedBody(body: Buffer, { headers }: AnswerHead): Buffer | undefined {
  const limit = { maxOutputLength: 16 * mostRefusalBytes }
  try {
    switch (headers['content-encoding']?.toLowerCase() ?? 'identity') {
      case 'identity':
        return body
      case 'gzip':
      case 'deflate':
        return unzipSync(body, limit)
      case 'br':
        return brotliDecompressSync(body, limit)
      default:
        return undefined
    }
  } catch {
    return undefined
  }
}
