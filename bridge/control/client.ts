import { request as httpRequest } from 'node:http'
import { Readable } from 'node:stream'
import { createORPCClient, mapEventIterator, ORPCError } from '@orpc/client'
import { RPCLink } from '@orpc/client/fetch'
import type { ContractRouterClient } from '@orpc/contract'
import type { Control } from '../../shared/control.ts'
import { BridgeError, Failure } from '../../shared/errors.ts'

export { isListening } from './listening.ts'

/** The control API as plain functions; each takes its input and, as `{ signal }`, a way to give up. */
export type ControlClient = ContractRouterClient<Control>

/**
 * The bridge that listens on `socketPath`. Nothing is sent before the first call, and every call has its own connection.
 * Calls and streams fail with the bridge's own `BridgeError`; with `bridge.unreachable` when nobody answers or the bridge
 * goes away meanwhile; and with the signal's reason when that aborts.
 */
export function connectControl(socketPath: string): ControlClient {
  const link = new RPCLink({
    url: 'http://bridge',
    fetch: (request) => fetchOver(socketPath, request),
    interceptors: [
      async (call) => {
        const explain = (thrown: unknown) => toBridgeError(thrown, call.signal)
        try {
          const output = await call.next()
          if (!isEventStream(output)) return output
          return mapEventIterator(output, {
            value: async (event: unknown) => event,
            error: async (thrown) => explain(thrown),
          })
        } catch (thrown) {
          throw explain(thrown)
        }
      },
    ],
  })
  return createORPCClient(link)
}

/** `fetch` for a unix socket, which the built-in one cannot reach. */
async function fetchOver(socketPath: string, request: Request): Promise<Response> {
  const body = Buffer.from(await request.arrayBuffer())
  return new Promise((resolve, reject) => {
    const { pathname, search } = new URL(request.url)
    const sent = httpRequest(
      {
        socketPath,
        path: pathname + search,
        method: request.method,
        headers: { ...Object.fromEntries(request.headers), 'content-length': body.byteLength },
        signal: request.signal,
        agent: false,
      },
      (answer) => {
        resolve(
          new Response(Readable.toWeb(answer) as ReadableStream, {
            status: answer.statusCode ?? 500,
            headers: { 'content-type': answer.headers['content-type'] ?? '' },
          }),
        )
      },
    )
    sent.once('error', reject)
    sent.end(body)
  })
}

function toBridgeError(thrown: unknown, signal: AbortSignal | undefined): unknown {
  if (signal?.aborted) return signal.reason
  if (!(thrown instanceof ORPCError))
    return new BridgeError('bridge.unreachable', undefined, { cause: thrown })
  const failure = Failure.safeParse(thrown.data)
  if (thrown.code === 'FAILURE' && failure.success)
    return new BridgeError(failure.data.code, failure.data.detail)
  // A bridge of another version: it knows other requests, or other errors.
  return thrown.status < 500 ? new BridgeError('bridge.request_invalid') : new BridgeError('bridge.internal')
}

function isEventStream(value: unknown): value is AsyncIterator<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value && 'next' in value
}
