import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { redactBody, redactHeaders, redactUrl } from '../../../bridge/oauth/redact.ts'

const form = 'application/x-www-form-urlencoded;charset=UTF-8'

/** Long enough that no harmless text holds one by chance. */
const secret = fc.stringMatching(/^[A-Za-z0-9._~+/=-]{24,60}$/)

describe('a URL in a trace', () => {
  it('shows what a person can check and hides what signs in', () => {
    const url =
      'https://auth.example.com/authorize?response_type=code&client_id=abc&scope=read+write' +
      '&redirect_uri=http%3A%2F%2F127.0.0.1%3A47330%2Foauth%2Fcallback&state=s3cret&code_challenge=c&code_challenge_method=S256' +
      '&resource=https%3A%2F%2Fmcp.example.com%2Fmcp%3Fapi_key%3Dk3y'
    expect(decodeURIComponent(redactUrl(url))).toBe(
      'https://auth.example.com/authorize?response_type=code&client_id=abc&scope=read write' +
        '&redirect_uri=http://127.0.0.1:47330/oauth/callback&state=[redacted]&code_challenge=[redacted]&code_challenge_method=S256' +
        '&resource=https://mcp.example.com/mcp?[redacted]=[redacted]',
    )
  })

  it('has neither user name, password nor fragment', () => {
    expect(redactUrl('https://user:pass@example.com/x#access_token=t')).toBe(
      'https://example.com/x#[redacted]',
    )
  })

  it.each([
    ['javascript:alert("t0ken")', 'javascript:[redacted]'],
    ['data:text/plain,t0ken', 'data:[redacted]'],
    ['not a url t0ken', '[redacted]'],
  ])('is hidden where it has no parts to tell apart: %s', (url, shown) => {
    expect(redactUrl(url)).toBe(shown)
  })

  it('never shows a value of a name that is not known to be harmless, nor a name that nobody knows', () => {
    fc.assert(
      fc.property(
        secret,
        secret,
        fc.constantFrom('code', 'state', 'token', 'api_key', 'X'),
        (value, name, known) => {
          const url = new URL('https://example.com/cb')
          url.searchParams.append(known, value)
          url.searchParams.append(name, 'x')
          url.hash = new URLSearchParams({ access_token: value }).toString()
          const shown = redactUrl(url)
          for (const planted of [value, name]) {
            expect(shown).not.toContain(planted)
            expect(shown).not.toContain(encodeURIComponent(planted))
          }
        },
      ),
    )
  })
})

describe('a body in a trace', () => {
  it('shows the harmless fields of a form', () => {
    const body =
      'grant_type=refresh_token&refresh_token=t0ken&scope=a+b&resource=https%3A%2F%2Fmcp.example.com&odd=1'
    expect(decodeURIComponent(redactBody(body, form))).toBe(
      'grant_type=refresh_token&refresh_token=[redacted]&scope=a b&resource=https://mcp.example.com&[redacted]=[redacted]',
    )
  })

  it('shows the harmless fields of a token answer', () => {
    const body = JSON.stringify({
      access_token: 't',
      token_type: 'bearer',
      expires_in: 60,
      scope: 'a',
      account: 'me',
    })
    expect(JSON.parse(redactBody(body, 'application/json; charset=utf-8'))).toEqual({
      access_token: '[redacted]',
      token_type: 'bearer',
      expires_in: 60,
      scope: 'a',
      '…': '1 more',
    })
  })

  it('shows a metadata document', () => {
    const document = {
      issuer: 'https://auth.example.com',
      token_endpoint: 'https://auth.example.com/token',
      grant_types_supported: ['authorization_code', 'refresh_token'],
      authorization_response_iss_parameter_supported: true,
    }
    const shown = JSON.parse(redactBody(JSON.stringify(document), 'application/json')) as Record<
      string,
      unknown
    >
    expect(shown).toEqual(document)
  })

  it('shows the code of a JSON-RPC error, and not one that could be an authorization code', () => {
    const show = (value: unknown): unknown =>
      JSON.parse(redactBody(JSON.stringify(value), 'application/json'))
    expect(show({ jsonrpc: '2.0', id: 1, error: { code: -32601, message: 'no' } })).toEqual({
      jsonrpc: '2.0',
      id: 1,
      error: { code: -32601, message: 'no' },
    })
    expect(show({ code: 482913 })).toEqual({ code: '[redacted]' })
  })

  it.each([
    ['<html>t0ken</html>', 'text/html', '[text/html, 18 characters]'],
    ['{"access_token":', 'application/json', '[not the application/json it says, 16 characters]'],
    ['t0ken', undefined, '[unknown type, 5 characters]'],
    ['', 'text/html', ''],
  ])('is only counted where its parts cannot be told apart: %s', (body, type, shown) => {
    expect(redactBody(body, type)).toBe(shown)
  })

  it('is cut where it is long, however it is nested', () => {
    const wide = JSON.stringify({
      scopes_supported: Array.from({ length: 5000 }, (_, index) => `scope${index}`),
    })
    expect(redactBody(wide, 'application/json').length).toBeLessThan(4100)
    const deep = `${'{"data":'.repeat(500)}{"access_token":"t0ken"}${'}'.repeat(500)}`
    expect(redactBody(deep, 'application/json')).not.toContain('t0ken')
    expect(redactBody(`scope=${'a'.repeat(10_000)}`, form).length).toBeLessThan(400)
  })

  it('never shows what stands under a name that is not known to be harmless', () => {
    const names = fc.constantFrom(
      'access_token',
      'refresh_token',
      'id_token',
      'client_secret',
      'code',
      'password',
      'odd',
    )
    const nested = fc.constantFrom(
      (inner: unknown) => inner,
      (inner: unknown) => ({ result: inner }),
      (inner: unknown) => [inner, { data: [inner] }],
      (inner: unknown) => ({ secretName: { deeper: inner } }),
    )
    fc.assert(
      fc.property(secret, names, nested, (value, name, wrap) => {
        const body = JSON.stringify(wrap({ [name]: value, [value]: 'x', list: [value], scope: 'a' }))
        expect(redactBody(body, 'application/json')).not.toContain(value)
        const pairs = new URLSearchParams({ [name]: value, [value]: 'x', scope: 'a' }).toString()
        const shown = redactBody(pairs, form)
        expect(shown).not.toContain(value)
        expect(decodeURIComponent(shown)).not.toContain(value)
      }),
    )
  })
})

describe('headers in a trace', () => {
  it('are shown where they are harmless, made so where they can be, and left out else', () => {
    expect(
      redactHeaders({
        'Content-Type': 'application/json',
        Authorization: 'Bearer t0ken',
        'X-Api-Key': 't0ken',
        Location: 'https://example.com/cb?code=t0ken&iss=https%3A%2F%2Fa.example',
        'WWW-Authenticate': 'Bearer error="invalid_token", nonce="t0ken", odd="t0ken", DPoP abc',
      }),
    ).toEqual({
      'content-type': 'application/json',
      authorization: 'Bearer [redacted]',
      location: `https://example.com/cb?code=[redacted]&iss=${encodeURIComponent('https://a.example')}`,
      'www-authenticate':
        'bearer error="invalid_token", nonce="[redacted]", [redacted]="[redacted]", dpop [redacted]',
    })
  })

  it('tell a listener what was hidden, the secret inside Basic credentials too', () => {
    const hidden: string[] = []
    redactHeaders({ authorization: `Basic ${Buffer.from('id:s%2Fcret').toString('base64')}` }, (value) =>
      hidden.push(value),
    )
    expect(hidden).toContain('s/cret')
  })
})
