import { parseChallenges } from './challenge.ts'

/** Hears every value that was hidden, so that its echo elsewhere can be hidden too. */
export type Hidden = (value: string) => void

const HIDDEN = '[redacted]'
const MAX_VALUE = 300
const MAX_BODY = 4000
const MAX_DEPTH = 6
const MAX_ITEMS = 100

const words = (text: string): Set<string> => new Set(text.trim().split(/\s+/))

/**
 * Values shown whatever they are: of requests to and answers of an authorization server, of registrations, of metadata documents, of a
 * probe's JSON-RPC. All else is hidden: a name nobody thought of must not leak.
 */
const shown = words(`
  grant_type response_type response_mode client_id redirect_uri scope resource prompt code_challenge_method
  token_type token_type_hint expires_in iss active error error_description error_uri
  application_type client_name client_uri redirect_uris grant_types response_types
  token_endpoint_auth_method client_id_issued_at client_secret_expires_at
  issuer jwks_uri authorization_servers resource_name resource_metadata service_documentation
  jsonrpc method message protocolVersion supportedVersions supported requested
`)

/** Parts of JSON-RPC whose names are shown and whose values may be anything but a secret: they are hidden, their echoes are not. */
const envelope = words('data id params result')

/** Names that may be shown though their values may not, since a reader expects to see them hidden. */
const named = words(`
  access_token assertion client_assertion client_assertion_type client_secret code code_challenge code_verifier
  id_token nonce realm refresh_token registration_access_token registration_client_uri state token
`)

const shownHeaders = words(
  'accept allow content-type date mcp-method mcp-protocol-version retry-after user-agent',
)

const isShown = (name: string): boolean =>
  shown.has(name) || /^[a-z_]{1,60}_(?:endpoint|supported)$/.test(name)

/** The URL with its path; of the query only values known to be harmless, and never a fragment or user name. */
export function redactUrl(url: string | URL, hidden?: Hidden): string {
  if (typeof url === 'string' && !URL.canParse(url)) return hide(url, hidden)
  // Verbatim where nothing is hidden: of an issuer or a resource every character counts.
  if (typeof url === 'string' && /^https?:\/\/[^?#@\\\s]*$/i.test(url)) return cut(url, MAX_BODY)
  const { protocol, host, pathname, searchParams, hash, password } = new URL(url)
  // What an opaque scheme holds has no parts that could be told apart.
  if (!host) return `${protocol}${HIDDEN}`
  if (password) hidden?.(password)
  if (hash) for (const value of new URLSearchParams(hash.slice(1)).values()) hidden?.(value)
  const query = redactPairs(searchParams, hidden)
  return cut(
    `${protocol}//${host}${pathname}${query ? `?${query}` : ''}${hash ? `#${HIDDEN}` : ''}`,
    MAX_BODY,
  )
}

/** A form or JSON body with only the values known to be harmless, cut to a bounded length; of another body only its kind and length. */
export function redactBody(body: string, contentType: string | undefined, hidden?: Hidden): string {
  if (body === '') return ''
  const type = /^[\w.+-]+\/[\w.+-]+/.exec(contentType ?? '')?.[0].toLowerCase() ?? 'unknown type'
  if (type === 'application/x-www-form-urlencoded')
    return cut(redactPairs(new URLSearchParams(body), hidden), MAX_BODY)
  const summary = `[${type}, ${body.length} characters]`
  if (!/[/+]json$/.test(type)) return summary
  try {
    return cut(JSON.stringify(redactJson(JSON.parse(body), '', 0, hidden)), MAX_BODY)
  } catch {
    return `[not the ${type} it says, ${body.length} characters]`
  }
}

/** The headers whose values are known to be harmless, or could be made so; the others are left out. Names are lower-case. */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  hidden?: Hidden,
): Record<string, string> {
  const result: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const key = name.toLowerCase()
    if (shownHeaders.has(key)) result[key] = cut(value, MAX_VALUE)
    else if (key === 'location') result[key] = redactUrl(value, hidden)
    else if (key === 'www-authenticate') result[key] = redactChallenge(value, hidden)
    else if (key === 'authorization') result[key] = redactAuthorization(value, hidden)
  }
  return result
}

