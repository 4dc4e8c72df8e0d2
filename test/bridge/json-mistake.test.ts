import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { jsonMistake } from '../../bridge/json-mistake.ts'

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

describe('the place of a mistake in JSON (RFC 8259)', () => {
  it.each([
    ['{"port": a}', 9],
    ['{"port": 1,}', 11],
    ['{"a": 1\n"b": 2}', 8],
    ['{"a": "x\ny"}', 6],
    ['{"a": 01}', 7],
    ['{} x', 3],
    ['', 0],
    ['// no comments\n{}', 0],
    ["{'a': 1}", 1],
  ])('of %j is %i', (text, place) => {
    expect(jsonMistake(text)).toBe(place)
  })

  it('is nowhere in any JSON', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(jsonMistake(text)).toBeUndefined()
      }),
    )
  })

  it('is found wherever the parser finds one', () => {
    const damaged = fc
      .tuple(fc.json(), fc.nat(), fc.constantFrom('', '"', ',', '}', '[', '\n', 'x', '0', '\\'))
      .map(([text, at, put]) => {
        const place = at % text.length
        return text.slice(0, place) + put + text.slice(place + 1)
      })
    fc.assert(
      fc.property(damaged, (text) => {
        expect(jsonMistake(text) === undefined).toBe(isJson(text))
      }),
      { numRuns: 2000 },
    )
  })

  it('ends on a nesting that would exhaust the stack', () => {
    expect(jsonMistake('['.repeat(100_000))).toBe(101)
  })
})
