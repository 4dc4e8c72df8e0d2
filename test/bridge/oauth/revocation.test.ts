import { describe, expect, it } from 'vitest'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { revokeGrant, type RevocationOutcome } from '../../../bridge/oauth/revocation.ts'
import { grantFrom } from '../connections/open-keeper.ts'
import { json, serve, type Handler } from './loopback.ts'

/** Revokes a grant at a server whose revocation endpoint answers like this. */
async function revokeAt(handler: Handler): Promise<RevocationOutcome & { tokens: (string | null)[] }> {
  const { origin, url, received } = await serve(handler)
  const grant = grantFrom(origin)
  const server = { ...grant.server, revocation_endpoint: `${origin}/revoke` }
  const outcome = await revokeGrant({ ...grant, server }, createGuardedFetch({ server: url() }))
  return { ...outcome, tokens: received.map(({ body }) => new URLSearchParams(body).get('token')) }
}

describe('the answer to a revocation (RFC 7009 §2.2)', () => {
  it.each([200, 202, 204])('is success by status %i, whatever is in it', async (status) => {
    const outcome = await revokeAt((_, response) => {
      response.writeHead(status, { 'content-type': 'text/html' }).end(status === 204 ? '' : '<h1>Bye</h1>')
    })
    expect(outcome).toEqual({
      refreshToken: 'confirmed',
      accessToken: 'confirmed',
      failures: [],
      tokens: ['refresh-first', 'first'],
    })
  })

  it.each([
    [302, 'oauth.revocation_refused', 'status 302'],
    [400, 'oauth.revocation_refused', 'unsupported_token_type'],
    [503, 'server.failed', 'status 503'],
  ])('is no success by status %i, and both tokens are tried', async (status, code, detail) => {
    const outcome = await revokeAt((_, response) =>
      json(response, { error: 'unsupported_token_type' }, status, { location: '/elsewhere' }),
    )
    expect(outcome).toMatchObject({ refreshToken: 'failed', accessToken: 'failed' })
    expect(outcome.failures).toEqual([
      { code, detail },
      { code, detail },
    ])
    expect(outcome.tokens).toEqual(['refresh-first', 'first'])
  })
})
