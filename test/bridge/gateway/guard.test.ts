import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hostRefusal, localHosts, refusal, type Head } from '../../../bridge/gateway/guard.ts'

const port = 47_330

function head(...rawHeaders: string[]): Head {
  const headers: Record<string, string> = {}
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] as string).toLowerCase()
    // As Node does: the first Host counts, other fields are joined.
    if (name === 'host') headers[name] ??= rawHeaders[i + 1] as string
    else
      headers[name] =
        name in headers ? `${headers[name]}, ${rawHeaders[i + 1]}` : (rawHeaders[i + 1] as string)
  }
  return { headers, rawHeaders }
}

const code = (given: Head, on = port): string | undefined => refusal(given, on)?.code

describe('the Host rule (DNS rebinding)', () => {
  it.each(localHosts)('admits %s with the port', (host) => {
    expect(code(head('Host', `${host}:${port}`))).toBeUndefined()
  })

  it.each([
    ['the name that was rebound', 'rebound.example:47330'],
    ['the name that was rebound, with our port only', 'rebound.example'],
    ['no port', '127.0.0.1'],
    ['another port', '127.0.0.1:47331'],
    ['a longer port', '127.0.0.1:473300'],
    ['two ports', '127.0.0.1:47330:47330'],
    ['another spelling of the port', '127.0.0.1:047330'],
    ['our name as a subdomain', 'localhost.evil.example:47330'],
    ['our name with something before it', 'evil-localhost:47330'],
    ['a dot at the end', 'localhost.:47330'],
    ['another spelling of the address', '127.1:47330'],
    ['another loopback address', '127.0.0.2:47330'],
    ['any address', '0.0.0.0:47330'],
    ['an IPv6 address without brackets', '::1:47330'],
    ['a mapped IPv6 address', '[::ffff:127.0.0.1]:47330'],
    ['a user name', 'user@127.0.0.1:47330'],
    ['white space', ' 127.0.0.1:47330'],
    ['another case', 'LOCALHOST:47330'],
    ['nothing', ''],
  ])('refuses %s', (_, host) => {
    expect(code(head('Host', host))).toBe('gateway.host_refused')
  })

  it('refuses a request without a Host', () => {
    expect(code(head('Accept', '*/*'))).toBe('gateway.host_refused')
  })

  it('refuses two Host fields, even the same twice', () => {
    expect(code(head('Host', `localhost:${port}`, 'host', 'evil.example'))).toBe('gateway.host_refused')
    expect(code(head('Host', `localhost:${port}`, 'HOST', `localhost:${port}`))).toBe('gateway.host_refused')
  })

  it('admits nothing but the three names, whatever the Host is', () => {
    const ours = localHosts.map((host) => `${host}:${port}`)
    const nearly = fc
      .constantFrom(...ours)
      .chain((host) =>
        fc
          .tuple(fc.nat(host.length), fc.nat(2), fc.string({ maxLength: 3 }))
          .map(([at, cut, put]) => host.slice(0, at) + put + host.slice(at + cut)),
      )
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.domain(), fc.ipV4(), fc.ipV6(), nearly), (host) => {
        expect(code(head('Host', host)) === undefined).toBe(ours.includes(host))
      }),
      { numRuns: 2_000 },
    )
  })

  it('lets the default port be left out where it is ours', () => {
    expect(code(head('Host', 'localhost'), 80)).toBeUndefined()
    expect(code(head('Host', 'localhost:80'), 80)).toBeUndefined()
    expect(code(head('Host', 'evil.example'), 80)).toBe('gateway.host_refused')
  })
})

describe('the Origin rule (web pages)', () => {
  const from = (...fields: string[]): string | undefined => code(head('Host', `127.0.0.1:${port}`, ...fields))

  it('admits a request without an Origin, as MCP clients send it', () => {
    expect(from()).toBeUndefined()
  })

  it.each(localHosts)('admits our own origin on %s', (host) => {
    expect(from('Origin', `http://${host}:${port}`)).toBeUndefined()
  })

  it.each([
    ['a public page', 'https://evil.example'],
    ['a sandboxed frame or a local file', 'null'],
    ['nothing', ''],
    ['another port of this machine', 'http://localhost:3000'],
    ['this machine without a port', 'http://localhost'],
    ['another scheme', `https://localhost:${port}`],
    ['an extension', 'chrome-extension://abcdefghijklmnop'],
    ['our origin with a path', `http://localhost:${port}/`],
    ['our origin in another case', `HTTP://localhost:${port}`],
    ['our origin as a user name', `http://localhost:${port}@evil.example`],
  ])('refuses %s', (_, origin) => {
    expect(from('Origin', origin)).toBe('gateway.origin_refused')
  })

  it('refuses several origins, even if one is ours', () => {
    expect(from('Origin', `http://localhost:${port}`, 'Origin', 'https://evil.example')).toBe(
      'gateway.origin_refused',
    )
  })

  it('admits no other origin, whatever it is', () => {
    const ours = localHosts.map((host) => `http://${host}:${port}`)
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.webUrl(),
          fc.webUrl().map((url) => new URL(url).origin),
        ),
        (origin) => {
          expect(from('Origin', origin) === undefined).toBe(ours.includes(origin))
        },
      ),
    )
  })

  it.each(['cross-site', 'same-site', 'something-new'])(
    'refuses Sec-Fetch-Site: %s without an Origin',
    (site) => {
      expect(from('Sec-Fetch-Site', site)).toBe('gateway.origin_refused')
    },
  )

  it.each(['same-origin', 'none'])('admits Sec-Fetch-Site: %s', (site) => {
    expect(from('Sec-Fetch-Site', site)).toBeUndefined()
  })

  it('comes after the Host rule, so that a rebound page learns nothing of us', () => {
    expect(code(head('Host', 'evil.example', 'Origin', 'https://evil.example'))).toBe('gateway.host_refused')
  })
})

describe('a page that a browser is sent to', () => {
  it('is held to the Host rule alone', () => {
    const redirected = ['Sec-Fetch-Site', 'cross-site', 'Origin', 'null']
    expect(hostRefusal(head('Host', `localhost:${port}`, ...redirected), port)).toBeUndefined()
    expect(hostRefusal(head('Host', 'evil.example'), port)?.code).toBe('gateway.host_refused')
  })
})
