import type { OutgoingHttpHeaders } from 'node:http'
import type { Credentials } from '../connections/upstream.ts'

/** Header fields as Node gives and takes them without a copy: name, value, name, value … */
export type RawHeaders = readonly string[]

/**
 * Fields that belong to one connection and not to the message; `te` and `upgrade` would also let a peer change how the rest is read.
 * @see [RFC 9110 §7.6.1](https://www.rfc-editor.org/rfc/rfc9110.html#section-7.6.1)
 */
const hopByHop = [
  'connection',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
]

/** What a local client says of itself, of a browser or of a proxy, and what we say ourselves. */
const neverUp = new Set([
  ...hopByHop,
  'authorization',
  'content-length',
  'cookie',
  'cookie2',
  'dpop',
  'expect',
  'forwarded',
  'host',
  'origin',
  'referer',
  'via',
  'x-real-ip',
])
const neverUpPrefixes = ['sec-', 'proxy-', 'x-forwarded-', 'access-control-']

/** What would make a client start a sign-in of its own, or speak to a browser about our origin, or is noise. */
const neverDown = new Set([
  ...hopByHop,
  'alt-svc',
  'clear-site-data',
  'nel',
  'public-key-pins',
  'public-key-pins-report-only',
  'refresh',
  'report-to',
  'reporting-endpoints',
  'server',
  'service-worker-allowed',
  'set-cookie',
  'set-cookie2',
  'strict-transport-security',
  'timing-allow-origin',
  'via',
  'www-authenticate',
  'x-powered-by',
])
const neverDownPrefixes = ['access-control-', 'proxy-']

/**
 * The fields of a local request as they go to `host`, with the credentials in place of whatever the client sent under these names.
 * `bodyLength` is undefined for a request without a body.
 */
export function requestHeaders(
  local: RawHeaders,
  credentials: Credentials,
  host: string,
  bodyLength: number | undefined,
): string[] {
  const own = ownHeaders(credentials)
  const kept = endToEnd(
    local,
    (name) => neverUp.has(name) || own.names.has(name) || startsWithOne(name, neverUpPrefixes),
  )
  kept.push('Host', host, ...own.fields)
  if (bodyLength !== undefined) kept.push('Content-Length', String(bodyLength))
  return kept
}

/** What a request of the bridge's own may have beside credentials. */
const usedByUs = /^(?:accept|content-type|user-agent|last-event-id|mcp-.*)$/

/** The same for fields that are all the bridge's own: only credentials under one of these names may take the place of one. */
export function ownRequestHeaders(
  common: RawHeaders,
  fields: RawHeaders,
  credentials: Credentials,
  host: string,
  bodyLength: number | undefined,
): string[] {
  const own = ownHeaders(credentials)
  const all = [...common, ...fields]
  if (own.isInTheWay) return requestHeaders(all, credentials, host, bodyLength)
  all.push('Host', host, ...own.fields)
  if (bodyLength !== undefined) all.push('Content-Length', String(bodyLength))
  return all
}

/** The fields of a server's answer as they go to the local client. */
export function responseHeaders(remote: RawHeaders): string[] {
  return endToEnd(remote, (name) => neverDown.has(name) || startsWithOne(name, neverDownPrefixes))
}

/** The fields of a request whose answer is to come in no coding. */
export function withPlainAnswer(local: RawHeaders): string[] {
  return [...endToEnd(local, (name) => name === 'accept-encoding'), 'Accept-Encoding', 'identity']
}

/** The fields of an answer whose body is another one now, of this length, or of no body. */
export function withLength(fields: RawHeaders, length: number | undefined): string[] {
  const kept = endToEnd(fields, (name) => name === 'content-length' || /digest$|^content-md5$/.test(name))
  return length === undefined ? kept : [...kept, 'Content-Length', String(length)]
}

/** All fields but the dropped ones and those that `Connection` names. `drops` gets names in lower case. */
function endToEnd(fields: RawHeaders, drops: (name: string) => boolean): string[] {
  const kept: string[] = []
  let named: Set<string> | undefined
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const field = fields[i] as string
    const value = fields[i + 1] as string
    const name = field.toLowerCase()
    if (name === 'connection') named = withNames(named, value)
    if (!drops(name)) kept.push(field, value)
  }
  return named ? without(kept, named) : kept
}

function withNames(named: Set<string> | undefined, connection: string): Set<string> | undefined {
  const options = connection.toLowerCase()
  if (options === 'keep-alive' || options === 'close') return named
  const names = named ?? new Set()
  for (const option of options.split(',')) names.add(option.trim())
  return names
}

function without(fields: RawHeaders, names: ReadonlySet<string>): string[] {
  return fields.filter((_, i) => !names.has((fields[i & ~1] as string).toLowerCase()))
}

function startsWithOne(name: string, prefixes: readonly string[]): boolean {
  for (const prefix of prefixes) if (name.startsWith(prefix)) return true
  return false
}

interface OwnHeaders {
  readonly fields: RawHeaders
  readonly names: ReadonlySet<string>
  /** Whether one of them has a name that the bridge itself uses. */
  readonly isInTheWay: boolean
}

// One issue of credentials serves thousands of calls.
const ownHeadersOf = new WeakMap<Credentials, OwnHeaders>()

function ownHeaders(credentials: Credentials): OwnHeaders {
  let own = ownHeadersOf.get(credentials)
  if (!own) {
    const names = new Set(Object.keys(credentials.headers).map((name) => name.toLowerCase()))
    const isInTheWay = [...names].some((name) => usedByUs.test(name))
    own = { fields: fieldsOf(credentials.headers), names, isInTheWay }
    ownHeadersOf.set(credentials, own)
  }
  return own
}

function fieldsOf(headers: OutgoingHttpHeaders): string[] {
  return Object.entries(headers).flatMap(([name, value]) =>
    value === undefined ? [] : [value].flat().flatMap((one) => [name, String(one)]),
  )
}
