import type { IncomingMessage } from 'node:http'
import type { Failure } from '../../shared/errors.ts'

/** A whole request body, in the pieces it came in. */
export interface RequestBody {
  readonly chunks: readonly Buffer[]
  readonly length: number
}

/** The body of a request that has none. */
export const noBody: RequestBody = { chunks: [], length: 0 }

/** What becomes of a body. Nothing more is called when the client leaves before the end. */
export interface BodyReceiver {
  /** It may come: a client that waits for leave to send it gets it now. */
  await(): void
  done(body: RequestBody): void
  /** `gateway.body_too_large` or `gateway.request_invalid`. */
  refuse(failure: Failure): void
}

/**
 * Collects a request's body up to `limit` bytes, since a refused token needs it a second time. Without a body it is done at once.
 * @see [RFC 9112 §6.3](https://www.rfc-editor.org/rfc/rfc9112.html#section-6.3)
 */
export function collectBody(request: IncomingMessage, limit: number, receiver: BodyReceiver): void {
  const { 'content-length': declared, 'transfer-encoding': coding } = request.headers
  // Another coding than chunked would be passed on under a Content-Length, as something that it is not.
  if (coding !== undefined && coding.toLowerCase() !== 'chunked') {
    return receiver.refuse({ code: 'gateway.request_invalid', detail: 'transfer coding' })
  }
  if (coding === undefined && (declared === undefined || declared === '0')) return receiver.done(noBody)
  const tooLarge: Failure = { code: 'gateway.body_too_large', detail: `${limit} bytes` }
  if (Number(declared) > limit) return receiver.refuse(tooLarge)

  const chunks: Buffer[] = []
  let length = 0
  request.on('data', (chunk: Buffer) => {
    if (length > limit) return
    length += chunk.length
    if (length <= limit) chunks.push(chunk)
    else {
      chunks.length = 0
      receiver.refuse(tooLarge)
    }
  })
  request.on('end', () => {
    if (length <= limit) receiver.done({ chunks, length })
  })
  receiver.await()
}

/** How long a client may go on sending a body that nobody reads, in milliseconds. */
const lingerMs = 2_000

/**
 * Cuts a client off that does not come to an end with a refused body. Until then Node reads it and drops it, so that a client that is still
 * sending gets to the answer.
 */
export function limitRest(request: IncomingMessage): void {
  if (request.complete || request.destroyed) return
  const timer = setTimeout(() => request.destroy(), lingerMs)
  const stop = (): void => clearTimeout(timer)
  request.once('end', stop).once('close', stop)
}
