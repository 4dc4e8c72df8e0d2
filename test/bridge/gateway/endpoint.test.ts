import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endpointPath, parseTarget } from '../../../bridge/gateway/endpoint.ts'

const key = 'Zm9vYmFyLWJhel8xMjM0NTY3ODkw'

describe('the address of an endpoint', () => {
  it('is read back as it was made', () => {
    const names = fc.record({
      key: fc.stringMatching(/^[A-Za-z0-9_-]{22,43}$/),
      connection: fc.stringMatching(/^[a-z0-9]{1,19}(?:-[a-z0-9]{1,19})?$/),
    })
    fc.assert(
      fc.property(names, (address) => {
        expect(parseTarget(endpointPath(address))).toEqual(address)
      }),
    )
  })

  it.each([
    ['the root', '/'],
    ['a key alone', `/${key}`],
    ['an empty connection', `/${key}//mcp`],
    ['another ending', `/${key}/linear/sse`],
    ['a slash at the end', `/${key}/linear/mcp/`],
    ['a doubled slash', `//${key}/linear/mcp`],
    ['a query', `/${key}/linear/mcp?x=1`],
    ['a fragment', `/${key}/linear/mcp#x`],
    ['an encoded slash', `/${key}%2Flinear/mcp`],
    ['an encoded letter', `/${key}/line%61r/mcp`],
    ['a step up', `/${key}/x/../linear/mcp`],
    ['an encoded step up', `/${key}/%2e%2e/linear/mcp`],
    ['a back slash', `/${key}\\linear/mcp`],
    ['an absolute form', `http://127.0.0.1:47330/${key}/linear/mcp`],
    ['an absolute form of elsewhere', 'http://evil.example/'],
    ['an authority form', 'evil.example:443'],
    ['the asterisk form', '*'],
    ['nothing', ''],
    ['capitals in the connection', `/${key}/Linear/mcp`],
    ['another case of the ending', `/${key}/linear/MCP`],
    ['a line end', `/${key}/linear/mcp\n`],
    ['a place where OAuth clients look', '/.well-known/oauth-authorization-server'],
    [
      'a place where OAuth clients look for our path',
      `/.well-known/oauth-protected-resource/${key}/linear/mcp`,
    ],
    ['a well-known place that ends like an endpoint', '/.well-known/linear/mcp'],
    ['a well-known place below an endpoint', `/${key}/linear/mcp/.well-known/openid-configuration`],
    ['the registration of the 2025-03-26 fallback', '/register'],
  ])('is not %s', (_, target) => {
    expect(parseTarget(target)).toBeUndefined()
  })

  it('is read in linear time, however long the target is', () => {
    const long = `/${'a'.repeat(100_000)}/${'b-'.repeat(100_000)}/mcp`
    expect(parseTarget(long)).toBeUndefined()
  })
})
