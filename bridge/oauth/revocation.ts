import type { ReceiptPart } from '../../shared/connection.ts'
import { BridgeError, toFailure, type Failure } from '../../shared/errors.ts'
import type { Grant, Superseded } from './grant.ts'
import type { GuardedFetch } from './guarded-fetch.ts'
import { configurationOf, refusalOf } from './tokens.ts'

/** What became of both tokens of a grant at the server. */
export interface RevocationOutcome {
  readonly refreshToken: ReceiptPart
  readonly accessToken: ReceiptPart
  readonly failures: Failure[]
}

/** The outcome without a grant. A key of the user's own can be ended only where it was made. */
export function nothingToRevoke(holdsKey: boolean): RevocationOutcome {
  return { refreshToken: 'not-held', accessToken: holdsKey ? 'not-offered' : 'not-held', failures: [] }
}

/**
 * Ends a grant at its authorization server, with all that earlier sign-ins left there: the refresh tokens first, since with them access
 * could be renewed, then the access tokens. A part is `confirmed` when every token of its kind was. Never rejects: what could not be done
 * is in the outcome.
 * @see [RFC 7009 §2](https://www.rfc-editor.org/rfc/rfc7009.html#section-2)
 */
export async function revokeGrant(grant: Grant, fetch: GuardedFetch): Promise<RevocationOutcome> {
  const failures: Failure[] = []
  const end = async (holder: Superseded, token: string | undefined, hint: string): Promise<ReceiptPart> => {
    if (token === undefined) return 'not-held'
    if (holder.server.revocation_endpoint === undefined) return 'not-offered'
    const failure = await revokeToken(holder, token, hint, fetch)
    if (!failure) return 'confirmed'
    failures.push(failure)
    return 'failed'
  }
  const holders = [grant, ...(grant.superseded ?? [])]
  const endAll = async (
    tokenOf: (holder: Superseded) => string | undefined,
    hint: string,
  ): Promise<ReceiptPart> =>
    worst(await Promise.all(holders.map((holder) => end(holder, tokenOf(holder), hint))))
  const refreshToken = await endAll((holder) => holder.refreshToken, 'refresh_token')
  const accessToken = await endAll((holder) => holder.accessToken, 'access_token')
  return { refreshToken, accessToken, failures }
}

/** What may be said of several tokens together: nothing better than of the worst of them. */
function worst(parts: readonly ReceiptPart[]): ReceiptPart {
  const order: readonly ReceiptPart[] = ['failed', 'not-offered', 'confirmed']
  return order.find((part) => parts.includes(part)) ?? 'not-held'
}

async function revokeToken(
  { server, registration }: Superseded,
  token: string,
  hint: string,
  fetch: GuardedFetch,
): Promise<Failure | undefined> {
  try {
    const { tokenRevocation } = await import('openid-client')
    const config = await configurationOf(server, registration, async (url, init) => {
      const response = await fetch(url, init)
      // RFC 7009 §2.2 has status 200; servers say 204 and 202 too, and the body means nothing.
      if (response.ok) return new Response(null)
      if (response.status >= 400) return response
      throw new BridgeError('oauth.revocation_refused', `status ${response.status}`)
    })
    await tokenRevocation(config, token, { token_type_hint: hint })
    return undefined
  } catch (thrown) {
    try {
      const refusal = await refusalOf(thrown, registration, [token])
      return new BridgeError('oauth.revocation_refused', refusal.error).toFailure()
    } catch (failure) {
      return toFailure(failure)
    }
  }
}
