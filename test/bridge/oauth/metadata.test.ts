import { describe, expect, it } from 'vitest'
import { discover } from '../../../bridge/oauth/discovery.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { json, serve, thrownBy, type Handler, type Loopback } from './loopback.ts'
import { find, metadata, OPENID, publish, resourceOf, SERVER } from './published.ts'

describe('the metadata of the authorization server (RFC 8414, OpenID Connect Discovery)', () => {
  it.each([
    ['', [SERVER]],
    ['', [SERVER, OPENID]],
    ['/tenant1', [`${SERVER}/tenant1`]],
    ['/tenant1', [`${SERVER}/tenant1`, `${OPENID}/tenant1`]],
    ['/tenant1', [`${SERVER}/tenant1`, `${OPENID}/tenant1`, `/tenant1${OPENID}`]],
  ])('of an issuer with the path %j is found after asking %j', async (path, asked) => {
    const auth = await publish((origin) => ({ [asked.at(-1) ?? '']: metadata(`${origin}${path}`) }))
    const server = await resourceOf(`${auth.origin}${path}`)
    expect((await find(server)).server.issuer).toBe(`${auth.origin}${path}`)
    expect(auth.asked()).toEqual(asked.map((place) => `GET ${place}`))
  })

  it('need not hold all that the standard wants, nor be free of empty values', async () => {
    const more = { registration_endpoint: null, jwks_uri: '', scopes_supported: null, unknown: { x: 1 } }
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin, more) }))
    const server = await resourceOf(auth.origin)
    expect((await find(server)).server).toEqual(metadata(auth.origin))
  })

  it('is at the next place where the first is broken', async () => {
    const answers: Handler[] = [
      (_request, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<html></html>'),
      (_request, response) => response.writeHead(500).end(),
      (_request, response) => response.writeHead(302, { location: 'http://localhost:1/' }).end(),
      (_request, response) => response.end('x'.repeat(2_000_000)),
      (_request, response) => json(response, metadata('https://someone.example')),
      (_request, response) => json(response, { issuer: 5 }),
      (_request, response) => response.destroy(),
    ]
    for (const broken of answers) {
      const auth: Loopback = await serve((request, response) => {
        if (request.path === SERVER) broken(request, response)
        else json(response, metadata(auth.origin))
      })
      expect((await find(await resourceOf(auth.origin))).server.issuer).toBe(auth.origin)
    }
  })

  it.each([
    ['another host', (origin: string) => origin.replace('127.0.0.1', 'localhost')],
    ['a slash more', (origin: string) => `${origin}/`],
    ['another case', (origin: string) => origin.replace('http', 'HTTP')],
    ['a path', (origin: string) => `${origin}/tenant`],
  ])('must bear the very name it was found under, not one with %s', async (_name, change) => {
    const auth = await publish((origin) => ({ [SERVER]: { ...metadata(origin), issuer: change(origin) } }))
    const error = await thrownBy(async () => find(await resourceOf(auth.origin)))
    expect(error.code).toBe('discovery.issuer_mismatch')
    expect(error.detail).toContain(auth.origin)
  })

  it.each([
    ['authorization_endpoint', 'javascript:alert(document.cookie)', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 'file:///etc/passwd', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 'calculator://run', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 'http://auth.example.com/authorize', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 'https://user:pass@auth.example.com/', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 'https://auth.example.com/#x', 'discovery.endpoint_refused'],
    ['authorization_endpoint', '/authorize', 'discovery.endpoint_refused'],
    ['token_endpoint', 'http://10.0.0.1/token', 'discovery.endpoint_refused'],
    ['registration_endpoint', 'ftp://auth.example.com/', 'discovery.endpoint_refused'],
    ['revocation_endpoint', 'data:,x', 'discovery.endpoint_refused'],
    ['authorization_endpoint', 7, 'discovery.metadata_invalid'],
    ['token_endpoint', null, 'discovery.metadata_invalid'],
    ['scopes_supported', 'a b', 'discovery.metadata_invalid'],
  ])('is refused for the %s %j: %s', async (name, value, code) => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin, { [name]: value }) }))
    const error = await thrownBy(async () => find(await resourceOf(auth.origin)))
    expect(error.code).toBe(code)
    expect(error.detail).toContain(name)
  })

  it('of a public server may not point inside', async () => {
    const resolve = async (): Promise<string[]> => ['93.184.216.34']
    const guard = createGuardedFetch({ server: new URL('https://mcp.example.com'), resolve })
    const issuer = 'https://auth.example.com'
    const table: Record<string, unknown> = {
      'https://mcp.example.com/.well-known/oauth-protected-resource': {
        resource: 'https://mcp.example.com',
        authorization_servers: ['https://192.168.1.1', issuer],
      },
      [`${issuer}${SERVER}`]: metadata(issuer, { token_endpoint: 'https://169.254.169.254/token' }),
    }
    // The documents are handed over; every address in them is judged by the guard.
    const fetch = Object.assign(
      async (input: string | URL) => {
        const found = table[String(input)]
        return new Response(JSON.stringify(found ?? {}), { status: found ? 200 : 404 })
      },
      { check: guard.check },
    )
    const error = await thrownBy(() => discover({ url: new URL('https://mcp.example.com'), fetch }))
    expect([error.code, error.detail]).toEqual(['network.private_address', '192.168.1.1'])
    const authorization = table['https://mcp.example.com/.well-known/oauth-protected-resource'] as Record<
      string,
      unknown
    >
    authorization.authorization_servers = [issuer]
    const second = await thrownBy(() => discover({ url: new URL('https://mcp.example.com'), fetch }))
    expect([second.code, second.detail]).toEqual([
      'network.private_address',
      'token_endpoint: 169.254.169.254',
    ])
  })
})

