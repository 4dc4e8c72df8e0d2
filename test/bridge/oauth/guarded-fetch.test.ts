import * as openid from 'openid-client'
import { describe, expect, it } from 'vitest'
import { createGuardedFetch, type Exchange } from '../../../bridge/oauth/guarded-fetch.ts'
import { fetchFor } from './guard.ts'
import { codeOf, json, says, selfSigned, serve, thrownBy } from './loopback.ts'

describe('an exchange', () => {
  it('brings status, headers and body', async () => {
    const server = await serve((_request, response) => {
      response
        .writeHead(
          401,
          [
            ['www-authenticate', 'Basic'],
            ['www-authenticate', 'Bearer'],
            ['set-cookie', 'session=1'],
          ].flat(),
        )
        .end('no')
    })
    const response = await fetchFor(server.origin)(server.url())
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Basic, Bearer')
    expect(await response.text()).toBe('no')
    expect(response.headers.has('set-cookie')).toBe(false)
  })

  it('sends method, headers and body, and no headers that are the connection’s own or a cookie', async () => {
    const server = await serve(says('ok'))
    await fetchFor(server.origin)(server.url(), {
      method: 'post',
      headers: { 'X-Thing': 'a', Host: 'evil.example', Cookie: 'a=b', 'Content-Length': '1' },
      body: new URLSearchParams({ grant_type: 'x', scope: 'a b' }),
    })
    const [request] = server.received
    expect(request).toMatchObject({ method: 'POST', body: 'grant_type=x&scope=a+b' })
    expect(request?.headers).toMatchObject({
      'x-thing': 'a',
      host: new URL(server.origin).host,
      'content-type': 'application/x-www-form-urlencoded;charset=UTF-8',
      'content-length': '22',
      'accept-encoding': 'identity',
    })
    expect(request?.headers).not.toHaveProperty('cookie')
  })

  it.each([204, 205, 304])('brings the bodiless status %d', async (status) => {
    const server = await serve(says('', status))
    expect((await fetchFor(server.origin)(server.url())).status).toBe(status)
  })

  it('serves openid-client', async () => {
    const server = await serve((_request, response) => {
      json(response, { access_token: 'a', token_type: 'bearer', expires_in: 60 })
    })
    const fetch = fetchFor(server.origin)
    const metadata = { issuer: server.origin, token_endpoint: `${server.origin}/token` }
    const config = new openid.Configuration(metadata, 'client', {}, openid.ClientSecretBasic('s'))
    config[openid.customFetch] = (url, { method, headers, body, signal }) => {
      const request = { method, headers, body: body as URLSearchParams, signal, redirect: 'manual' as const }
      return fetch(url, request)
    }
    openid.allowInsecureRequests(config)
    const tokens = await openid.refreshTokenGrant(config, 'old', { resource: 'https://r/' })
    expect(tokens.access_token).toBe('a')
    expect(server.received[0]?.body).toContain('refresh_token=old')
  })

  it('is reported with what was sent and what came back', async () => {
    const server = await serve(({ path }, response) => {
      if (path === '/a') response.writeHead(302, { location: '/b' }).end('moved')
      else json(response, { x: 1 })
    })
    const exchanges: Exchange[] = []
    const fetch = createGuardedFetch({
      server: server.url(),
      onExchange: (exchange) => exchanges.push(exchange),
    })
    await fetch(server.url('/a'), { purpose: 'Asked for a' })
    await thrownBy(() => fetch(new URL('/c', server.origin), { method: 'PUT', body: 'b', maxBytes: 1 }))
    expect(
      exchanges.map(({ method, url, status, responseBody }) => [method, url.pathname, status, responseBody]),
    ).toEqual([
      ['GET', '/a', 302, 'moved'],
      ['GET', '/b', 200, '{"x":1}'],
      ['PUT', '/c', undefined, undefined],
    ])
    expect(exchanges[0]?.purpose).toBe('Asked for a')
    expect(exchanges[2]).toMatchObject({ requestBody: 'b', failure: { code: 'network.too_large' } })
  })
})

