import { describe, expect, it } from 'vitest'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { probe, type ProbeResult } from '../../../bridge/oauth/probe.ts'
import { json, serve, thrownBy, type Handler, type Loopback, type Received } from './loopback.ts'

const look = (server: Loopback, path?: string): Promise<ProbeResult> =>
  probe(server.url(path), createGuardedFetch({ server: server.url(path) }))

interface Rpc {
  readonly jsonrpc: string
  readonly id: string
  readonly method: string
  readonly params: Record<string, unknown>
}

const rpcOf = (request: Received): Rpc => JSON.parse(request.body) as Rpc

/** The MCP methods asked for so far; other requests by their HTTP method. */
const methods = (server: Loopback): string[] =>
  server.received.map((request) => (request.method === 'POST' ? rpcOf(request).method : request.method))

const text =
  (status: number, body = 'no', type = 'text/plain'): Handler =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': type }).end(body)

const rpcError = (code: number, data?: unknown): unknown => ({
  jsonrpc: '2.0',
  id: null,
  error: { code, message: 'm', data },
})

/** A server of the older era: only `initialize` is taken before a session. */
const sessionServer =
  (answer: Handler): Handler =>
  (request, response) => {
    if (request.method === 'DELETE') response.writeHead(200).end()
    else if (rpcOf(request).method === 'initialize') answer(request, response)
    else json(response, rpcError(-32_000), 400)
  }

const initialized = {
  jsonrpc: '2.0',
  id: 'initialize',
  result: { protocolVersion: '2025-06-18', capabilities: {} },
}

describe('a look at a guarded server', () => {
  it('takes one well-formed server/discover (MCP 2026-07-28)', async () => {
    const server = await serve((_request, response) => {
      json(response, { error: 'invalid_token' }, 401, {
        'www-authenticate': 'Bearer scope="a b", resource_metadata="https://x/"',
      })
    })
    expect(await look(server)).toEqual({
      asks: 'oauth',
      era: undefined,
      challenge: { scope: ['a', 'b'], resourceMetadata: 'https://x/' },
    })
    expect(server.received).toHaveLength(1)
    const [request] = server.received
    expect(request?.headers).toMatchObject({
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': '2026-07-28',
      'mcp-method': 'server/discover',
    })
    expect(request && rpcOf(request)).toMatchObject({
      jsonrpc: '2.0',
      method: 'server/discover',
      params: {
        _meta: {
          'io.modelcontextprotocol/protocolVersion': '2026-07-28',
          'io.modelcontextprotocol/clientInfo': {
            name: 'bridgekeeper',
            version: expect.any(String) as string,
          },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    })
    expect(request?.headers).not.toHaveProperty('authorization')
  })

  it('does not need a challenge', async () => {
    const server = await serve(text(401))
    expect(await look(server)).toEqual({ asks: 'oauth', era: undefined })
  })

  it.each([400, 403])('knows a %d with a challenge for what it means', async (status) => {
    const server = await serve((_request, response) => {
      json(response, {}, status, { 'www-authenticate': 'Bearer error="invalid_request"' })
    })
    expect(await look(server)).toMatchObject({ asks: 'oauth', challenge: { error: 'invalid_request' } })
  })

  it('goes on to initialize where nothing else is allowed before a session', async () => {
    const server = await serve(sessionServer(text(401)))
    expect(await look(server)).toEqual({ asks: 'oauth', era: undefined })
    expect(methods(server)).toEqual(['server/discover', 'initialize'])
    expect(server.received[1]?.headers).not.toHaveProperty('mcp-protocol-version')
  })

  it('goes on to a GET where nothing takes a POST (HTTP+SSE)', async () => {
    const server = await serve(({ method }, response) => {
      if (method === 'GET') json(response, {}, 401, { 'www-authenticate': 'Bearer scope="s"' })
      else response.writeHead(404).end()
    })
    expect(await look(server, '/sse')).toEqual({ asks: 'oauth', era: 'sse', challenge: { scope: ['s'] } })
    expect(methods(server)).toEqual(['server/discover', 'initialize', 'GET'])
  })
})

describe('a look at an open server', () => {
  const discovered = {
    jsonrpc: '2.0',
    id: 'discover',
    result: { supportedVersions: ['2026-07-28'], capabilities: {} },
  }

  it.each([
    ['JSON', (event: string) => ['application/json', event]],
    [
      'an event stream that stays open',
      (event: string) => ['text/event-stream', `id: 1\ndata:\n\n: x\n\ndata: ${event}\n\n`],
    ],
  ])('reads server/discover answered as %s', async (_name, write) => {
    const [type = '', body = ''] = write(JSON.stringify(discovered))
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': type, 'mcp-session-id': 'ignored' }).write(body)
      if (type === 'application/json') response.end()
    })
    expect(await look(server)).toEqual({ asks: 'none', era: 'modern', supportedVersions: ['2026-07-28'] })
    expect(methods(server)).toEqual(['server/discover'])
  })

  it('believes an empty result of a server that answers every method', async () => {
    const server = await serve((request, response) => {
      json(response, { jsonrpc: '2.0', id: rpcOf(request).id, result: {} })
    })
    expect(await look(server)).toEqual({ asks: 'none', era: undefined })
    expect(server.received).toHaveLength(1)
  })

  it.each([
    [400, rpcError(-32_022, { supported: ['2026-07-28'] }), { supportedVersions: ['2026-07-28'] }],
    [400, rpcError(-32_020), {}],
    [400, rpcError(-32_021), {}],
    [404, rpcError(-32_601), {}],
  ])('sends no initialize to a modern server that refuses with %d %j', async (status, body, more) => {
    const server = await serve((_request, response) => {
      json(response, body, status)
    })
    expect(await look(server)).toEqual({ asks: 'none', era: 'modern', ...more })
    expect(server.received).toHaveLength(1)
  })

  it('asks a server that supports only older versions the older way', async () => {
    const server = await serve((request, response) => {
      if (request.method === 'POST' && rpcOf(request).method === 'initialize') json(response, initialized)
      else json(response, rpcError(-32_022, { supported: ['2025-11-25'] }), 400)
    })
    expect(await look(server)).toEqual({ asks: 'none', era: 'session' })
  })

  it('takes a method-not-found with status 200 for an older server without sessions', async () => {
    const server = await serve((_request, response) => {
      json(response, rpcError(-32_601))
    })
    expect(await look(server)).toEqual({ asks: 'none', era: 'session' })
    expect(server.received).toHaveLength(1)
  })

  it.each(['application/json', 'text/event-stream'])(
    'ends the session that initialize began, answered as %s',
    async (type) => {
      const server = await serve(
        sessionServer((_request, response) => {
          const whole = JSON.stringify(initialized)
          response.writeHead(200, { 'content-type': type, 'mcp-session-id': 's1' })
          if (type === 'application/json') response.end(whole)
          else response.write(`event: message\ndata: ${whole}\n\n`)
        }),
      )
      expect(await look(server)).toEqual({ asks: 'none', era: 'session' })
      expect(methods(server)).toEqual(['server/discover', 'initialize', 'DELETE'])
      expect(server.received[2]?.headers).toMatchObject({
        'mcp-session-id': 's1',
        'mcp-protocol-version': '2025-06-18',
      })
    },
  )

  it('does not mind a server that knows no DELETE', async () => {
    const server = await serve((request, response) => {
      if (request.method === 'DELETE') response.destroy()
      else if (rpcOf(request).method === 'initialize')
        json(response, initialized, 200, { 'mcp-session-id': 's1' })
      else json(response, rpcError(-32_603), 500)
    })
    expect(await look(server)).toEqual({ asks: 'none', era: 'session' })
  })

  it('finds HTTP+SSE by the endpoint event of a GET', async () => {
    const server = await serve(({ method }, response) => {
      if (method === 'POST') response.writeHead(405).end()
      else
        response
          .writeHead(200, { 'content-type': 'text/event-stream' })
          .write(': hi\n\nevent: endpoint\ndata: /messages\n\n')
    })
    expect(await look(server, '/sse')).toEqual({ asks: 'none', era: 'sse' })
    expect(server.received[2]?.headers.accept).toBe('text/event-stream')
  })
})

