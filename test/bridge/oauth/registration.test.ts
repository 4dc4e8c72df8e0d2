import { describe, expect, it } from 'vitest'
import type { Registration, ServerMetadata } from '../../../bridge/oauth/grant.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import {
  chooseRegistration,
  fromMetadataDocument,
  preRegistered,
  registerDynamically,
} from '../../../bridge/oauth/registration.ts'
import { json, serve, thrownBy, type Handler, type Loopback } from './loopback.ts'

const redirectUri = 'http://127.0.0.1:47330/oauth/callback'

const metadata = (more: Partial<ServerMetadata> = {}): ServerMetadata => ({
  issuer: 'https://auth.example.com',
  authorization_endpoint: 'https://auth.example.com/authorize',
  token_endpoint: 'https://auth.example.com/token',
  ...more,
})

const register = (
  endpoint: Loopback,
  more: Partial<ServerMetadata> = {},
  given: { redirectUri?: string; scopes?: string[]; initialAccessToken?: string } = {},
): Promise<Registration> =>
  registerDynamically({
    server: metadata({ registration_endpoint: endpoint.url('/register').href, ...more }),
    redirectUri,
    fetch: createGuardedFetch({ server: endpoint.url() }),
    ...given,
  })

const sent = (endpoint: Loopback, index = 0): Record<string, unknown> =>
  JSON.parse(endpoint.received[index]?.body ?? '') as Record<string, unknown>

const answers =
  (body: unknown, status = 201): Handler =>
  (_request, response) => {
    json(response, body, status)
  }

describe('the order of ways to register (MCP 2026-07-28, client registration)', () => {
  const everything = metadata({
    client_id_metadata_document_supported: true,
    registration_endpoint: 'https://auth.example.com/register',
  })

  it.each([
    ['pre-registered', { server: everything, clientId: 'mine', metadataUrl: 'https://me.example/c.json' }],
    ['pre-registered', { server: metadata(), clientId: 'mine' }],
    ['metadata-document', { server: everything, metadataUrl: 'https://me.example/c.json' }],
    ['dynamic', { server: everything }],
    [
      'dynamic',
      {
        server: { ...everything, client_id_metadata_document_supported: false },
        metadataUrl: 'https://me.example/c.json',
      },
    ],
    ['ask', { server: metadata(), metadataUrl: 'https://me.example/c.json' }],
    ['ask', { server: metadata({ client_id_metadata_document_supported: true }) }],
  ])('is %s for %j', (way, given) => {
    expect(chooseRegistration(given)).toBe(way)
  })
})

describe('a client that the user registered', () => {
  it('is public without a secret', () => {
    expect(preRegistered({ server: metadata(), clientId: 'c', redirectUri })).toEqual({
      issuer: 'https://auth.example.com',
      kind: 'pre-registered',
      clientId: 'c',
      authMethod: 'none',
      redirectUri,
    })
  })

  it.each([
    [undefined, 'client_secret_basic'],
    [['client_secret_post', 'client_secret_basic'], 'client_secret_basic'],
    [['client_secret_post', 'none'], 'client_secret_post'],
    [['private_key_jwt'], 'client_secret_basic'],
  ])('sends its secret as the server lists it: %j is %s', (methods, authMethod) => {
    const server = metadata(methods ? { token_endpoint_auth_methods_supported: methods } : {})
    const registration = preRegistered({ server, clientId: 'c', clientSecret: 's', redirectUri })
    expect(registration).toMatchObject({ authMethod, clientSecret: 's' })
  })

  it('keeps no secret that the server will not take', () => {
    const server = metadata({ token_endpoint_auth_methods_supported: ['none'] })
    const registration = preRegistered({ server, clientId: 'c', clientSecret: 's', redirectUri })
    expect(registration.authMethod).toBe('none')
    expect(registration).not.toHaveProperty('clientSecret')
  })
})

