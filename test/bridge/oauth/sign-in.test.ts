import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { Registration } from '../../../bridge/oauth/grant.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import {
  isForgotten,
  prepareSignIn,
  type PreparedSignIn,
  type Registrations,
  type SignInRequest,
} from '../../../bridge/oauth/sign-in.ts'
import { createTrace } from '../../../bridge/oauth/trace.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import { json, serve, thrownBy, type Loopback } from './loopback.ts'

const now = 1_700_000_000_000
const redirectUri = 'http://127.0.0.1:47330/oauth/callback'
const clock = { now: () => now, after: () => () => undefined }

type Ready = Extract<PreparedSignIn, { is: 'authorize' }>

/** An MCP server that is its own authorization server, and a sign-in to it that is about to be prepared. */
async function serveSignIn(
  options: { metadata?: Record<string, unknown>; known?: Partial<Registration> } = {},
) {
  const server = await serve(({ path, method }, response) => {
    const origin = server.origin
    const documents: Record<string, unknown> = {
      'GET /.well-known/oauth-protected-resource/mcp': {
        resource: `${origin}/mcp`,
        authorization_servers: [origin],
        scopes_supported: ['read', 'write'],
      },
      'GET /.well-known/oauth-authorization-server': {
        issuer: origin,
        authorization_endpoint: `${origin}/authorize`,
        token_endpoint: `${origin}/token`,
        registration_endpoint: `${origin}/register`,
        code_challenge_methods_supported: ['S256'],
        ...options.metadata,
      },
      'POST /register': { client_id: 'new' },
      'POST /token': { access_token: 'the-access-token', token_type: 'Bearer' },
    }
    const document = documents[`${method} ${path}`]
    if (document === undefined) response.writeHead(path === '/mcp' ? 401 : 404).end()
    else json(response, document)
  })
  const known: Registration = {
    issuer: server.origin,
    kind: 'dynamic',
    clientId: 'known',
    authMethod: 'none',
    redirectUri,
    ...options.known,
  }
  const kept = new Map(options.known ? [[known.issuer, known]] : [])
  const registrations: Registrations = {
    find: (issuer) => kept.get(issuer),
    save: async (registration) => void kept.set(registration.issuer, registration),
    forget: async ({ issuer }) => void kept.delete(issuer),
  }
  const trace = createTrace('test' as ConnectionId, clock)
  const fetch = createGuardedFetch({ server: server.url(), onExchange: (one) => trace.exchange(one) })
  const prepare = async (request: Partial<SignInRequest> = {}): Promise<Ready> => {
    const whole = { server: server.url(), redirectUri, allowMissingPkce: false, ...request }
    const prepared = await prepareSignIn(whole, { fetch, clock, trace, registrations })
    if (prepared.is === 'open') throw new Error('it asks for no sign-in')
    return prepared
  }
  return { server, kept, trace, prepare }
}

const clientIdOf = ({ url }: Ready): string | null => url.searchParams.get('client_id')
const registered = ({ asked }: Loopback): number => asked().filter((line) => line === 'POST /register').length

describe('the authorization request (RFC 6749 §4.1.1, RFC 7636 §4.3)', () => {
  it('holds each parameter once, and the challenge of the verifier that the exchange sends', async () => {
    const { server, prepare } = await serveSignIn()
    const ready = await prepare()
    const { url, state } = ready
    expect(Object.fromEntries(url.searchParams)).toEqual({
      response_type: 'code',
      client_id: 'new',
      redirect_uri: redirectUri,
      resource: `${server.origin}/mcp`,
      scope: 'read write',
      state,
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    })
    await ready.redeem(new URLSearchParams({ state, code: 'c' }))
    const verifier = new URLSearchParams(server.received.at(-1)?.body).get('code_verifier') ?? ''
    expect(verifier).toMatch(/^[\w-]{43}$/)
    expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
      url.searchParams.get('code_challenge'),
    )
  })

  it('keeps what the endpoint has in its own query, but no second value of ours', async () => {
    const { server, prepare } = await serveSignIn({ metadata: { registration_endpoint: null } })
    const { origin } = server
    const own = await serveSignIn({
      metadata: { authorization_endpoint: `${origin}/authorize?tenant=7&state=theirs&client_id=theirs` },
    })
    const { url, state } = await own.prepare()
    expect(url.searchParams.getAll('tenant')).toEqual(['7'])
    expect(url.searchParams.getAll('state')).toEqual([state])
    expect(url.searchParams.getAll('client_id')).toEqual(['new'])
    expect((await thrownBy(() => prepare())).code).toBe('registration.needed')
  })

  it('shows neither state nor challenge nor verifier in the trace', async () => {
    const { trace, prepare } = await serveSignIn()
    const ready = await prepare()
    const { url, state } = ready
    await ready.redeem(new URLSearchParams({ state, code: 'the-secret-code' }))
    const text = JSON.stringify(trace.toTrace())
    expect(text).toContain('Exchanged the code for a token')
    for (const secret of [
      state,
      url.searchParams.get('code_challenge') ?? '',
      'the-secret-code',
      'the-access-token',
    ]) {
      expect(text).not.toContain(secret)
    }
  })
})

