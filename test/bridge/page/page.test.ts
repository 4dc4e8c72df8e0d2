import { request, type IncomingHttpHeaders } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { setScene } from '../../end-to-end/scene.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** One request, with exactly these header fields and the path as it is written. */
function ask(
  origin: string,
  path: string,
  {
    method = 'GET',
    headers = {},
    body,
  }: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const asked = request({ hostname, port, path, method, headers }, (answer) => {
      text(answer).then(
        (said) => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: said }),
        reject,
      )
    })
    asked.once('error', reject).end(body)
  })
}

/** A bridge with a browser that was let in, and the request that lists the connections as its page sends it. */
async function admitted() {
  const { bridge } = await setScene()
  const { url } = await bridge.control.page.invite({}, new AbortController().signal)
  const entry = new URL(url)
  const entered = await ask(bridge.origin, entry.pathname + entry.search)
  const cookie = entered.headers['set-cookie']?.[0] ?? ''
  const secret = entered.headers.location?.split('#')[1] ?? ''
  const headers = {
    host: new URL(bridge.origin).host,
    origin: bridge.origin,
    'sec-fetch-site': 'same-origin',
    'content-type': 'application/json',
    cookie: cookie.split(';')[0] ?? '',
    'x-bridgekeeper-page': secret,
  }
  const list = (changed: Record<string, string | undefined> = {}, method = 'POST'): Promise<Answer> => {
    const sent = Object.entries({ ...headers, ...changed }).filter(
      (pair): pair is [string, string] => pair[1] !== undefined,
    )
    return ask(bridge.origin, '/ui/api/connections/list', {
      method,
      headers: Object.fromEntries(sent),
      ...(method === 'POST' ? { body: '{"json":{}}' } : {}),
    })
  }
  return { bridge, entry, entered, cookie, headers, list }
}

describe('the way into the page', () => {
  it('is a cookie that no script reads and no other site sends, and a secret in the fragment', async () => {
    const { entered, cookie } = await admitted()
    expect(entered.status).toBe(303)
    expect(cookie).toMatch(/^bridgekeeper-page=[\w-]{43}; Path=\/ui\/; HttpOnly; SameSite=Strict$/)
    expect(entered.headers.location).toMatch(/^\/ui\/#[\w-]{43}$/)
    expect(entered.headers['cache-control']).toBe('no-store')
  })

  it('is open once', async () => {
    const { bridge, entry } = await admitted()
    const again = await ask(bridge.origin, entry.pathname + entry.search)
    expect(again.headers['set-cookie']).toBeUndefined()
    expect(again.headers.location).toBe('/ui/#refused')
  })
})

describe('the control API of the page', () => {
  it('answers the page that was let in', async () => {
    const { list } = await admitted()
    const answer = await list()
    expect([answer.status, answer.body]).toEqual([200, '{"json":[]}'])
  })

  it.each<[string, Record<string, string | undefined>, string]>([
    ['without the cookie', { cookie: undefined }, 'page.not_admitted'],
    ['without the secret', { 'x-bridgekeeper-page': undefined }, 'page.not_admitted'],
    ['with a secret that is not its own', { 'x-bridgekeeper-page': 'x'.repeat(43) }, 'page.not_admitted'],
    ['from another origin', { origin: 'https://evil.example' }, 'gateway.origin_refused'],
    ['from another port of this machine', { origin: 'http://127.0.0.1:9' }, 'gateway.origin_refused'],
    ['from a page without an origin', { origin: 'null' }, 'gateway.origin_refused'],
    ['without an origin', { origin: undefined }, 'gateway.origin_refused'],
    ['from another site', { 'sec-fetch-site': 'cross-site' }, 'gateway.origin_refused'],
    [
      'from another port, as the browser tells it',
      { 'sec-fetch-site': 'same-site' },
      'gateway.origin_refused',
    ],
    [
      'under a name that was rebound to this machine',
      { host: 'evil.example', origin: 'http://evil.example' },
      'gateway.host_refused',
    ],
  ])('refuses a request %s', async (_, changed, code) => {
    const { list } = await admitted()
    const { body, headers } = await list(changed)
    expect(body).toContain(code)
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })

  it('answers nothing but POST, so that no link and no image asks it anything', async () => {
    const { list } = await admitted()
    expect((await list({}, 'GET')).body).toContain('gateway.method_refused')
    expect((await list({}, 'OPTIONS')).body).toContain('gateway.method_refused')
  })
})

describe('the files of the page', () => {
  it('carry a policy under which nothing foreign runs and nobody frames them', async () => {
    const { bridge } = await setScene()
    const { status, headers } = await ask(bridge.origin, '/ui/servers/linear')
    expect([status, headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    const policy = headers['content-security-policy'] ?? ''
    expect(policy).toContain("default-src 'none'")
    expect(policy).toContain("frame-ancestors 'none'")
    expect(policy).not.toContain('unsafe')
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
  })

  it.each([
    '/ui/../package.json',
    '/ui/..%2f..%2fpackage.json',
    '/ui/assets/../../bridge.js',
    '/ui/bridge.js',
    '/ui/.env',
    '//ui/index.html',
  ])('are the only files: %s is none', async (path) => {
    const { bridge } = await setScene()
    const { status, body } = await ask(bridge.origin, path)
    expect(status).toBe(404)
    expect(body).toContain('gateway.not_found')
  })
})
