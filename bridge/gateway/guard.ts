import type { IncomingMessage } from 'node:http'
import type { Failure } from '../../shared/errors.ts'

/** The part of a local request that decides whether it may come in at all. */
export type Head = Pick<IncomingMessage, 'headers' | 'rawHeaders'>

/** The names under which the local endpoint may be addressed. */
export const localHosts = ['127.0.0.1', 'localhost', '[::1]'] as const

/**
 * Why a request may not be served on `port`, whatever it asks for, or undefined. It looks at nothing but Host and the marks of a
 * browser: Host stops DNS rebinding, Origin and Sec-Fetch-Site stop web pages.
 * @see [MCP 2026-07-28, Streamable HTTP, Security](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#security-%26-endpoint)
 */
export function refusal(head: Head, port: number): Failure | undefined {
  return hostRefusal(head, port) ?? pageRefusal(head, port)
}

/**
 * The Host rule alone, for pages that a browser is sent to from elsewhere: exactly one Host field, and exactly ours. A page whose name was
 * rebound to 127.0.0.1 still sends its own name.
 * @see [RFC 9112 §3.2](https://www.rfc-editor.org/rfc/rfc9112.html#section-3.2)
 */
export function hostRefusal({ headers, rawHeaders }: Head, port: number): Failure | undefined {
  const { host } = headers
  const isOurs = host !== undefined && isLocalAuthority(host, port) && occursOnce(rawHeaders, 'host')
  return isOurs ? undefined : { code: 'gateway.host_refused' }
}

function pageRefusal({ headers }: Head, port: number): Failure | undefined {
  const { origin, 'sec-fetch-site': site } = headers
  // A page's plain GET carries no Origin; where it comes from is then told by Sec-Fetch-Site alone.
  const isFromElsewhere = site !== undefined && site !== 'same-origin' && site !== 'none'
  const isForeign = origin !== undefined && !isLocalOrigin(origin, port)
  return isFromElsewhere || isForeign ? { code: 'gateway.origin_refused' } : undefined
}

function isLocalOrigin(origin: string, port: number): boolean {
  return origin.startsWith('http://') && isLocalAuthority(origin.slice('http://'.length), port)
}

function isLocalAuthority(authority: string, port: number): boolean {
  const suffix = `:${port}`
  if (authority.endsWith(suffix)) return isLocalHost(authority.slice(0, -suffix.length))
  // RFC 9110 §4.2.1: clients leave the default port out.
  return port === 80 && isLocalHost(authority)
}

function isLocalHost(host: string): boolean {
  return (localHosts as readonly string[]).includes(host)
}

/** Node keeps the first of several Host fields and drops the others silently. */
function occursOnce(rawHeaders: readonly string[], name: string): boolean {
  let count = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const candidate = rawHeaders[i]
    if (candidate?.length === name.length && candidate.toLowerCase() === name) count++
  }
  return count === 1
}
