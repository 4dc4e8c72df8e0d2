import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ownRequestHeaders, requestHeaders, responseHeaders } from '../../../bridge/gateway/headers.ts'
import { token } from './support.ts'

const up = (...fields: string[]): string[] => requestHeaders(fields, token(1), 'mcp.example', undefined)
const own = ['Host', 'mcp.example', 'authorization', 'Bearer token-1']

describe('headers on their way to the server', () => {
  it.each([
    ['Accept', 'application/json, text/event-stream'],
    ['Accept-Encoding', 'gzip, br'],
    ['Content-Encoding', 'gzip'],
    ['Content-Type', 'application/json'],
    ['Last-Event-ID', 'stream-1/42'],
    ['MCP-Protocol-Version', '2026-07-28'],
    ['Mcp-Method', 'tools/call'],
    ['Mcp-Name', '=?base64?w6k=?='],
    ['Mcp-Param-Region', 'us-west1'],
    ['mcp-session-id', '1868a90c'],
    ['User-Agent', 'client/1.0'],
    ['traceparent', '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'],
    ['X-Of-The-Client', 'caf\u00e9 \t tab'],
    ['X-Empty', ''],
  ])('%s goes up as it is', (name, value) => {
    expect(up(name, value)).toEqual([name, value, ...own])
  })

  it.each([
    ['Authorization', 'Bearer of-the-client'],
    ['AUTHORIZATION', 'Basic dXNlcjpwYXNz'],
    ['Cookie', 'session=1'],
    ['DPoP', 'proof'],
    ['Origin', 'http://localhost:47330'],
    ['Referer', 'http://localhost:47330/'],
    ['Host', '127.0.0.1:47330'],
    ['Forwarded', 'for=127.0.0.1'],
    ['X-Forwarded-For', '127.0.0.1'],
    ['X-Forwarded-Host', 'localhost'],
    ['x-real-ip', '127.0.0.1'],
    ['Via', '1.1 local'],
    ['Sec-Fetch-Mode', 'cors'],
    ['Sec-CH-UA', '"Chromium"'],
    ['Proxy-Authorization', 'Basic dXNlcjpwYXNz'],
    ['Proxy-Connection', 'keep-alive'],
    ['Access-Control-Request-Method', 'POST'],
    ['Connection', 'keep-alive'],
    ['Keep-Alive', 'timeout=5'],
    ['TE', 'trailers'],
    ['Trailer', 'X-Sum'],
    ['Transfer-Encoding', 'chunked'],
    ['Upgrade', 'h2c'],
    ['HTTP2-Settings', 'AAMAAABkAAQAoAAAAAIAAAAA'],
    ['Expect', '100-continue'],
    ['Content-Length', '12'],
  ])('%s never goes up', (name, value) => {
    expect(up(name, value)).toEqual(own)
  })

  it('what Connection names is dropped with it (RFC 9110 §7.6.1)', () => {
    const fields = ['X-Hop', '1', 'Connection', 'close, X-Hop ,x-other', 'x-kept', '2', 'X-OTHER', '3']
    expect(up(...fields)).toEqual(['x-kept', '2', ...own])
  })

  it('Connection cannot name our own fields away', () => {
    expect(up('Connection', 'authorization, host, content-length')).toEqual(own)
  })

  it('repeated fields stay repeated and in order', () => {
    expect(up('Accept', 'a', 'X-A', '1', 'Accept', 'b')).toEqual([
      'Accept',
      'a',
      'X-A',
      '1',
      'Accept',
      'b',
      ...own,
    ])
  })

  it('the user’s own headers take the place of the client’s, in any spelling', () => {
    const credentials = { headers: { 'X-Api-Key': 'of-the-user', 'X-Two': ['a', 'b'] }, generation: 0 }
    const fields = requestHeaders(['x-api-key', 'of-the-client', 'X-TWO', 'c'], credentials, 'mcp.example', 3)
    expect(fields).toEqual([
      'Host',
      'mcp.example',
      'X-Api-Key',
      'of-the-user',
      'X-Two',
      'a',
      'X-Two',
      'b',
      'Content-Length',
      '3',
    ])
  })

  it('a client’s token goes nowhere even where the connection has none', () => {
    expect(requestHeaders(['authorization', 'Bearer x'], { headers: {}, generation: 0 }, 'h', 0)).toEqual([
      'Host',
      'h',
      'Content-Length',
      '0',
    ])
  })
})

describe('headers on their way to the client', () => {
  it.each([
    ['Content-Type', 'text/event-stream'],
    ['Content-Encoding', 'br'],
    ['Content-Length', '12'],
    ['Cache-Control', 'no-cache'],
    ['Date', 'Tue, 15 Nov 1994 08:12:31 GMT'],
    ['ETag', '"1"'],
    ['Mcp-Session-Id', '1868a90c'],
    ['MCP-Protocol-Version', '2025-11-25'],
    ['Retry-After', '7'],
    ['X-Accel-Buffering', 'no'],
    ['X-RateLimit-Remaining', '3'],
  ])('%s comes down as it is', (name, value) => {
    expect(responseHeaders([name, value])).toEqual([name, value])
  })

  it.each([
    'Access-Control-Allow-Credentials',
    'Access-Control-Allow-Origin',
    'Alt-Svc',
    'Clear-Site-Data',
    'Connection',
    'Keep-Alive',
    'NEL',
    'Proxy-Authenticate',
    'Refresh',
    'Report-To',
    'Server',
    'Service-Worker-Allowed',
    'Set-Cookie',
    'STRICT-TRANSPORT-SECURITY',
    'Trailer',
    'Transfer-Encoding',
    'Upgrade',
    'Via',
    'WWW-Authenticate',
    'X-Powered-By',
  ])('%s never comes down', (name) => {
    expect(responseHeaders([name, 'x', 'X-Kept', '1'])).toEqual(['X-Kept', '1'])
  })

  it('what Connection names is dropped with it', () => {
    expect(responseHeaders(['Connection', 'X-Hop', 'X-Hop', '1', 'X-Kept', '2'])).toEqual(['X-Kept', '2'])
  })
})

describe('any headers', () => {
  const names = fc.stringMatching(/^[A-Za-z][A-Za-z0-9-]{0,20}$/)
  const fields = fc.array(fc.tuple(names, fc.string()), { maxLength: 20 }).map((pairs) => pairs.flat())

  it('stay pairs, and the credentials come exactly once', () => {
    fc.assert(
      fc.property(fields, (local) => {
        const sent = up(...local)
        expect(sent.length % 2).toBe(0)
        const sentNames = sent.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
        expect(sentNames.filter((name) => name === 'authorization')).toHaveLength(1)
        expect(sentNames.filter((name) => name === 'host')).toHaveLength(1)
      }),
    )
  })
})

describe('headers of requests that the bridge makes itself', () => {
  const common = ['Content-Type', 'application/json', 'User-Agent', 'bridgekeeper']

  it('are all sent, with the credentials and the length', () => {
    expect(ownRequestHeaders(common, ['Mcp-Method', 'ping'], token(1), 'mcp.example', 3)).toEqual([
      ...common,
      'Mcp-Method',
      'ping',
      ...own,
      'Content-Length',
      '3',
    ])
  })

  it('make way for credentials that have the name of one of them', () => {
    const credentials = { headers: { 'user-agent': 'the-key' }, generation: 0 }
    expect(ownRequestHeaders(common, [], credentials, 'mcp.example', undefined)).toEqual([
      'Content-Type',
      'application/json',
      'Host',
      'mcp.example',
      'user-agent',
      'the-key',
    ])
  })
})
