import { describe, expect, it } from 'vitest'
import {
  boundedSelf,
  knownList,
  listNames,
  readKnowledge,
  writeKnowledge,
} from '../../../bridge/last-known/knowledge.ts'
import { countsIn, toolsIn } from '../../../bridge/last-known/for-faces.ts'

const elements = (count: number, element: (n: number) => object): Buffer[] =>
  Array.from({ length: count }, (_, n) => Buffer.from(JSON.stringify(element(n))))
const tool = (n: number, description = 'Does it.') => ({
  name: `tool-${n}`,
  description,
  inputSchema: { type: 'object', properties: { text: { type: 'string' } } },
})
const parsed = (items: Buffer): any[] => JSON.parse(items.toString()) as any[]
const megabyte = 1024 * 1024

describe('what is kept of a list', () => {
  it('is all of it, byte for byte, as long as it is of a usual size', () => {
    const odd = Buffer.from('{ "name":"a\\u0062" , "x-unknown":1.0, "inputSchema":{} }')
    expect(knownList('tools', [odd], 1).items.toString()).toBe(`[${odd.toString()}]`)
    expect(knownList('tools', [], 1)).toMatchObject({ count: 0, items: Buffer.from('[]') })
  })

  it('is names and short descriptions of one that is too large', () => {
    const text = `<img src=x onerror=alert(1)>${'long '.repeat(100)}`
    const list = knownList(
      'tools',
      elements(4_000, (n) => tool(n, text)),
      1,
    )
    expect(list.count).toBe(4_000)
    expect(list.items.length).toBeLessThanOrEqual(2 * megabyte)
    const kept = parsed(list.items)
    expect(kept.length).toBe(4_000)
    expect(kept[7]).toEqual({
      name: 'tool-7',
      description: text.slice(0, 300),
      inputSchema: { type: 'object' },
    })
  })

  it.each([
    ['10,000 tools with long descriptions', elements(10_000, (n) => tool(n, 'x'.repeat(1_000)))],
    ['one tool of 20 MB', elements(1, (n) => tool(n, 'x'.repeat(20 * megabyte)))],
    ['names that are too long', elements(100, () => ({ name: 'x'.repeat(100_000) }))],
  ])('is never more than its share: %s', (_, many) => {
    const list = knownList('tools', many, 1)
    expect(list.count).toBe(many.length)
    expect(list.items.length).toBeLessThanOrEqual(2 * megabyte)
    expect(Array.isArray(parsed(list.items))).toBe(true)
  })

  it('together is less than 4 MB for a connection', () => {
    const full = (name: (typeof listNames)[number]) =>
      knownList(
        name,
        elements(40_000, (n) => ({ name: `${n}`, uri: `x:${n}`, uriTemplate: `x:${n}` })),
        1,
      )
    const lists = Object.fromEntries(listNames.map((name) => [name, full(name)]))
    const self = boundedSelf({
      version: '2025-11-25',
      capabilities: {},
      instructions: 'x'.repeat(10 * megabyte),
    })
    expect(self).toEqual({ version: '2025-11-25', capabilities: {} })
    expect(boundedSelf({ version: '1', capabilities: { x: 'x'.repeat(megabyte) } })).toBeUndefined()
    const known = { lists, ...(self ? { self } : {}) }
    expect(Object.values(lists).reduce((sum, { items }) => sum + items.length, 0)).toBeLessThan(4 * megabyte)
    const written = writeKnowledge('it', known)
    const read = readKnowledge('it', written)
    const same = listNames.filter((name) =>
      read?.lists[name]?.items.equals(known.lists[name]?.items ?? Buffer.of()),
    )
    expect(same).toEqual(listNames)
    expect(read?.self).toEqual(self)
    expect(readKnowledge('another one', writeKnowledge('it', known))).toBeUndefined()
  })

  it('is for faces what a tool needs, whatever else is in the list', () => {
    const items = [tool(1), { name: 5 }, { title: 'no name' }, { name: 'bare' }]
    const lists = {
      tools: knownList(
        'tools',
        elements(4, (n) => items[n] ?? {}),
        7,
      ),
    }
    const found = toolsIn({ lists })
    expect(found?.asOf).toBe(7)
    expect(found?.tools.map(({ name }) => name)).toEqual(['tool-1', 'bare'])
    expect(countsIn({ lists })).toEqual({ asOf: 7, tools: 4 })
    expect(countsIn({ lists: {} })).toBeUndefined()
  })
})
