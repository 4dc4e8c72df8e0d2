import { z } from 'zod'
import { BridgeError, type ErrorCode } from '../../shared/errors.ts'
import { ServerMetadata } from './grant.ts'
import type { GuardedFetch, PlainFetch } from './guarded-fetch.ts'

/** The fields of protected resource metadata that we use. @see [RFC 9728 §2](https://www.rfc-editor.org/rfc/rfc9728.html#section-2) */
export const ResourceMetadata = z.object({
  resource: z.string(),
  authorization_servers: z.array(z.string()).max(50).optional(),
  scopes_supported: z.array(z.string()).max(1000).optional(),
})
export type ResourceMetadata = z.infer<typeof ResourceMetadata>

/** What became of asking for a metadata document. `absent`: the server says there is none (4xx), with the status it says that by. */
export type Fetched =
  | { readonly is: 'found'; readonly document: Readonly<Record<string, unknown>> }
  | { readonly is: 'absent'; readonly status: number }
  | { readonly is: 'failed'; readonly error: BridgeError }

/** Asks for a JSON document, never following it to another origin. Rejects only when aborted. */
export async function fetchDocument(url: URL, fetch: PlainFetch, purpose: string): Promise<Fetched> {
  const failed = (code: ErrorCode, why: string): Fetched => ({
    is: 'failed',
    error: new BridgeError(code, `${url.origin}${url.pathname}: ${why}`),
  })
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json', 'mcp-protocol-version': '2026-07-28' },
      redirect: 'same-origin',
      purpose,
    })
    const { status } = response
    if (status >= 500 || status === 429) return failed('server.failed', `status ${status}`)
    if (status >= 400) return { is: 'absent', status }
    if (!response.ok) return failed('discovery.metadata_invalid', `status ${status}`)
    const document = parseObject(await response.text())
    return document
      ? { is: 'found', document }
      : failed('discovery.metadata_invalid', `not a JSON object but ${typeOf(response)}`)
  } catch (thrown) {
    if (thrown instanceof BridgeError) return { is: 'failed', error: thrown }
    throw thrown
  }
}

/** The document as protected resource metadata. Throws `discovery.metadata_invalid`. */
export function readResourceMetadata(
  document: Readonly<Record<string, unknown>>,
  from: URL,
): ResourceMetadata {
  return parsed(ResourceMetadata, document, from)
}

/**
 * The document as the metadata of an authorization server that bears one of these names, every address in it fit to be used.
 * Throws `discovery.metadata_invalid`, `discovery.issuer_mismatch`, `discovery.endpoint_refused` or `network.private_address`.
 * @see [RFC 8414 §3.3](https://www.rfc-editor.org/rfc/rfc8414.html#section-3.3)
 */
export async function readServerMetadata(
  document: Readonly<Record<string, unknown>>,
  from: URL,
  issuers: readonly string[],
  fetch: Pick<GuardedFetch, 'check'>,
): Promise<ServerMetadata> {
  const server = parsed(ServerMetadata, document, from)
  // Compared as strings: a document that names another issuer could pass its endpoints off as that one's.
  if (!issuers.includes(server.issuer)) {
    throw new BridgeError('discovery.issuer_mismatch', `found under ${issuers[0]}, it says ${server.issuer}`)
  }
  for (const name of endpoints) await checkEndpoint(name, server[name], fetch)
  return server
}

const endpoints = [
  'authorization_endpoint',
  'token_endpoint',
  'registration_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'userinfo_endpoint',
  'jwks_uri',
] as const

async function checkEndpoint(
  name: (typeof endpoints)[number],
  address: string | undefined,
  fetch: Pick<GuardedFetch, 'check'>,
): Promise<void> {
  if (address === undefined) return
  if (!URL.canParse(address)) throw new BridgeError('discovery.endpoint_refused', `${name} is no address`)
  const url = new URL(address)
  // RFC 6749 §3.1 and §3.2 forbid a fragment: it would swallow the parameters.
  if (url.hash) throw new BridgeError('discovery.endpoint_refused', `${name} has a fragment`)
  try {
    await fetch.check(url)
  } catch (thrown) {
    if (!(thrown instanceof BridgeError)) throw thrown
    const detail = `${name}: ${thrown.detail ?? ''}`
    throw new BridgeError(refusals.includes(thrown.code) ? 'discovery.endpoint_refused' : thrown.code, detail)
  }
}

const refusals: readonly ErrorCode[] = ['url.not_http', 'url.credentials', 'network.plain_http']

/** Servers write null or an empty string for what they do not have. */
function parsed<T>(schema: z.ZodType<T>, document: Readonly<Record<string, unknown>>, from: URL): T {
  const present = Object.entries(document).filter(([, value]) => value !== null && value !== '')
  const result = schema.safeParse(Object.fromEntries(present))
  if (result.success) return result.data
  const wrong = [...new Set(result.error.issues.map(({ path }) => String(path[0] ?? 'document')))]
  throw new BridgeError(
    'discovery.metadata_invalid',
    `${from.origin}${from.pathname}: missing or of a wrong type: ${wrong.join(', ')}`,
  )
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text)
    const object = typeof value === 'object' && value !== null && !Array.isArray(value)
    return object ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function typeOf(response: Response): string {
  return /^[\w.+-]+\/[\w.+-]+/.exec(response.headers.get('content-type') ?? '')?.[0] ?? 'of no known type'
}
