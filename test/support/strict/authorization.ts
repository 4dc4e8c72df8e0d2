import { sendHtml, type Exchange } from '../loopback.ts'
import { errorPage } from '../consent-pages.ts'
import type { StrictBehaviour } from './behaviour.ts'
import { Refusal } from './refusal.ts'
import { randomValue, type StrictState } from './state.ts'

const codeLifetimeMs = 60_000

/**
 * The authorization endpoint. The person's decision is made at once, so the answer is always a redirect; an
 * unknown client or redirect URI gets a page instead, and nothing ever comes back.
 * @see [RFC 6749 §4.1.2.1](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2.1)
 */
export function serveAuthorization(
  { res, url }: Exchange,
  state: StrictState,
  behaviour: StrictBehaviour,
  issuer: string,
): void {
  state.counters.authorizations += 1
  const params = url.searchParams
  const client = state.clients.get(params.get('client_id') ?? '')
  if (!client) return sendHtml(res, 400, errorPage('invalid_client', 'This client is not known.'))
  const redirectUri = params.get('redirect_uri') ?? ''
  if (!client.redirectUris.includes(redirectUri)) {
    return sendHtml(res, 400, errorPage('invalid_request', 'This redirect_uri is not registered.'))
  }
  const answer = new URLSearchParams({ iss: issuer })
  const sent = params.get('state')
  if (sent !== null) answer.set('state', sent)
  try {
    answer.set('code', issueCode(params, client.id, redirectUri, state, behaviour))
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    answer.set('error', error.error)
    answer.set('error_description', error.message)
  }
  const location = new URL(redirectUri)
  for (const [name, value] of behaviour.reshape.callback(answer)) location.searchParams.append(name, value)
  res.writeHead(302, { location: location.href, 'cache-control': 'no-store' }).end()
}

function issueCode(
  params: URLSearchParams,
  clientId: string,
  redirectUri: string,
  state: StrictState,
  behaviour: StrictBehaviour,
): string {
  refuseRepeated(params)
  if (params.get('response_type') !== 'code') {
    throw new Refusal('unsupported_response_type', 'response_type must be code')
  }
  const challenge = params.get('code_challenge') ?? undefined
  const hasS256 = params.get('code_challenge_method') === 'S256' && challenge?.length === 43
  if (behaviour.pkce === 'required' ? !hasS256 : challenge !== undefined && !hasS256) {
    throw new Refusal('invalid_request', 'a code_challenge by S256 is required')
  }
  const resource = params.get('resource') ?? undefined
  if (resource === undefined && behaviour.requiresResource) {
    throw new Refusal('invalid_target', 'resource is required')
  }
  const asked = (params.get('scope') ?? '').split(' ').filter((scope) => scope !== '')
  const unknown = asked.find((scope) => !behaviour.scopes.includes(scope))
  if (unknown !== undefined) throw new Refusal('invalid_scope', `the scope ${unknown} is not known`)
  const allowed = behaviour.decide(asked)
  if (allowed === 'deny') throw new Refusal('access_denied', 'the person pressed Deny')

  const code = randomValue('code')
  state.codes.set(code, {
    clientId,
    redirectUri,
    challenge,
    family: { clientId, scopes: allowed, resource },
    expiresAt: Date.now() + codeLifetimeMs,
    used: false,
  })
  return code
}

/** No parameter may come twice (RFC 6749 §3.1, §3.2). */
export function refuseRepeated(params: URLSearchParams): void {
  const names = [...params.keys()]
  const repeated = names.find((name, index) => names.indexOf(name) !== index)
  if (repeated !== undefined) throw new Refusal('invalid_request', `${repeated} came twice`)
}
