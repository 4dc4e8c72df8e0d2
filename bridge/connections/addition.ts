import { ConnectionId } from '../../shared/connection.ts'
import type { AddConnection } from '../../shared/control.ts'
import { BridgeError } from '../../shared/errors.ts'
import { parseServerUrl, suggestId } from '../oauth/server-url.ts'
import type { ConnectionRecord } from './records.ts'

/** Headers that the transport sets itself, or that would let one request pass as another. */
const forbiddenHeaders =
  /^(?:host|connection|content-length|content-type|transfer-encoding|te|trailer|upgrade|expect|keep-alive|accept|cookie|origin|referer|forwarded|x-forwarded-.*|proxy-.*|sec-.*|mcp-.*|last-event-id)$/i

/**
 * The record of a connection to add, checked. `taken` says whether an id is in use, `open` whether the server asks for no sign-in.
 * Throws `url.*`, `connection.*` and `registration.metadata_url_invalid`.
 */
export function recordOf(
  wish: AddConnection,
  taken: (id: ConnectionId) => boolean,
  now: number,
  open = false,
): ConnectionRecord {
  const url = parseServerUrl(wish.url)
  const id = wish.id === undefined ? freeId(suggestId(url), taken) : parseId(wish.id)
  if (taken(id)) throw new BridgeError('connection.exists', id)
  return { id, url: url.href, createdAt: now, auth: authOf(wish, open) }
}

/** What was said of its sign-in when it was added, for a look at its server with the same eyes. Without its secret. */
export function wishOf({ auth }: ConnectionRecord): Partial<AddConnection> {
  if (auth.kind !== 'oauth') return {}
  const { ownClient, metadataUrl, chosenScopes, allowMissingPkce } = auth
  return {
    ...(ownClient ? { clientId: ownClient.clientId } : {}),
    ...(metadataUrl === undefined ? {} : { metadataUrl }),
    ...(chosenScopes ? { scopes: chosenScopes } : {}),
    allowMissingPkce,
  }
}

/** Throws `connection.id_invalid`. */
function parseId(text: string): ConnectionId {
  const parsed = ConnectionId.safeParse(text)
  if (!parsed.success) throw new BridgeError('connection.id_invalid')
  return parsed.data
}

function freeId(suggested: string, taken: (id: ConnectionId) => boolean): ConnectionId {
  const base = parseId(suggested)
  for (let n = 2; taken(base); n += 1) {
    const id = parseId(`${base.slice(0, 36).replace(/-+$/, '')}-${n}`)
    if (!taken(id)) return id
  }
  return base
}

function authOf(wish: AddConnection, open: boolean): ConnectionRecord['auth'] {
  const { bearer, headers = [], clientId, clientSecret, metadataUrl, scopes, allowMissingPkce = false } = wish
  const signsIn =
    clientId !== undefined || clientSecret !== undefined || metadataUrl !== undefined || scopes !== undefined
  const ways = [bearer !== undefined, headers.length > 0, signsIn || allowMissingPkce].filter(Boolean).length
  if (ways > 1) throw new BridgeError('connection.options_conflict')
  if (bearer !== undefined) return { kind: 'bearer', token: parseBearer(bearer) }
  if (headers.length > 0) return { kind: 'headers', headers: headers.map(parseHeader) }
  if (clientSecret !== undefined && clientId === undefined) {
    throw new BridgeError('connection.options_conflict', 'a client secret needs its client id')
  }
  if (metadataUrl !== undefined) requireMetadataUrl(metadataUrl)
  return {
    kind: 'oauth',
    ...(clientId === undefined
      ? {}
      : { ownClient: { clientId, ...(clientSecret === undefined ? {} : { clientSecret }) } }),
    ...(metadataUrl === undefined ? {} : { metadataUrl }),
    ...(scopes && scopes.length > 0 ? { chosenScopes: scopes } : {}),
    allowMissingPkce,
    open,
  }
}

/** A bearer as people paste it: with line ends, quotes or the scheme around it. RFC 6750 §2.1 says what a token may hold. */
function parseBearer(text: string): string {
  const token = text
    .trim()
    .replace(/^(["'])(.*)\1$/s, '$2')
    .replace(/^bearer\s+/i, '')
    .trim()
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(token)) throw new BridgeError('connection.bearer_invalid')
  return token
}

function parseHeader({ name, value }: { name: string; value: string }): [string, string] {
  const isToken = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(name)
  const isValue = /^[\x20-\x7E\t]*$/.test(value) && value.trim() !== ''
  if (!isToken || !isValue || forbiddenHeaders.test(name)) {
    throw new BridgeError('connection.header_invalid', isToken ? name : undefined)
  }
  return [name.toLowerCase(), value.trim()]
}

/** @see [Client ID Metadata Document §3](https://www.ietf.org/archive/id/draft-ietf-oauth-client-id-metadata-document-00.html#section-3) */
function requireMetadataUrl(text: string): void {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const usable =
    url?.protocol === 'https:' && url.pathname !== '/' && !url.username && !url.password && !url.hash
  if (!usable) throw new BridgeError('registration.metadata_url_invalid')
}