describe('a client ID metadata document', () => {
  it('has its address for a client id', () => {
    const metadataUrl = 'https://me.example/oauth/client.json'
    expect(fromMetadataDocument({ server: metadata(), metadataUrl, redirectUri })).toEqual({
      issuer: 'https://auth.example.com',
      kind: 'metadata-document',
      clientId: metadataUrl,
      authMethod: 'none',
      redirectUri,
    })
  })

  it.each([
    'http://me.example/client.json',
    'https://me.example',
    'https://me.example/',
    'https://me.example/c#x',
    'https://u:p@me.example/c',
    'https://ME.example/c',
    'https://me.example/a/../c',
    'client.json',
  ])('cannot be at %s', async (metadataUrl) => {
    const act = (): Registration => fromMetadataDocument({ server: metadata(), metadataUrl, redirectUri })
    expect((await thrownBy(act)).code).toBe('registration.metadata_url_invalid')
  })
})

describe('dynamic registration (RFC 7591)', () => {
  it('asks for a public native client that may refresh', async () => {
    const endpoint = await serve(answers({ client_id: 'c1' }))
    expect(await register(endpoint, {}, { scopes: ['a', 'b'] })).toEqual({
      issuer: 'https://auth.example.com',
      kind: 'dynamic',
      clientId: 'c1',
      authMethod: 'none',
      redirectUri,
    })
    expect(endpoint.received[0]).toMatchObject({
      method: 'POST',
      headers: { 'content-type': 'application/json' },
    })
    expect(sent(endpoint)).toEqual({
      client_name: 'Bridgekeeper',
      application_type: 'native',
      redirect_uris: [redirectUri],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope: 'a b',
    })
  })

  it('asks for no more than the server offers', async () => {
    const endpoint = await serve(answers({ client_id: 'c1' }))
    await register(endpoint, {
      grant_types_supported: ['authorization_code'],
      token_endpoint_auth_methods_supported: ['client_secret_post'],
    })
    expect(sent(endpoint)).toMatchObject({
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'client_secret_post',
    })
    expect(sent(endpoint)).not.toHaveProperty('scope')
    await register(endpoint, {
      grant_types_supported: [],
      token_endpoint_auth_methods_supported: ['private_key_jwt'],
    })
    expect(sent(endpoint, 1)).toMatchObject({
      grant_types: ['authorization_code'],
      token_endpoint_auth_method: 'none',
    })
  })

  it('shows an initial access token where one was given', async () => {
    const endpoint = await serve(answers({ client_id: 'c1' }))
    await register(endpoint, {}, { initialAccessToken: 't' })
    expect(endpoint.received[0]?.headers.authorization).toBe('Bearer t')
  })

  it.each([
    [
      { client_secret: 's', token_endpoint_auth_method: 'client_secret_post' },
      undefined,
      'client_secret_post',
    ],
    [
      { client_secret: 's', token_endpoint_auth_method: 'client_secret_basic' },
      ['client_secret_post'],
      'client_secret_basic',
    ],
    [{ client_secret: 's' }, undefined, 'client_secret_basic'],
    [{ client_secret: 's' }, ['client_secret_post'], 'client_secret_post'],
    [{ client_secret: 's' }, ['none'], 'none'],
    [{ client_secret: 's', token_endpoint_auth_method: 'none' }, undefined, 'none'],
    [{ token_endpoint_auth_method: 'client_secret_basic' }, undefined, 'none'],
    [{ client_secret: null, client_secret_expires_at: null }, undefined, 'none'],
  ])(
    'makes a confidential client of the answer %j where %j is listed: %s',
    async (answer, methods, authMethod) => {
      const endpoint = await serve(answers({ client_id: 'c1', ...answer }))
      const registration = await register(
        endpoint,
        methods ? { token_endpoint_auth_methods_supported: methods } : {},
      )
      expect(registration.authMethod).toBe(authMethod)
      expect(registration.clientSecret).toBe(authMethod === 'none' ? undefined : 's')
    },
  )

  it('knows when a secret ends, in milliseconds; 0 is never', async () => {
    const ending = await serve(
      answers({ client_id: 'c', client_secret: 's', client_secret_expires_at: 1_900_000_000 }),
    )
    expect((await register(ending)).expiresAt).toBe(1_900_000_000_000)
    for (const never of [0, 1e306]) {
      const lasting = await serve(
        answers({ client_id: 'c', client_secret: 's', client_secret_expires_at: never }),
      )
      expect(await register(lasting)).not.toHaveProperty('expiresAt')
    }
  })

  it.each(['invalid_redirect_uri', 'invalid_client_metadata'])(
    'tries the localhost spelling once after %s',
    async (error) => {
      const endpoint: Loopback = await serve((_request, response) => {
        if (endpoint.received.length === 1) json(response, { error }, 400)
        else json(response, { client_id: 'c1' }, 201)
      })
      expect((await register(endpoint)).redirectUri).toBe('http://localhost:47330/oauth/callback')
      expect(sent(endpoint, 1).redirect_uris).toEqual(['http://localhost:47330/oauth/callback'])
      const stubborn = await serve(answers({ error }, 400))
      expect((await thrownBy(() => register(stubborn))).detail).toBe(`${error}, status 400`)
      expect(stubborn.received).toHaveLength(2)
    },
  )

  it('has no second spelling for another redirect URI', async () => {
    const endpoint = await serve(answers({ error: 'invalid_redirect_uri' }, 400))
    const given = { redirectUri: 'http://127.0.0.1.example.com/cb' }
    expect((await thrownBy(() => register(endpoint, {}, given))).code).toBe('registration.refused')
    expect(endpoint.received).toHaveLength(1)
  })

  it.each([
    [{ error: 'access_denied' }, 403, 'registration.refused', 'access_denied, status 403'],
    [{ error: 'invalid_redirect_uri' }, 401, 'registration.refused', 'invalid_redirect_uri, status 401'],
    [{ error: 'no\nsuch <b>thing</b>' }, 400, 'registration.refused', 'status 400'],
    [{ error: { code: 1 } }, 400, 'registration.refused', 'status 400'],
    [null, 404, 'registration.refused', 'status 404'],
    [{ client_id: 5 }, 201, 'registration.refused', 'status 201, but no client_id'],
    [{ client_id: '' }, 201, 'registration.refused', 'status 201, but no client_id'],
    [{}, 500, 'server.failed', 'registration: status 500'],
    [{}, 429, 'server.failed', 'registration: status 429'],
    [
      { client_id: 'c', client_secret: 's', token_endpoint_auth_method: 'private_key_jwt' },
      201,
      'registration.refused',
      'it wants a client authentication that we do not have',
    ],
  ])('ends for the answer %j with status %d in %s', async (body, status, code, detail) => {
    const endpoint = await serve(answers(body, status))
    const error = await thrownBy(() => register(endpoint))
    expect([error.code, error.detail]).toEqual([code, detail])
    expect(endpoint.received).toHaveLength(1)
  })

  it('does not take a web page for an answer', async () => {
    const endpoint = await serve((_request, response) => response.end('<html>Welcome</html>'))
    expect((await thrownBy(() => register(endpoint))).code).toBe('registration.refused')
  })

  it('is not sent on to where the endpoint redirects', async () => {
    const other = await serve(answers({ client_id: 'c' }))
    const endpoint = await serve((_request, response) =>
      response.writeHead(307, { location: other.url().href }).end(),
    )
    expect((await thrownBy(() => register(endpoint, {}, { initialAccessToken: 't' }))).code).toBe(
      'network.redirect_refused',
    )
    expect(other.received).toEqual([])
  })

  it('needs an endpoint', async () => {
    const fetch = createGuardedFetch({ server: new URL('http://127.0.0.1:1') })
    const error = await thrownBy(() => registerDynamically({ server: metadata(), redirectUri, fetch }))
    expect([error.code, error.detail]).toEqual(['registration.needed', `redirect URI ${redirectUri}`])
  })
})
