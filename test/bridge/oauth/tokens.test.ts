import { describe, expect, it } from 'vitest'
import type { Grant, Registration } from '../../../bridge/oauth/grant.ts'
import { createGuardedFetch, type GuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { isRefusal, redeemCode, renewGrant, words, type OAuthRefusal } from '../../../bridge/oauth/tokens.ts'
import { json, serve, thrownBy, type Handler, type Loopback } from './loopback.ts'

const startedAt = 1_700_000_000_000
const redirectUri = 'http://127.0.0.1:47330/oauth/callback'

/** A token endpoint with a grant of it, and a clock that the test moves. */
async function serveTokens(handler: Handler): Promise<{
  endpoint: Loopback
  grant: Grant
  clock: { now(): number; after(): () => void; time: number }
  context: { fetch: GuardedFetch; clock: { now(): number; after(): () => void } }
}> {
  const endpoint = await serve(handler)
  const issuer = endpoint.origin
  const server = {
    issuer,
    authorization_endpoint: `${issuer}/authorize`,
    token_endpoint: `${issuer}/token`,
  }
  const registration: Registration = {
    issuer,
    kind: 'dynamic',
    clientId: 'me',
    authMethod: 'none',
    redirectUri,
  }
  const grant: Grant = {
    accessToken: 'old-access',
    refreshToken: 'old-refresh',
    idToken: 'old-id',
    scopes: ['read', 'write'],
    askedScopes: ['read', 'write', 'admin'],
    expiresAt: startedAt + 1000,
    obtainedAt: startedAt,
    resource: 'https://mcp.example/mcp',
    server,
    registration,
  }
  const clock = { time: startedAt, now: () => clock.time, after: () => () => undefined }
  return { endpoint, grant, clock, context: { fetch: createGuardedFetch({ server: endpoint.url() }), clock } }
}

const exchangeFor = ({ server, registration, resource }: Grant) => ({
  server,
  registration,
  code: 'the-code',
  codeVerifier: 'the-verifier',
  askedScopes: ['read', 'write'],
  resource,
})

const given = { access_token: 'new-access', token_type: 'Bearer' }
const formOf = ({ received }: Loopback, index = 0): Record<string, string> =>
  Object.fromEntries(new URLSearchParams(received[index]?.body))

/** The grant of an exchange that is expected to succeed. */
function granted(outcome: Grant | OAuthRefusal): Grant {
  if (isRefusal(outcome)) throw new Error(`refused: ${outcome.error}`)
  return outcome
}

describe('redeeming a code (RFC 6749 §4.1.3, RFC 7636 §4.5, RFC 8707 §2.2)', () => {
  it('sends code, verifier, redirect URI and resource, and nothing else', async () => {
    const { endpoint, grant, context } = await serveTokens((_, response) => json(response, given))
    await redeemCode(exchangeFor(grant), context)
    expect(formOf(endpoint)).toEqual({
      grant_type: 'authorization_code',
      client_id: 'me',
      code: 'the-code',
      code_verifier: 'the-verifier',
      redirect_uri: redirectUri,
      resource: grant.resource,
    })
    expect(endpoint.received[0]?.headers.authorization).toBeUndefined()
  })

  it('sends no resource where the server publishes none', async () => {
    const { endpoint, grant, context } = await serveTokens((_, response) => json(response, given))
    const outcome = granted(await redeemCode({ ...exchangeFor(grant), resource: undefined }, context))
    expect(formOf(endpoint)).not.toHaveProperty('resource')
    expect(outcome).not.toHaveProperty('resource')
  })

  it('gives a grant that holds what is needed to use, renew and end it', async () => {
    const answer = {
      ...given,
      refresh_token: 'new-refresh',
      id_token: 'h.p.s',
      expires_in: 60,
      scope: 'read',
    }
    const { grant, context } = await serveTokens((_, response) => json(response, answer))
    expect(await redeemCode(exchangeFor(grant), context)).toEqual({
      accessToken: 'new-access',
      refreshToken: 'new-refresh',
      idToken: 'h.p.s',
      scopes: ['read'],
      askedScopes: ['read', 'write'],
      expiresAt: startedAt + 60_000,
      obtainedAt: startedAt,
      resource: grant.resource,
      server: grant.server,
      registration: grant.registration,
    })
  })

  it('takes the scopes asked for as granted where the answer does not say (RFC 6749 §5.1)', async () => {
    const { grant, context } = await serveTokens((_, response) => json(response, given))
    expect(granted(await redeemCode(exchangeFor(grant), context)).scopes).toEqual(['read', 'write'])
  })

  it('counts the life of a token from when it was asked for, however long the answer took', async () => {
    const scene = await serveTokens((_, response) => {
      scene.clock.time += 30_000
      json(response, { ...given, expires_in: 60 })
    })
    const { expiresAt, obtainedAt } = granted(await redeemCode(exchangeFor(scene.grant), scene.context))
    expect([obtainedAt, expiresAt]).toEqual([startedAt, startedAt + 60_000])
  })
})

describe('renewing a grant (RFC 6749 §6)', () => {
  it('sends the refresh token with resource and granted scopes to the endpoint of the grant', async () => {
    const { endpoint, grant, context } = await serveTokens((_, response) => json(response, given))
    await renewGrant(grant, context)
    expect(endpoint.asked()).toEqual(['POST /token'])
    expect(formOf(endpoint)).toEqual({
      grant_type: 'refresh_token',
      client_id: 'me',
      refresh_token: 'old-refresh',
      scope: 'read write',
      resource: grant.resource,
    })
  })

  it('replaces what the answer replaces and keeps the rest, but never the old expiry', async () => {
    const { grant, context } = await serveTokens((_, response) => json(response, given))
    const renewed = granted(await renewGrant(grant, context))
    const { expiresAt: _ended, ...kept } = grant
    expect(renewed).toEqual({ ...kept, accessToken: 'new-access' })
    const rotating = await serveTokens((_, response) =>
      json(response, { ...given, refresh_token: 'new-refresh', expires_in: 60, scope: 'read' }),
    )
    expect(granted(await renewGrant(rotating.grant, rotating.context))).toMatchObject({
      refreshToken: 'new-refresh',
      expiresAt: startedAt + 60_000,
      scopes: ['read'],
      askedScopes: ['read', 'write', 'admin'],
    })
  })

  it('asks once more without scopes where the server granted fewer than it said', async () => {
    const { endpoint, grant, context } = await serveTokens(({ body }, response) =>
      new URLSearchParams(body).has('scope')
        ? json(response, { error: 'invalid_scope' }, 400)
        : json(response, given),
    )
    expect(granted(await renewGrant(grant, context)).accessToken).toBe('new-access')
    expect(endpoint.received).toHaveLength(2)
    expect(formOf(endpoint, 1)).toMatchObject({ refresh_token: 'old-refresh', resource: grant.resource })
  })

  it('sends nothing without a refresh token', async () => {
    const { endpoint, grant, context } = await serveTokens((_, response) => json(response, given))
    const { refreshToken: _none, ...without } = grant
    expect((await thrownBy(() => renewGrant(without, context))).code).toBe('oauth.refresh_rejected')
    expect(endpoint.received).toEqual([])
  })
})

describe('what a failed token request says of the grant', () => {
  const challenge = { 'www-authenticate': 'Basic realm="tokens"' }

  it.each([
    ['invalid_grant', 400, {}, { error: 'invalid_grant' }],
    ['invalid_client', 401, challenge, { error: 'invalid_client' }],
    ['invalid_grant', 401, challenge, { error: 'invalid_grant' }],
    ['invalid_grant', 403, {}, { error: 'invalid_grant' }],
    ['invalid_client', 401, challenge, undefined],
    ['http_400', 400, {}, undefined],
    ['http_401', 401, {}, undefined],
    ['invalid_grant', 200, {}, { error: 'invalid_grant' }],
  ])('is that it has ended: %s by status %i', async (error, status, headers, body) => {
    const { grant, context } = await serveTokens((_, response) => {
      if (body) json(response, body, status, headers)
      else response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<h1>No</h1>')
    })
    expect(await renewGrant(grant, context)).toEqual({ is: 'refused', error, description: undefined })
  })

  it.each([
    [500, {}, { error: 'invalid_grant' }],
    [503, challenge, undefined],
    [429, {}, { error: 'invalid_grant' }],
    [403, {}, undefined],
    [404, {}, undefined],
    [407, { 'proxy-authenticate': 'Basic' }, undefined],
    [400, {}, { error: 'temporarily_unavailable' }],
    [400, {}, { error: 'server_error' }],
  ])('is nothing by status %i', async (status, headers, body) => {
    const { grant, context } = await serveTokens((_, response) => {
      if (body) json(response, body, status, headers)
      else response.writeHead(status, { 'content-type': 'text/html', ...headers }).end('<h1>No</h1>')
    })
    const failure = await thrownBy(() => renewGrant(grant, context))
    expect([failure.code, failure.detail]).toEqual(['server.failed', `status ${status}`])
  })

  it('is nothing when the server is silent', async () => {
    const { grant, context } = await serveTokens(() => undefined)
    const impatient: GuardedFetch = Object.assign(
      (...[url, init]: Parameters<GuardedFetch>) => context.fetch(url, { ...init, timeoutMs: 100 }),
      { check: context.fetch.check },
    )
    const failure = await thrownBy(() => renewGrant(grant, { ...context, fetch: impatient }))
    expect(failure.code).toBe('network.timeout')
  })

  it('is nothing when an answer holds no token', async () => {
    const { grant, context } = await serveTokens((_, response) => json(response, { hello: 'there' }))
    expect((await thrownBy(() => renewGrant(grant, context))).code).toBe('oauth.token_missing')
  })

  it('is cut to a line and holds no secret that the server repeats', async () => {
    const { grant, context } = await serveTokens((_, response) =>
      json(
        response,
        {
          error: 'old-refresh',
          error_description: `the token old-refresh of the client s%3Acret (s:cret) ended\u0000${'.'.repeat(999)}`,
        },
        400,
      ),
    )
    const registration = {
      ...grant.registration,
      clientSecret: 's:cret',
      authMethod: 'client_secret_post',
    } as const
    const refusal = await renewGrant({ ...grant, registration }, context)
    expect(JSON.stringify(refusal)).not.toMatch(/old-refresh|cret \(|s:cret|s%3Acret/)
    expect(refusal).toMatchObject({ is: 'refused', error: '[redacted]' })
    expect(isRefusal(refusal) && refusal.description?.length).toBe(300)
  })
})

describe('the words of a server', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    [' \n\u0007 ', undefined],
    ['plain', 'plain'],
    ['two\nlines', 'two lines'],
    ['\u001b[31mred\u202e', '[31mred'],
    ['Größe', 'Größe'],
  ])('%o become %o', (text, clean) => {
    expect(words(text, 80)).toBe(clean)
  })
})