describe('what is no MCP server', () => {
  it.each([
    ['a web page', text(200, '<html></html>', 'text/html'), ['server/discover']],
    ['another API', text(200, '{"hello":"world"}', 'application/json'), ['server/discover']],
    [
      'a page that is not there',
      text(404, '<h1>404</h1>', 'text/html'),
      ['server/discover', 'initialize', 'GET'],
    ],
    ['a refusal nobody knows', text(418), ['server/discover', 'initialize']],
  ] as const)('is %s', async (_name, handler, asked) => {
    const server = await serve(handler)
    expect((await thrownBy(() => look(server))).code).toBe('server.not_mcp')
    expect(methods(server)).toEqual(asked)
  })

  it.each([
    ['a page', 'text/html', '<html></html>'],
    ['a stream of other things', 'text/event-stream', 'data: news\n\n'],
  ])('is one whose GET gives %s', async (_name, type, body) => {
    const server = await serve(({ method }, response) => {
      if (method === 'POST') response.writeHead(405).end()
      else response.writeHead(200, { 'content-type': type }).end(body)
    })
    const error = await thrownBy(() => look(server))
    expect([error.code, error.detail]).toEqual(['server.not_mcp', `it answered with status 200, ${type}`])
  })
})

describe('a server that cannot answer', () => {
  it.each([
    [500, 'server.failed'],
    [503, 'server.failed'],
    [429, 'server.failed'],
    [403, 'server.forbidden'],
  ])('with status %d ends the look with %s', async (status, code) => {
    const server = await serve(text(status))
    expect((await thrownBy(() => look(server))).code).toBe(code)
    expect(server.received).toHaveLength(1)
  })

  it('at initialize ends it too', async () => {
    const server = await serve(sessionServer((_request, response) => json(response, rpcError(-32_603), 500)))
    expect((await thrownBy(() => look(server))).code).toBe('server.failed')
  })
})

describe('a redirected POST', () => {
  it.each([307, 308])('is sent again within the origin, once (%d)', async (status) => {
    const server = await serve(({ path }, response) => {
      if (path === '/mcp/') json(response, {}, 401, { 'www-authenticate': 'Bearer' })
      else response.writeHead(status, { location: '/mcp/' }).end()
    })
    expect(await look(server)).toMatchObject({ asks: 'oauth' })
    expect(server.asked()).toEqual(['POST /mcp', 'POST /mcp/'])
  })

  it('is not sent round in circles', async () => {
    const server = await serve((_request, response) => response.writeHead(307, { location: '/mcp' }).end())
    expect((await thrownBy(() => look(server))).code).toBe('network.redirect_refused')
    expect(server.received).toHaveLength(2)
  })

  it.each([302, 307])('is never sent to another origin, nor as a GET (%d)', async (status) => {
    const other = await serve(text(200))
    const location = status === 302 ? '/login' : other.url('/x?key=secret').href
    const server = await serve((_request, response) => response.writeHead(status, { location }).end())
    const error = await thrownBy(() => look(server))
    expect(error.code).toBe('network.redirect_refused')
    expect(error.detail).toBe(`to ${status === 302 ? `${server.origin}/login` : `${other.origin}/x`}`)
    expect(other.received).toEqual([])
  })
})
