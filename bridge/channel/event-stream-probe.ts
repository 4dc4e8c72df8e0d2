import { BridgeError } from '../../shared/errors.ts'
import { SseLink, type LinkOptions } from './sse-link.ts'

/** How long a server may take until its first event, in milliseconds. */
const endpointMs = 5_000

/**
 * Opens the event stream of a server that speaks HTTP+SSE: a GET of the connection's URL whose first event is `endpoint`. What is found is
 * open and at rest, for an `SseChannel` to go on with or for the caller to close. Undefined where the server speaks something else; rejects with
 * a `BridgeError` where that cannot be known now, and when `signal` aborts.
 * @see [MCP 2025-11-25, Backwards Compatibility](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#backwards-compatibility)
 */
export function openEventStream(
  options: Omit<LinkOptions, 'endpointMs'>,
  signal?: AbortSignal,
): Promise<SseLink | undefined> {
  return new Promise((resolve, reject) => {
    const link = new SseLink({ endpointMs, ...options })
    const abort = (): void => link.end({ code: 'bridge.busy' })
    signal?.addEventListener('abort', abort, { once: true })
    link.open({
      ready() {
        signal?.removeEventListener('abort', abort)
        link.shelve()
        resolve(link)
      },
      message() {},
      lost({ code, detail }) {
        signal?.removeEventListener('abort', abort)
        if (link.isOtherKind) resolve(undefined)
        else reject(new BridgeError(code, detail))
      },
    })
    if (signal?.aborted) abort()
  })
}
