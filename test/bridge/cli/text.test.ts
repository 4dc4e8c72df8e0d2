import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { alignColumns, joinText, oneLine, painter, safeJson, text } from '../../../bridge/cli/text.ts'

const hostile = 'a\u001B[2J\u001B]0;title\u0007\u009B31m\r\nb\u202Ec\u2066d\u200B\u0008\u061C\u00AD\u{E0041}'

describe('text for a terminal', () => {
  it('has lost every control character of what came from outside', () => {
    expect(text`<${hostile}>`.shown).toBe('<a[2J]0;title31mbcd>')
  })

  it('never holds a control or format character, whatever comes', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        expect(text`${value}`.shown).not.toMatch(/[\p{Cc}\p{Cf}]/u)
      }),
    )
  })

  it('keeps the colours of its own when it is put together', () => {
    const paint = painter(true)
    const painted = paint('green', text`${'ok\u001B[31m'}`)
    expect(text`state: ${painted}`.shown).toBe('state: \u001B[32mok[31m\u001B[39m')
    expect(text`state: ${painted}`.width).toBe('state: ok[31m'.length)
  })

  it('has no colours where there are none', () => {
    expect(painter(false)('red', text`x`).shown).toBe('x')
  })

  it('lines up in columns, colours or not, without spaces at the end', () => {
    const paint = painter(true)
    const rows = alignColumns([
      [text`a`, paint('red', text`long`), text`x`],
      [text`bcd`, text`s`, text`yz`],
    ])
    expect(rows.map(({ shown }) => shown)).toEqual(['a    \u001B[31mlong\u001B[39m  x', 'bcd  s     yz'])
  })

  it('joins with a separator and knows its width', () => {
    expect(joinText([text`a`, text`b`, text`c`], ', ')).toEqual({ shown: 'a, b, c', width: 7 })
    expect(joinText([], ', ')).toEqual({ shown: '', width: 0 })
  })

  it('is one line of limited length where that is asked for', () => {
    expect(oneLine('a\n  b\tc', 20)).toBe('a b c')
    expect(oneLine('abcdef', 4)).toBe('abc…')
  })
})

describe('JSON for a terminal', () => {
  it('is the same value in one line that no terminal obeys', () => {
    const json = safeJson({ hostile })
    expect(JSON.parse(json)).toEqual({ hostile })
    expect(json).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  })

  it('is null for nothing', () => {
    expect(safeJson(undefined)).toBe('null')
  })

  it('is equal JSON for any value', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        expect(JSON.parse(safeJson(value))).toEqual(JSON.parse(JSON.stringify(value)))
      }),
    )
  })
})
