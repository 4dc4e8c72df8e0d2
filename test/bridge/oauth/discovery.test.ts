import { describe, expect, it } from 'vitest'
import { codeOf, documents, json, serve, thrownBy } from './loopback.ts'
import { find, metadata, OPENID, PATH, publish, resourceOf, ROOT, SERVER } from './published.ts'
import type { BridgeError } from '../../../shared/errors.ts'

describe('the metadata of the resource (RFC 9728)', () => {
  it('is where the challenge says, and nowhere else is asked', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await publish((origin) => ({
      '/custom.json': {
        resource: `${origin}/mcp`,
        authorization_servers: [auth.origin],
        scopes_supported: ['a'],
      },
    }))
    expect(await find(server, { challenged: `${server.origin}/custom.json` })).toEqual({
      resource: `${server.origin}/mcp`,
      scopesSupported: ['a'],
      issuers: [auth.origin],
      server: metadata(auth.origin),
      via: 'resource-metadata',
    })
    expect(server.asked()).toEqual(['GET /custom.json'])
    expect(auth.asked()).toEqual([`GET ${SERVER}`])
  })

  it('may be on another host than the server, since its resource must match', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await serve(documents(() => ({})))
    const elsewhere = await publish(() => ({
      '/m': { resource: server.url().href, authorization_servers: [auth.origin] },
    }))
    expect((await find(server, { challenged: elsewhere.url('/m').href })).server.issuer).toBe(auth.origin)
  })

  it('is at the well-known place of the path, and only then at the root', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const byPath = await resourceOf(auth.origin)
    expect((await find(byPath)).resource).toBe(`${byPath.origin}/mcp`)
    expect(byPath.asked()).toEqual([`GET ${PATH}`])
    const atRoot = await publish((origin) => ({
      [ROOT]: { resource: origin, authorization_servers: [auth.origin] },
    }))
    // Verbatim: a URL parser would have put a slash behind it.
    expect((await find(atRoot)).resource).toBe(atRoot.origin)
    expect(atRoot.asked()).toEqual([`GET ${PATH}`, `GET ${ROOT}`])
  })

  it('is looked for at the well-known places where the challenge leads nowhere', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    for (const challenged of ['http://mcp.example.com/x', 'file:///etc/passwd', 'http://[', '/missing']) {
      const server = await resourceOf(auth.origin)
      expect((await find(server, { challenged })).resource).toBe(`${server.origin}/mcp`)
    }
  })

  it('is taken where the challenge names it without a host', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await publish((origin) => ({
      '/m': { resource: origin, authorization_servers: [auth.origin] },
    }))
    expect((await find(server, { challenged: '/m' })).resource).toBe(server.origin)
  })

  it('may leave the issuer to the origin of the server', async () => {
    const server = await publish((origin) => ({
      [PATH]: { resource: `${origin}/mcp` },
      [SERVER]: metadata(origin),
    }))
    expect(await find(server)).toMatchObject({
      resource: `${server.origin}/mcp`,
      issuers: [server.origin],
      via: 'resource-metadata',
    })
  })

  it.each([
    ['/mcp', '/mcp', true],
    ['/mcp', '', true],
    ['/mcp', '/', true],
    ['/mcp/', '/mcp', true],
    ['/mcp', '/mcp/', true],
    ['/team/mcp?x=1', '/team', true],
    ['/mcp?x=1', '/mcp?x=1', true],
    ['/mcp', '/mc', false],
    ['/mcp', '/mcp/more', false],
    ['/mcp', '/other', false],
    ['/mcp?x=1', '/mcp?x=2', false],
    ['/mcp', '/mcp?x=1', false],
    ['/mcp', '/mcp#part', false],
  ])('for a server at %s may be of the resource %s: %s', async (path, resource, covers) => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await serve((_request, response) => {
      json(response, { resource: `${server.origin}${resource}`, authorization_servers: [auth.origin] })
    })
    const outcome = await find(server, { path }).then(
      (found) => found.resource,
      (thrown: BridgeError) => thrown.code,
    )
    expect(outcome).toBe(covers ? `${server.origin}${resource}` : 'discovery.resource_mismatch')
  })

  it.each(['https://evil.example.com/mcp', 'http://localhost/mcp', 'urn:mcp'])(
    'of the resource %j ends the search, whatever is published elsewhere',
    async (resource) => {
      const server = await publish((origin) => ({
        [PATH]: { resource, authorization_servers: [origin] },
        [ROOT]: { resource: origin, authorization_servers: [origin] },
        [SERVER]: metadata(origin),
      }))
      expect(await codeOf(() => find(server))).toBe('discovery.resource_mismatch')
    },
  )

  it.each([undefined, '', null, 5])(
    'without a resource, as with %j, is none, and the next place counts',
    async (resource) => {
      const server = await publish((origin) => ({
        [PATH]: { resource, authorization_servers: [origin] },
        [ROOT]: { resource: origin, authorization_servers: [origin] },
        [SERVER]: metadata(origin),
      }))
      expect((await find(server)).resource).toBe(server.origin)
    },
  )
})

