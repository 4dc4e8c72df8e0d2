import { describe, expect, it } from 'vitest'
import {
  isPassable,
  isPlainEventStream,
  pageFailure,
  redirectFailure,
  redirects,
  redirectTarget,
  refusesToken,
} from '../../../bridge/gateway/answer-rules.ts'

const url = new URL('https://mcp.example/a/mcp?x=1')

describe('a refused token (RFC 6750 §3.1)', () => {
  it('is any 401', () => {
    expect(refusesToken({ status: 401, headers: {} })).toBe(true)
  })

  it.each([400, 403])('is a %i that says so', (status) => {
    const headers = { 'www-authenticate': 'Bearer realm="x", error="invalid_token"' }
    expect(refusesToken({ status, headers })).toBe(true)
  })

  it.each([
    [400, {}],
    [403, {}],
    [403, { 'www-authenticate': 'Bearer error="insufficient_scope", scope="a"' }],
    [404, { 'www-authenticate': 'Bearer error="invalid_token"' }],
    [500, { 'www-authenticate': 'Bearer error="invalid_token"' }],
  ])('is not a %i with %j', (status, headers) => {
    expect(refusesToken({ status, headers })).toBe(false)
  })
})

describe('a redirect (RFC 9110 §15.4)', () => {
  it.each([300, 301, 302, 303, 305, 307, 308])('is a %i', (status) => {
    expect(redirects({ status, headers: {} })).toBe(true)
  })

  it.each([200, 304, 400])('is not a %i', (status) => {
    expect(redirects({ status, headers: {} })).toBe(false)
  })

  it.each([
    ['/b', 'https://mcp.example/b'],
    ['b?y=2', 'https://mcp.example/a/b?y=2'],
    ['https://mcp.example:443/b', 'https://mcp.example/b'],
  ])('is followed to %s on the same origin', (location, target) => {
    expect(redirectTarget({ status: 307, headers: { location } }, url)?.href).toBe(target)
    expect(redirectTarget({ status: 308, headers: { location } }, url)?.href).toBe(target)
  })

  it.each([
    'https://evil.example/mcp',
    'https://mcp.example.evil.example/',
    'http://mcp.example/a/mcp',
    'https://mcp.example:8443/',
    '//evil.example/',
    'https:\\\\evil.example',
    'javascript:alert(1)',
    'https://',
  ])('is not followed to %s', (location) => {
    expect(redirectTarget({ status: 307, headers: { location } }, url)).toBeUndefined()
  })

  it('that may change method and body is not followed', () => {
    for (const status of [300, 301, 302, 303]) {
      expect(redirectTarget({ status, headers: { location: '/b' } }, url)).toBeUndefined()
    }
  })

  it('without a place is not followed', () => {
    expect(redirectTarget({ status: 307, headers: {} }, url)).toBeUndefined()
  })

  it('is told without what the address may hold', () => {
    const location = 'https://user:secret@login.example/authorize?code=secret'
    expect(redirectFailure({ status: 302, headers: { location } }, url)).toEqual({
      code: 'network.redirect_refused',
      detail: '302 to https://login.example',
    })
    expect(redirectFailure({ status: 302, headers: {} }, url).detail).toBe('302')
  })
})

describe('a page instead of an answer', () => {
  it.each([
    [200, 'text/html', 'server.not_mcp', 502],
    [200, 'TEXT/HTML; charset=utf-8', 'server.not_mcp', 502],
    [403, 'text/html', 'server.forbidden', 403],
    [404, 'text/html', 'server.not_mcp', 404],
    [405, 'application/xhtml+xml', 'server.not_mcp', 405],
    [429, 'text/html', 'server.failed', 429],
    [502, ' text/html', 'server.failed', 502],
  ])('with %i %s is %s', (status, type, code, ours) => {
    const page = pageFailure({ status, headers: { 'content-type': type } })
    expect(page).toMatchObject({ failure: { code }, status: ours })
  })

  it.each(['application/json', 'text/event-stream', 'text/plain', 'text/htmlx', ''])('is not %j', (type) => {
    expect(pageFailure({ status: 200, headers: { 'content-type': type } })).toBeUndefined()
  })

  it('is not what has no type', () => {
    expect(pageFailure({ status: 202, headers: {} })).toBeUndefined()
  })
})

describe('what can be passed on', () => {
  it('has a final status and no coding but the one that is taken off', () => {
    expect(isPassable({ status: 200, headers: {} })).toBe(true)
    expect(isPassable({ status: 200, headers: { 'transfer-encoding': 'Chunked' } })).toBe(true)
    expect(isPassable({ status: 200, headers: { 'transfer-encoding': 'gzip, chunked' } })).toBe(false)
    expect(isPassable({ status: 99, headers: {} })).toBe(false)
  })

  it('is a plain event stream only where its bytes are not compressed', () => {
    const stream = { 'content-type': 'text/event-stream; charset=utf-8' }
    expect(isPlainEventStream({ status: 200, headers: stream })).toBe(true)
    expect(isPlainEventStream({ status: 200, headers: { ...stream, 'content-encoding': 'gzip' } })).toBe(
      false,
    )
    expect(isPlainEventStream({ status: 200, headers: { 'content-type': 'application/json' } })).toBe(false)
  })
})
