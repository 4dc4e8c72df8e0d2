import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { asksStepUp, bearerChallenge, parseChallenges } from '../../../bridge/oauth/challenge.ts'

const plain = (header: string): unknown =>
  parseChallenges(header).map(({ params, ...rest }) => ({ ...rest, params: Object.fromEntries(params) }))

describe('a WWW-Authenticate field (RFC 9110 §11.6.1)', () => {
  it('holds several challenges, though commas separate parameters too', () => {
    const header = 'Basic realm="simple", Newauth realm="apps", type=1, title="Login to \\"apps\\""'
    expect(plain(header)).toEqual([
      { scheme: 'basic', params: { realm: 'simple' } },
      { scheme: 'newauth', params: { realm: 'apps', type: '1', title: 'Login to "apps"' } },
    ])
  })

  it('may give a scheme alone or with a token68', () => {
    expect(plain('Negotiate, NTLM TlRMTVNTUAAC==, Bearer error=x')).toEqual([
      { scheme: 'negotiate', params: {} },
      { scheme: 'ntlm', token68: 'TlRMTVNTUAAC==', params: {} },
      { scheme: 'bearer', params: { error: 'x' } },
    ])
  })

  it('has schemes and names of any case, spaces around the equals sign, and empty list items', () => {
    expect(plain(', ,BEARER  Realm = "a" ,, SCOPE="b c",')).toEqual([
      { scheme: 'bearer', params: { realm: 'a', scope: 'b c' } },
    ])
  })

  it('counts the first of repeated parameters, so that an appended one cannot replace it', () => {
    expect(plain('Bearer resource_metadata="https://a/", resource_metadata="https://b/"')).toEqual([
      { scheme: 'bearer', params: { resource_metadata: 'https://a/' } },
    ])
  })

  it('is read where quotes or commas were forgotten', () => {
    expect(plain('Bearer resource_metadata=https://a.example/x?y=1, scope=read write, error="e"')).toEqual([
      {
        scheme: 'bearer',
        params: { resource_metadata: 'https://a.example/x?y=1', scope: 'read', error: 'e' },
      },
    ])
    expect(plain('Bearer realm="r" scope="s"; error="e"')).toEqual([
      { scheme: 'bearer', params: { realm: 'r', scope: 's', error: 'e' } },
    ])
  })

  it('is read to its end where a quote is not closed', () => {
    expect(plain('Bearer realm="a, b\\')).toEqual([{ scheme: 'bearer', params: { realm: 'a, b' } }])
  })

  it.each([undefined, '', ' ', ',', '=', '"', '""', '\\', '=,="'])('gives nothing for %j', (header) => {
    expect(parseChallenges(header)).toEqual([])
  })

  it('never throws, whatever it holds', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.constantFrom('Bearer', ' ', ',', '=', '"', '\\', 'a', 'é', '\n', '=='),
    )
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        expect(Array.isArray(parseChallenges(pieces.join('')))).toBe(true)
      }),
    )
  })

  it('gives back what was written by the grammar', () => {
    const word = fc.stringMatching(/^[a-z][a-z0-9_-]{0,11}$/)
    const text = fc.string({ unit: fc.constantFrom(...Array.from(' !#,=/\\"abcXYZ0129')), maxLength: 20 })
    const challenge = fc.record({
      scheme: word,
      params: fc.dictionary(word, text, { noNullPrototype: true, maxKeys: 4 }),
    })
    fc.assert(
      fc.property(fc.array(challenge, { maxLength: 4 }), (challenges) => {
        const header = challenges
          .map(({ scheme, params }) => {
            const list = Object.entries(params).map(
              ([name, value]) => `${name}="${value.replace(/["\\]/g, '\\$&')}"`,
            )
            return `${scheme} ${list.join(', ')}`.trimEnd()
          })
          .join(', ')
        expect(plain(header)).toEqual(challenges)
      }),
    )
  })

  it.each(['"', ',', 'a ', 'a=', 'a,', 'Bearer a', '"\\', '\\"', '=,', 'a="b",'])(
    'is read in time linear in its length, here of %j again and again',
    (piece) => {
      // Quadratic reading of this much would run into the time limit of the test.
      expect(parseChallenges(piece.repeat(400_000)).length).toBeGreaterThanOrEqual(0)
    },
  )
})

describe('the Bearer challenge (RFC 6750 §3, RFC 9728 §5.1)', () => {
  it('tells metadata, scopes and error', () => {
    const header =
      'Bearer error="insufficient_scope",\n scope="files:write files:read",\n' +
      ' resource_metadata="https://mcp.example.com/.well-known/oauth-protected-resource",\n' +
      ' error_description="File write permission required", realm="files"'
    expect(bearerChallenge(header)).toEqual({
      error: 'insufficient_scope',
      scope: ['files:write', 'files:read'],
      resourceMetadata: 'https://mcp.example.com/.well-known/oauth-protected-resource',
      errorDescription: 'File write permission required',
      realm: 'files',
    })
  })

  it('is found behind others, and is put together where a framework and an application each wrote one', () => {
    expect(bearerChallenge('Basic realm="b", Bearer, Bearer scope="s"')).toEqual({ scope: ['s'] })
  })

  it('may be said under DPoP, which counts after Bearer', () => {
    expect(bearerChallenge('DPoP resource_metadata="https://a/"')).toEqual({ resourceMetadata: 'https://a/' })
    expect(bearerChallenge('DPoP error="d", Bearer error="b"')).toEqual({ error: 'b' })
  })

  it('leaves out what is empty, and is undefined without either scheme', () => {
    expect(bearerChallenge('Bearer scope="", resource_metadata=""')).toEqual({})
    expect(bearerChallenge('Basic realm="x"')).toBeUndefined()
    expect(bearerChallenge(undefined)).toBeUndefined()
  })
})

describe('a step-up (RFC 6750 §3.1)', () => {
  it.each([
    [403, 'Bearer error="insufficient_scope", scope="a"', true],
    [403, 'Bearer error="insufficient_scope"', true],
    [401, 'Bearer error="insufficient_scope"', false],
    [403, 'Bearer error="invalid_token"', false],
    [403, 'Basic error="insufficient_scope"', false],
    [403, undefined, false],
  ])('status %d with %j: %j', (status, header, expected) => {
    expect(asksStepUp(status, header)).toBe(expected)
  })
})
