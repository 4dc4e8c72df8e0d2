import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'
import { entriesOf, json, valuesAt, withElements, withMembers } from '../../../bridge/translation/splice.ts'

const object = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 6 })

function place(bytes: Buffer): { start: number; end: number } {
  return { start: 0, end: bytes.length }
}

describe('changing members where they lie', () => {
  it('comes to the same as changing the value, whatever is in it', () => {
    fc.assert(
      fc.property(
        object,
        fc.dictionary(fc.string(), fc.option(fc.jsonValue(), { nil: undefined })),
        (before, wished) => {
          const bytes = Buffer.from(JSON.stringify(before, undefined, 1))
          const changes = Object.fromEntries(
            Object.entries(wished).map(([name, value]) => [
              name,
              value === undefined ? undefined : json(value),
            ]),
          )
          const after = JSON.parse(withMembers(bytes, place(bytes), changes).toString()) as object
          const expected = new Map(Object.entries(JSON.parse(bytes.toString()) as object))
          for (const [name, value] of Object.entries(wished)) {
            if (value === undefined) expected.delete(name)
            else expected.set(name, JSON.parse(JSON.stringify(value)))
          }
          expect(new Map(Object.entries(after))).toEqual(expected)
        },
      ),
    )
  })

  it('leaves all others as they are written', () => {
    const bytes = Buffer.from('{ "a" : 1.0e2 ,"é":"\\u00e9", "gone":[1,2] ,"big":12345678901234567890}')
    const after = withMembers(bytes, place(bytes), { gone: undefined, new: json('ä') })
    expect(after.toString()).toBe('{"a" : 1.0e2,"é":"\\u00e9","big":12345678901234567890,"new":"ä"}')
  })

  it('changes a member that is said twice once, under whatever spelling', () => {
    const bytes = Buffer.from('{"id":1,"\\u0069d":2,"x":3}')
    expect(withMembers(bytes, place(bytes), { id: json(7) }).toString()).toBe('{"id":7,"x":3}')
  })

  it('makes an object where there is none', () => {
    expect(withMembers(Buffer.alloc(0), undefined, { a: json(1), b: undefined }).toString()).toBe('{"a":1}')
  })
})

describe('reading members where they lie', () => {
  it('gives their bytes', () => {
    const bytes = Buffer.from('{"a": {"b" :[1, 2]} , "c":null}')
    expect(valuesAt(bytes, place(bytes), ['c', 'a', 'x']).map((value) => value?.toString())).toEqual([
      'null',
      '{"b" :[1, 2]}',
      undefined,
    ])
    expect([...entriesOf(bytes, place(bytes))].map(([name, value]) => [name, value.toString()])).toEqual([
      ['a', '{"b" :[1, 2]}'],
      ['c', 'null'],
    ])
  })

  it('changes elements of an array', () => {
    const bytes = Buffer.from('[1, [2] ,3]')
    const changed = withElements(bytes, place(bytes), ({ start }) =>
      bytes[start] === 0x5b ? json('two') : undefined,
    )
    expect(changed.toString()).toBe('[1,"two",3]')
  })

  it('finds no members in what is no object', () => {
    const { paramsPlace, bytes } = readMessage(
      Buffer.from('{"id":1,"method":"a","params":[1]}'),
    ) as RpcMessage
    expect([...entriesOf(bytes, paramsPlace)]).toEqual([])
    expect(valuesAt(bytes, paramsPlace, ['a'])).toEqual([undefined])
  })
})
