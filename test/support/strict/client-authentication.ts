import type { IncomingHttpHeaders } from 'node:http'
import { Refusal } from './refusal.ts'
import type { StrictClient, StrictState } from './state.ts'

/**
 * The client that makes a request, by the one method it was registered with. Basic credentials are form-decoded
 * first, so a client that skips the encoding is refused.
 * @see [RFC 6749 §2.3.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-2.3.1)
 */
export function authenticateClient(
  state: StrictState,
  headers: IncomingHttpHeaders,
  params: URLSearchParams,
): StrictClient {
  const presented = presentedCredentials(headers, params)
  const client = state.clients.get(presented.id)
  if (!client) throw new Refusal('invalid_client', 'this client is not known', 401)
  if (presented.method !== client.authMethod) {
    throw new Refusal('invalid_client', `this client authenticates by ${client.authMethod}`, 401)
  }
  if (presented.secret !== client.secret) throw new Refusal('invalid_client', 'the secret is wrong', 401)
  return client
}

/** Id and secret of Basic credentials, form-decoded; undefined when the header holds none. */
export function basicCredentials(header: string | undefined): { id: string; secret: string } | undefined {
  const encoded = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(header ?? '')?.[1]
  if (encoded === undefined) return undefined
  const [id, secret, ...more] = Buffer.from(encoded, 'base64').toString().split(':')
  if (id === undefined || secret === undefined || more.length > 0) {
    throw new Refusal('invalid_client', 'the credentials are not form-encoded', 401)
  }
  return { id: formDecode(id), secret: formDecode(secret) }
}

interface Presented {
  readonly method: StrictClient['authMethod']
  readonly id: string
  readonly secret: string | undefined
}

function presentedCredentials(headers: IncomingHttpHeaders, params: URLSearchParams): Presented {
  const basic = basicCredentials(headers.authorization)
  const id = params.get('client_id')
  const secret = params.get('client_secret')
  if (basic) {
    if (secret !== null || (id !== null && id !== basic.id)) {
      throw new Refusal('invalid_request', 'the client authenticates in two ways at once')
    }
    return { method: 'client_secret_basic', ...basic }
  }
  if (id === null) throw new Refusal('invalid_client', 'there is no client_id', 401)
  return secret === null
    ? { method: 'none', id, secret: undefined }
    : { method: 'client_secret_post', id, secret }
}

function formDecode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    throw new Refusal('invalid_client', 'the credentials are not form-encoded', 401)
  }
}