describe('redirects', () => {
  it('are followed for GET, up to five', async () => {
    const server = await serve(({ path }, response) => {
      const left = Number(path.slice(1))
      if (left === 0) response.end('there')
      else response.writeHead(307, { location: `/${left - 1}` }).end()
    })
    const fetch = fetchFor(server.origin)
    expect(await (await fetch(server.url('/5'))).text()).toBe('there')
    expect(await codeOf(() => fetch(server.url('/6')))).toBe('network.redirect_refused')
  })

  it('end when they go round', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/mcp' }).end())
    expect(await codeOf(() => fetchFor(server.origin)(server.url()))).toBe('network.redirect_refused')
    expect(server.received).toHaveLength(6)
  })

  it.each([
    ['http://10.0.0.1/', 'network.plain_http'],
    ['http://mcp.example.com/', 'network.plain_http'],
    ['file:///etc/passwd', 'network.redirect_refused'],
    ['javascript:alert(1)', 'network.redirect_refused'],
    ['https://user:secret@127.0.0.1/', 'network.redirect_refused'],
    ['http://[', 'network.redirect_refused'],
  ])('to %s are refused: %s', async (location, code) => {
    const server = await serve((_request, response) => response.writeHead(302, { location }).end())
    const error = await thrownBy(() => fetchFor(server.origin)(server.url()))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('secret')
  })

  it('are checked like any address, by what is known of the server by then', async () => {
    const certificate = selfSigned()
    const rebound = new AbortController()
    let answer = '127.0.0.1'
    const server = await serve((_request, response) => {
      answer = '8.8.8.8'
      // The name shows its other face; nothing may leave this machine in a test.
      void fetch('https://mcp.example.com/', { signal: rebound.signal }).catch(() => {
        response.writeHead(302, { location: `${server.origin}/inside` }).end()
      })
    }, certificate)
    const fetch = createGuardedFetch({
      server: new URL('https://mcp.example.com'),
      extraCa: certificate.cert,
      resolve: async () => {
        if (answer !== '127.0.0.1') rebound.abort()
        return [answer]
      },
    })
    const { port } = new URL(server.origin)
    expect(await codeOf(() => fetch(`https://mcp.example.com:${port}/`))).toBe('network.private_address')
    expect(server.asked()).toEqual(['GET /'])
  })

  it('of a POST are never followed', async () => {
    const server = await serve((_request, response) =>
      response.writeHead(308, { location: '/other?key=secret' }).end(),
    )
    const error = await thrownBy(() => fetchFor(server.origin)(server.url(), { method: 'POST', body: 'x' }))
    expect(error.code).toBe('network.redirect_refused')
    expect(error.detail).toContain('/other')
    expect(error.detail).not.toContain('secret')
    expect(server.received).toHaveLength(1)
  })

  it('to another origin take no credentials along', async () => {
    const second = await serve(says('there'))
    const first = await serve((_request, response) =>
      response.writeHead(302, { location: second.url().href }).end(),
    )
    await fetchFor(first.origin)(first.url(), {
      headers: { authorization: 'Bearer secret', 'x-api-key': 'secret', accept: 'application/json' },
    })
    expect(first.received[0]?.headers.authorization).toBe('Bearer secret')
    expect(second.received[0]?.headers).toMatchObject({ accept: 'application/json' })
    expect(JSON.stringify(second.received[0]?.headers)).not.toContain('secret')
  })

  it('within an origin keep them', async () => {
    const server = await serve(({ path }, response) => {
      if (path === '/mcp') response.writeHead(302, { location: '/next' }).end()
      else response.end()
    })
    await fetchFor(server.origin)(server.url(), { headers: { authorization: 'Bearer mine' } })
    expect(server.received[1]?.headers.authorization).toBe('Bearer mine')
  })

  it('to another origin are refused where only the same is wanted', async () => {
    const second = await serve(says('there'))
    const first = await serve((_request, response) =>
      response.writeHead(302, { location: second.url().href }).end(),
    )
    const act = (): Promise<unknown> => fetchFor(first.origin)(first.url(), { redirect: 'same-origin' })
    expect(await codeOf(act)).toBe('network.redirect_refused')
    expect(second.received).toEqual([])
  })

  it('are handed over where they are wanted', async () => {
    const server = await serve((_request, response) => response.writeHead(302, { location: '/x' }).end())
    const response = await fetchFor(server.origin)(server.url(), { method: 'POST', redirect: 'manual' })
    expect([response.status, response.headers.get('location')]).toEqual([302, '/x'])
  })
})