describe('a step-up (MCP 2026-07-28, Step-Up Authorization Flow)', () => {
  it('asks for the union of the scopes asked before and those of the challenge, without asking the server again', async () => {
    const { server, prepare } = await serveSignIn()
    const { scopes } = await prepare({
      challenge: { scope: ['write', 'admin'], error: 'insufficient_scope' },
      earlierScopes: ['read', 'write'],
    })
    expect(scopes).toEqual(['read', 'write', 'admin'])
    expect(server.asked()).not.toContain('POST /mcp')
  })
})

describe('the registration of a sign-in', () => {
  it('is the kept one of the issuer while it can be used', async () => {
    for (const known of [
      {},
      { redirectUri: redirectUri.replace('127.0.0.1', 'localhost') },
      { expiresAt: now * 2 },
    ]) {
      const { server, prepare } = await serveSignIn({ known })
      expect(clientIdOf(await prepare())).toBe('known')
      expect(registered(server)).toBe(0)
    }
  })

  it.each([
    ['was made for another port', { redirectUri: 'http://127.0.0.1:1/oauth/callback' }],
    ['was made for another path', { redirectUri: 'http://127.0.0.1:47330/callback' }],
    ['is about to end', { expiresAt: now + 30_000 }],
    ['has ended', { expiresAt: now - 1 }],
  ])('is made anew when the kept one %s', async (_, known) => {
    const { server, kept, prepare } = await serveSignIn({ known })
    expect(clientIdOf(await prepare())).toBe('new')
    expect(registered(server)).toBe(1)
    expect([...kept.values()].map(({ clientId }) => clientId)).toEqual(['new'])
  })

  it('is not sent to another issuer than the one it was first used with', async () => {
    const { server, prepare } = await serveSignIn()
    const failure = await thrownBy(() =>
      prepare({ ownClient: { clientId: 'mine', clientSecret: 'secret', issuer: 'https://first.example' } }),
    )
    expect(failure.code).toBe('discovery.issuer_changed')
    expect(failure.detail).toBe(`from https://first.example to ${server.origin}`)
  })

  it.each(['unauthorized_client', 'invalid_client'])(
    'is forgotten when the authorization response says %s',
    async (error) => {
      const { kept, prepare } = await serveSignIn({ known: {} })
      const ready = await prepare()
      const failure = await thrownBy(() => ready.redeem(new URLSearchParams({ state: ready.state, error })))
      expect(failure.code).toBe('oauth.client_unknown')
      expect([...kept.keys()]).toEqual([])
    },
  )

  it('is kept when anything else goes wrong', async () => {
    const { kept, prepare } = await serveSignIn({ known: {} })
    for (const error of ['access_denied', 'invalid_request', 'server_error']) {
      const ready = await prepare()
      await thrownBy(() => ready.redeem(new URLSearchParams({ state: ready.state, error })))
    }
    expect(kept.size).toBe(1)
  })
})

describe('a forgotten client', () => {
  it.each([
    ['invalid_client', true],
    ['unauthorized_client', true],
    ['invalid_grant', false],
    ['http_401', false],
  ])('by %s: %s', (error, forgotten) => {
    expect(isForgotten({ is: 'refused', error, description: undefined })).toBe(forgotten)
  })
})
