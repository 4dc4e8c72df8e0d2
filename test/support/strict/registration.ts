import type { Exchange } from '../loopback.ts'
import type { StrictBehaviour } from './behaviour.ts'
import { answerJson, Refusal } from './refusal.ts'
import { randomSecret, randomValue, type StrictClient, type StrictState } from './state.ts'

/**
 * The registration endpoint. The server, not the client, decides on the method of authentication.
 * @see [RFC 7591 §3](https://www.rfc-editor.org/rfc/rfc7591.html#section-3)
 */
export function serveRegistration(exchange: Exchange, state: StrictState, behaviour: StrictBehaviour): void {
  answerJson(
    exchange,
    behaviour,
    () => {
      if (behaviour.registration === 'refused') {
        throw new Refusal('invalid_client_metadata', 'clients are not registered here', 403)
      }
      const metadata = parse(exchange.body)
      const redirectUris = [metadata.redirect_uris].flat().map(String)
      for (const uri of redirectUris) checkRedirectUri(uri, metadata, behaviour)
      const authMethod = behaviour.clientAuth
      const client: StrictClient = {
        id: randomValue('client'),
        authMethod,
        redirectUris,
        ...(authMethod === 'none' ? {} : { secret: randomSecret() }),
      }
      state.clients.set(client.id, client)
      state.counters.registrations += 1
      return behaviour.reshape.registration({
        ...metadata,
        client_id: client.id,
        client_id_issued_at: Math.floor(Date.now() / 1000),
        token_endpoint_auth_method: authMethod,
        ...(client.secret === undefined ? {} : { client_secret: client.secret, client_secret_expires_at: 0 }),
      })
    },
    201,
  )
}

function parse(body: Buffer): Record<string, unknown> {
  try {
    const metadata = JSON.parse(body.toString()) as Record<string, unknown>
    if (Array.isArray(metadata.redirect_uris) && metadata.redirect_uris.length > 0) return metadata
  } catch {
    throw new Refusal('invalid_client_metadata', 'the body is not JSON')
  }
  throw new Refusal('invalid_redirect_uri', 'redirect_uris is missing')
}

function checkRedirectUri(
  uri: string,
  metadata: Record<string, unknown>,
  { registration }: StrictBehaviour,
): void {
  const { protocol, hostname, hash } = URL.canParse(uri)
    ? new URL(uri)
    : { protocol: '', hostname: '', hash: '' }
  const isLoopback = hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
  if (hash !== '' || (protocol !== 'https:' && !(protocol === 'http:' && isLoopback))) {
    throw new Refusal('invalid_redirect_uri', 'a redirect URI must be https or on this machine')
  }
  if (isLoopback && metadata.application_type !== 'native') {
    throw new Refusal('invalid_redirect_uri', 'a redirect to this machine needs application_type native')
  }
  if (registration === 'no-ip-redirects' && hostname !== 'localhost') {
    throw new Refusal('invalid_redirect_uri', 'a redirect URI must not be an IP address')
  }
}
