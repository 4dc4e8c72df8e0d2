import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { EventFilter, filterMessages } from '../../../bridge/access/answer-filter.ts'
import { changed, defaultAccess, policyFor, type ToolRules } from '../../../bridge/access/policy.ts'
import { ruleFor } from './open-gate.ts'

const { rules } = policyFor(changed(defaultAccess('app'), ruleFor('app', 'delete', 'deny')), 'remote')
const list = (...names: string[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 1, result: { tools: names.map((name) => ({ name })) } })

/** Sends a stream through in the given pieces. */
function filtered(pieces: readonly Buffer[], filter = new EventFilter(() => rules, 1_000_000)): string {
  return Buffer.concat(pieces.map((piece) => filter.push(piece) ?? Buffer.from('[too large]'))).toString()
}

/** Cuts a text into pieces at the given places. */
function cut(text: string, places: readonly number[]): Buffer[] {
  const bytes = Buffer.from(text)
  const sorted = [0, ...places.map((place) => place % (bytes.length + 1)), bytes.length].sort((a, b) => a - b)
  return sorted.slice(1).map((end, index) => bytes.subarray(sorted[index], end))
}

describe('an event stream', () => {
  it('goes on byte for byte where it lists nothing that is denied', () => {
    const streams = [
      ': hello\n\nid: 1\ndata:\n\n',
      `event: message\nid: 2\nretry: 10\ndata: ${list('read')}\n\n`,
      `data:{"jsonrpc":"2.0",\ndata: "method":"notifications/x"}\n\n`,
      'event: other\r\ndata: {"a":1}\r\n\r\n',
    ]
    expect(filtered([Buffer.from(streams.join(''))])).toBe(streams.join(''))
  })

  it('loses denied tools however its events are written and wherever it is torn', () => {
    const json = list('read', 'delete', 'write')
    const half = json.indexOf('"name":"delete"') - 1
    const events = [
      `id: 7\nevent: message\ndata: ${json}\n\n`,
      `data: ${json.slice(0, half)}\r\ndata:${json.slice(half)}\r\nid: 8\r\n\r\n`,
      `data: ${json}\r\r`,
    ]
    const text = `\uFEFF${events.join('')}: end\n\ndata: {"jsonrpc":"2.0","id":9,"result":{}}\n\n`
    fc.assert(
      fc.property(fc.array(fc.nat(), { maxLength: 30 }), (places) => {
        const out = filtered(cut(text, places))
        expect(out).not.toContain('delete')
        expect(out.match(/"name":"write"/g)).toHaveLength(3)
        expect(out).toContain('id: 7')
        expect(out).toContain('id: 8')
        expect(out).toContain('data: {"jsonrpc":"2.0","id":9,"result":{}}\n\n')
      }),
      { numRuns: 500 },
    )
  })

  it('holds no event back that is complete', () => {
    const filter = new EventFilter(() => rules, 1_000)
    expect(filter.push(Buffer.from('data: {"jsonrpc":"2.0","method":"a"}\n'))?.length).toBe(0)
    expect(filter.push(Buffer.from('\ndata: '))?.toString()).toBe('data: {"jsonrpc":"2.0","method":"a"}\n\n')
    expect(filter.push(Buffer.from(': still here\n'))?.length).toBe(0)
  })

  it('passes a comment on at once', () => {
    const filter = new EventFilter(() => rules, 1_000)
    expect(filter.push(Buffer.from(': still here\n'))?.toString()).toBe(': still here\n')
  })

  it('keeps the position of an event that nobody can judge, and not what it says', () => {
    const deep = `{"id":1,"result":{"tools":[{"name":"delete","x":${'['.repeat(600)}${']'.repeat(600)}}]}}`
    const twice = '{"id":1,"result":{"tools":[{"name":"delete"}]},"result":{}}'
    for (const data of [deep, twice]) {
      expect(filtered([Buffer.from(`id: 5\ndata: ${data}\n\n`)])).toBe('id: 5\n\n')
    }
  })

  it('is too large where one event is', () => {
    const filter = new EventFilter(() => rules, 100)
    for (let n = 0; n < 50; n++) expect(filter.push(Buffer.from('data: {"a":1}\n\n'))).toBeDefined()
    expect(filter.push(Buffer.from(`data: ${'x'.repeat(60)}`))).toBeDefined()
    expect(filter.push(Buffer.from('x'.repeat(60)))).toBeUndefined()
  })

  it('goes by the rules that hold when an event is complete', () => {
    let now: ToolRules | undefined
    const filter = new EventFilter(() => now, 1_000)
    expect(filter.push(Buffer.from(`data: ${list('delete')}\n\n`))?.toString()).toContain('delete')
    filter.push(Buffer.from(`data: ${list('delete')}\n`))
    now = rules
    expect(filter.push(Buffer.from('\n'))?.toString()).not.toContain('delete')
  })
})

describe('a batch of answers', () => {
  const of = (text: string): Buffer | undefined => filterMessages(Buffer.from(text), rules as ToolRules)

  it('loses denied tools in each of them', () => {
    expect(
      JSON.parse(String(of(`[${list('delete', 'a')}, {"id":2,"result":{}},${list('delete')}]`))),
    ).toMatchObject([{ result: { tools: [{ name: 'a' }] } }, { id: 2 }, { result: { tools: [] } }])
  })

  it('is the very same where there is nothing to leave out', () => {
    const bytes = Buffer.from(`[ ${list('a')} ]`)
    expect(filterMessages(bytes, rules as ToolRules)).toBe(bytes)
  })

  it.each(['[{"id":1}, 7]', '[', 'text', '[[]]x'])('is not judged where it is none: %s', (text) => {
    expect(of(text)).toBeUndefined()
  })
})
