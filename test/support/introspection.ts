import { createPublicKey, verify as verifySignature, type JsonWebKey } from 'node:crypto'
import { Agent, request, type OutgoingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'

/** What a resource server learns about an access token. */
interface VerifiedToken {
  readonly subject: string
  readonly clientId: string
  readonly scopes: readonly string[]
  /** The resources the token is for. */
  readonly audience: readonly string[]
  /** Seconds since the epoch. */
  readonly expiresAt: number
}

/** Resolves with undefined for a token that is not good, and rejects when the authorization server cannot say. */
export type VerifyToken = (token: string) => Promise<VerifiedToken | undefined>

/** The credentials of a resource server at its authorization server. */
export interface ResourceServerClient {
  readonly id: string
  readonly secret: string
}

/**
 * Asks the authorization server about each token, anew every time.
 * @see [RFC 7662 §2](https://www.rfc-editor.org/rfc/rfc7662.html#section-2)
 */
export function verifyByIntrospection(endpoint: URL, client: ResourceServerClient): VerifyToken {
  // A burst of calls must not open a socket for each.
  const agent = new Agent({ keepAlive: true, maxSockets: 16 })
  const authorization = `Basic ${Buffer.from(`${client.id}:${client.secret}`).toString('base64')}`
  return async (token) => {
    const body = new URLSearchParams({ token, token_type_hint: 'access_token' }).toString()
    const headers = { authorization, 'content-type': 'application/x-www-form-urlencoded' }
    const answer = await ask(endpoint, { method: 'POST', headers, agent }, body)
    return answer.active === true ? asVerified(answer) : undefined
  }
}

/**
 * Checks a JWT access token by the issuer's keys, as a resource server does that never asks.
 * ES256 and RS256; everything else is no good token.
 * @see [RFC 9068 §4](https://www.rfc-editor.org/rfc/rfc9068.html#section-4)
 */
export function verifyByKeys(jwksUri: URL, issuer: string): VerifyToken {
  return async (token) => {
    const [head, payload, signature] = token.split('.')
    if (head === undefined || payload === undefined || signature === undefined) return undefined
    const { alg, kid, typ } = decode(head)
    const { keys } = (await ask(jwksUri, { method: 'GET' })) as { keys: (JsonWebKey & { kid?: string })[] }
    const jwk = keys.find((key) => key.kid === kid)
    if (!jwk || typ !== 'at+jwt' || (alg !== 'ES256' && alg !== 'RS256')) return undefined
    const good = verifySignature(
      'sha256',
      Buffer.from(`${head}.${payload}`),
      { key: createPublicKey({ key: jwk, format: 'jwk' }), dsaEncoding: 'ieee-p1363' },
      Buffer.from(signature, 'base64url'),
    )
    const claims = decode(payload)
    const lives = typeof claims.exp === 'number' && claims.exp * 1000 > Date.now()
    return good && lives && claims.iss === issuer ? asVerified(claims) : undefined
  }
}

function asVerified(claims: Record<string, unknown>): VerifiedToken {
  return {
    subject: String(claims.sub),
    clientId: String(claims.client_id),
    scopes: typeof claims.scope === 'string' && claims.scope !== '' ? claims.scope.split(' ') : [],
    audience: [claims.aud ?? []].flat().map(String),
    expiresAt: Number(claims.exp),
  }
}

function decode(part: string): Record<string, unknown> {
  try {
    return JSON.parse(Buffer.from(part, 'base64url').toString()) as Record<string, unknown>
  } catch {
    return {}
  }
}

async function ask(
  url: URL,
  options: { method: string; headers?: OutgoingHttpHeaders; agent?: Agent },
  body?: string,
): Promise<Record<string, unknown>> {
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      text(response)
        .then((answer) => {
          if (response.statusCode !== 200)
            throw new Error(`the authorization server answered ${response.statusCode}`)
          resolve(JSON.parse(answer) as Record<string, unknown>)
        })
        .catch(reject)
    })
      .on('error', reject)
      .end(body)
  })
}