function redactChallenge(header: string, hidden?: Hidden): string {
  const challenges = parseChallenges(header).map(({ scheme, token68, params }) => {
    const words = [...params].map(([name, value]) => `${nameOf(name)}="${redactValue(name, value, hidden)}"`)
    return [schemeOf(scheme), ...(token68 ? [hide(token68, hidden)] : []), words.join(', ')]
      .filter(Boolean)
      .join(' ')
  })
  return cut(challenges.join(', '), MAX_BODY)
}

function redactAuthorization(value: string, hidden?: Hidden): string {
  const [scheme = '', credentials = ''] = value.split(/ +/, 2)
  hidden?.(credentials)
  if (scheme.toLowerCase() === 'basic') {
    const secret = Buffer.from(credentials, 'base64')
      .toString()
      .replace(/^[^:]*:/, '')
    hidden?.(secret)
    // RFC 6749 §2.3.1: the secret is form-encoded inside.
    for (const decoded of new URLSearchParams(`secret=${secret}`).values()) hidden?.(decoded)
  }
  return `${schemeOf(scheme)} ${HIDDEN}`
}

function schemeOf(scheme: string): string {
  return /^(?:basic|bearer|digest|dpop|negotiate)$/i.test(scheme) ? scheme : HIDDEN
}

function nameOf(name: string): string {
  return isShown(name) || named.has(name) || envelope.has(name) ? name : HIDDEN
}

function redactPairs(pairs: URLSearchParams, hidden?: Hidden): string {
  return [...pairs]
    .map(([name, value]) => `${nameOf(name)}=${encodeShown(redactValue(name, value, hidden))}`)
    .join('&')
}

function encodeShown(value: string): string {
  return value.split(HIDDEN).map(encodeURIComponent).join(HIDDEN)
}

function redactValue(name: string, value: string, hidden?: Hidden): string {
  if (!isShown(name)) return hide(value, hidden)
  return /^https?:/i.test(value) ? redactUrl(value, hidden) : cut(value, MAX_VALUE)
}

/** The shape of a JSON value: a leaf shows by the name it stands under, entries with unknown names are only counted. */
function redactJson(value: unknown, name: string, depth: number, hidden?: Hidden): unknown {
  // Documents hold many values of unknown names that are no secrets: hiding their echoes would blot out half of a trace.
  const heard = named.has(name) ? hidden : undefined
  if (typeof value === 'string') return redactValue(name, value, heard)
  if (value === null || typeof value === 'boolean') return value
  if (typeof value === 'number') return showsNumber(name, value) ? value : hide(String(value), heard)
  if (depth >= MAX_DEPTH) return HIDDEN
  if (Array.isArray(value)) {
    const items = value.slice(0, MAX_ITEMS).map((item) => redactJson(item, name, depth + 1, hidden))
    return value.length > MAX_ITEMS ? [...items, `${value.length - MAX_ITEMS} more`] : items
  }
  const result: Record<string, unknown> = {}
  let others = 0
  for (const [key, inner] of Object.entries(value as object)) {
    const redacted = redactJson(inner, key, depth + 1, hidden)
    if (nameOf(key) === key) result[key] = redacted
    else others += 1
  }
  return others > 0 ? { ...result, '…': `${others} more` } : result
}

/** Error codes of JSON-RPC are negative; an authorization code, which has the same name, is not. */
function showsNumber(name: string, value: number): boolean {
  return isShown(name) || (name === 'code' && value < 0) || name === 'id'
}

function hide(value: string, hidden?: Hidden): string {
  hidden?.(value)
  return HIDDEN
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}… (${text.length} characters)` : text
}