describe('an issuer', () => {
  it.each([
    ['javascript:alert(1)', 'discovery.endpoint_refused'],
    ['file:///x', 'discovery.endpoint_refused'],
    ['https://user:pass@auth.example.com', 'discovery.endpoint_refused'],
    ['http://auth.example.com', 'network.plain_http'],
    ['https://auth.example.com/?x=1', 'discovery.metadata_invalid'],
    ['https://auth.example.com/#x', 'discovery.metadata_invalid'],
    ['auth.example.com', 'discovery.metadata_invalid'],
    ['', 'discovery.metadata_invalid'],
  ])('cannot be %j: %s', async (issuer, code) => {
    const error = await thrownBy(async () => find(await resourceOf(issuer)))
    expect(error.code).toBe(code)
  })
})

describe('bad metadata', () => {
  const html: Handler = (_request, response) =>
    response.writeHead(200, { 'content-type': 'text/html; charset=utf-8' }).end('<html>Sign in</html>')

  it.each<[string, Handler, string]>([
    ['is HTML', html, 'discovery.metadata_invalid'],
    ['is an array', (_request, response) => json(response, []), 'discovery.metadata_invalid'],
    [
      'is of wrong types',
      (_request, response) => json(response, { resource: 1 }),
      'discovery.metadata_invalid',
    ],
    ['is huge', (_request, response) => response.end('x'.repeat(2_000_000)), 'network.too_large'],
    [
      'leads to another host',
      (_request, response) => response.writeHead(302, { location: 'http://localhost:1/x' }).end(),
      'network.redirect_refused',
    ],
    [
      'leads in circles',
      (_request, response) => response.writeHead(302, { location: '?' }).end(),
      'network.redirect_refused',
    ],
    [
      'leads to plain http',
      (_request, response) => response.writeHead(302, { location: 'http://10.0.0.1/' }).end(),
      'network.redirect_refused',
    ],
  ])('that %s is named as such', async (_name, handler, code) => {
    const server = await serve(handler)
    const error = await thrownBy(() => find(server))
    expect(error.code).toBe(code)
    expect(error.detail).toContain('127.0.0.1')
  })

  it('that never comes is named as such', async () => {
    const server = await serve(() => undefined)
    const guard = createGuardedFetch({ server: server.url() })
    const hasty = Object.assign((input: string | URL) => guard(input, { timeoutMs: 100 }), {
      check: guard.check,
    })
    const error = await thrownBy(() => discover({ url: server.url(), fetch: hasty }))
    expect(error.code).toBe('network.timeout')
    // Its other places would keep us waiting as long.
    expect(server.received).toHaveLength(1)
  })

  it('gives way to a worse fault found after it', async () => {
    const server = await serve((request, response) => {
      if (request.path === SERVER) json(response, metadata('https://someone-else.example'))
      else html(request, response)
    })
    expect((await thrownBy(() => find(server))).code).toBe('discovery.issuer_mismatch')
  })
})
