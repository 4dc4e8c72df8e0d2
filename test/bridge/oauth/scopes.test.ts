import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseScopes, selectScopes, unionScopes } from '../../../bridge/oauth/scopes.ts'

describe('a scope string (RFC 6749 §3.3)', () => {
  it.each([
    ['read write', ['read', 'write']],
    ['  read \t write  read ', ['read', 'write']],
    ['channels:read,chat:write', ['channels:read', 'chat:write']],
    ['a, b', ['a', 'b']],
    ['https://www.example.com/auth/x.readonly', ['https://www.example.com/auth/x.readonly']],
    ['good b"ad é wörse \\', ['good']],
    ['', []],
    [undefined, []],
  ])('%j is %j', (text, scopes) => {
    expect(parseScopes(text)).toEqual(scopes)
  })
})

describe('the union of scopes', () => {
  it('keeps the order of first appearance', () => {
    expect(unionScopes(['b', 'a'], undefined, ['a', 'c', 'b'])).toEqual(['b', 'a', 'c'])
  })

  it('holds every scope of every list once', () => {
    const list = fc.array(fc.constantFrom('a', 'b', 'c', 'd'))
    fc.assert(
      fc.property(list, list, (one, two) => {
        const union = unionScopes(one, two)
        expect(new Set(union)).toEqual(new Set([...one, ...two]))
        expect(union.length).toBe(new Set(union).size)
      }),
    )
  })
})

describe('what to ask for (MCP 2026-07-28, scope selection strategy)', () => {
  it('is the challenge before what the resource lists', () => {
    expect(selectScopes({ challenge: ['c'], resource: ['r'] })).toEqual(['c'])
    expect(selectScopes({ resource: ['r1', 'r2'] })).toEqual(['r1', 'r2'])
    expect(selectScopes({ challenge: [], resource: ['r'] })).toEqual(['r'])
  })

  it('is nothing where nobody names a scope, whatever the authorization server lists', () => {
    expect(selectScopes({ server: ['a', 'offline_access'] })).toEqual([])
  })

  it("is the user's own choice as it is", () => {
    const given = { challenge: ['c'], resource: ['r'], server: ['offline_access'] }
    expect(selectScopes({ ...given, chosen: ['mine'] })).toEqual(['mine'])
    expect(selectScopes({ ...given, chosen: [] })).toEqual(['c', 'offline_access'])
  })

  it('has offline_access exactly when the authorization server lists it', () => {
    expect(selectScopes({ challenge: ['c'], server: ['c', 'offline_access'] })).toEqual([
      'c',
      'offline_access',
    ])
    expect(selectScopes({ challenge: ['offline_access', 'c'], server: ['offline_access'] })).toEqual([
      'offline_access',
      'c',
    ])
    expect(selectScopes({ challenge: ['c', 'offline_access'], server: ['c'] })).toEqual(['c'])
    expect(selectScopes({ resource: ['c', 'offline_access'] })).toEqual(['c'])
  })

  it('is never offline_access alone', () => {
    expect(selectScopes({ challenge: ['offline_access'], server: ['offline_access'] })).toEqual([])
  })
})