describe('several issuers', () => {
  it('are tried in order, and all are told', async () => {
    const broken = await serve((_request, response) => response.writeHead(500).end())
    const good = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const other = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await resourceOf('http://[', broken.origin, good.origin, other.origin)
    const found = await find(server)
    expect(found.server.issuer).toBe(good.origin)
    expect(found.issuers).toEqual(['http://[', broken.origin, good.origin, other.origin])
    expect(other.received).toEqual([])
  })

  it('give way to the one that was used before, if it is still named', async () => {
    const first = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const second = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await resourceOf(first.origin, second.origin)
    expect((await find(server, { preferredIssuer: second.origin })).server.issuer).toBe(second.origin)
    expect(first.received).toEqual([])
    const stranger = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    expect((await find(server, { preferredIssuer: stranger.origin })).server.issuer).toBe(first.origin)
    expect(stranger.received).toEqual([])
  })

  it('are not tried without end', async () => {
    const nothing = await serve((_request, response) => response.writeHead(404).end())
    const server = await resourceOf(...Array.from({ length: 40 }, (_, index) => `${nothing.origin}/${index}`))
    expect((await thrownBy(() => find(server))).code).toBe('discovery.no_authorization_server')
    expect(nothing.received.length).toBe(15)
  })
})

describe('a challenge that names the authorization server’s metadata (older guides)', () => {
  it('is followed, without a resource', async () => {
    const auth = await publish((origin) => ({ [SERVER]: metadata(origin) }))
    const server = await serve(documents(() => ({})))
    expect(await find(server, { challenged: `${auth.origin}${SERVER}` })).toEqual({
      issuers: [auth.origin],
      server: metadata(auth.origin),
      via: 'authorization-server-metadata',
    })
    expect(server.received).toEqual([])
  })

  it('is not believed where the document is not published for the issuer it names', async () => {
    const auth = await publish(() => ({
      [SERVER]: metadata('https://honest.example'),
      '/x': metadata('https://honest.example'),
    }))
    const server = await serve(documents(() => ({})))
    for (const path of [SERVER, '/x']) {
      const error = await thrownBy(() => find(server, { challenged: `${auth.origin}${path}` }))
      expect(error.code).toBe('discovery.issuer_mismatch')
    }
  })
})

describe('a server without metadata of a resource (MCP 2025-03-26)', () => {
  it.each([SERVER, OPENID])('has its authorization server at its origin, described at %s', async (place) => {
    const server = await publish((origin) => ({ [place]: metadata(origin) }))
    expect(await find(server)).toEqual({
      issuers: [server.origin],
      server: metadata(server.origin),
      via: 'authorization-server-metadata',
    })
  })

  it('may spell the origin with its slash, since nobody named it otherwise', async () => {
    const server = await publish((origin) => ({ [SERVER]: metadata(`${origin}/`) }))
    expect((await find(server)).server.issuer).toBe(`${server.origin}/`)
    const other = await publish(() => ({ [SERVER]: metadata('https://other.example') }))
    expect((await thrownBy(() => find(other))).code).toBe('discovery.issuer_mismatch')
  })

  it('has the default endpoints where it publishes nothing at all', async () => {
    const server = await serve((_request, response) => response.writeHead(404).end())
    expect(await find(server, { path: '/v1/mcp' })).toEqual({
      issuers: [server.origin],
      server: metadata(server.origin, { registration_endpoint: `${server.origin}/register` }),
      via: 'endpoint-fallback',
    })
  })

  it.each([
    ['its challenge names metadata', 404, '/gone', 'discovery.metadata_invalid'],
    ['its answer is not that there is none', 401, undefined, 'discovery.no_authorization_server'],
    ['it cannot answer', 503, undefined, 'server.failed'],
  ])('is not guessed at where %s', async (_name, status, challenged, code) => {
    const server = await serve((_request, response) => response.writeHead(status).end())
    const error = await thrownBy(() => find(server, challenged === undefined ? {} : { challenged }))
    expect(error.code).toBe(code)
  })

  it('is not assumed of one that could not be asked', async () => {
    const server = await serve(({ path }, response) => {
      if (path.startsWith(ROOT)) response.destroy()
      else json(response, metadata(server.origin))
    })
    expect((await thrownBy(() => find(server))).code).toBe('network.unreachable')
  })
})
