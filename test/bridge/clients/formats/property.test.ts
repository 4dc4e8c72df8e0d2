import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  type Format,
  formats,
  type JsonObject,
  putServer,
  saysTheSame,
  serversOf,
  type ServerTable,
  takeServer,
} from '../../../../bridge/clients/formats/format.ts'
import { anyJson, anyToml, anyYaml } from './generated.ts'

const cases: readonly [string, Format, ServerTable, (g: fc.GeneratorValue) => string][] = [
  ['JSON', formats.json, { keys: ['mcpServers'], listed: false }, anyJson],
  ['YAML with a map', formats.yaml, { keys: ['servers'], listed: false }, (g) => anyYaml(g, false)],
  ['YAML with a list', formats.yaml, { keys: ['servers'], listed: true }, (g) => anyYaml(g, true)],
  ['TOML', formats.toml, { keys: ['mcp_servers'], listed: false }, anyToml],
]

const first: JsonObject = { type: 'http', url: 'http://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/linear/mcp' }
const second: JsonObject = { command: '/usr/bin/node', args: ['C:\\x "y"', 'stdio', 'linear'] }

describe.each(cases)('any %s', (_, format, table, anyText) => {
  const has = (text: string): boolean => serversOf(format.parse(text), table).size > 0

  it('has its bytes back after an entry came and went', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const text = anyText(g)
        const added = putServer(format, text, table, 'ours', first)
        expect(putServer(format, added, table, 'ours', first)).toBe(added)
        const removed = takeServer(format, added, table, 'ours')
        // A table that was empty or not there is left empty; everything else is as it was, to the byte.
        expect(has(text) ? removed === text : saysTheSame(format, removed, text, table)).toBe(true)
      }),
      { numRuns: 200, endOnFailure: true },
    )
  })

  it('changes nothing but the entry when the entry changes', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const text = anyText(g)
        const added = putServer(format, text, table, 'ours', first)
        const changed = putServer(format, added, table, 'ours', second, ['type', 'url'])
        expect(serversOf(format.parse(changed), table).get('ours')).toEqual(
          table.listed ? { name: 'ours', ...second } : second,
        )
        expect(takeServer(format, changed, table, 'ours')).toBe(takeServer(format, added, table, 'ours'))
        const back = putServer(format, changed, table, 'ours', first, ['command', 'args'])
        expect(takeServer(format, back, table, 'ours')).toBe(takeServer(format, added, table, 'ours'))
      }),
      { numRuns: 120, endOnFailure: true },
    )
  })

  it('keeps its line endings and its byte order mark', () => {
    fc.assert(
      fc.property(fc.gen(), (g) => {
        const text = anyText(g)
        const added = putServer(format, text, table, 'ours', first)
        expect(added.startsWith('\uFEFF')).toBe(text.startsWith('\uFEFF'))
        const plain = (some: string): boolean => /(?<!\r)\n/.test(some)
        expect(plain(added) === plain(text) || !text.includes('\n')).toBe(true)
      }),
      { numRuns: 80, endOnFailure: true },
    )
  })
})

describe('a hostile file', () => {
  const aliases = ['a: &a [x, x, x, x, x, x, x, x, x]']
  for (let level = 1; level < 12; level += 1)
    aliases.push(
      `b${level}: &b${level} [${Array(9)
        .fill(`*${level === 1 ? 'a' : `b${level - 1}`}`)
        .join(', ')}]`,
    )

  it.each([
    ['JSON nested without end', formats.json, '{"a":' + '['.repeat(200_000)],
    ['JSON nested and closed', formats.json, `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`],
    ['YAML nested without end', formats.yaml, 'a: ' + '['.repeat(50_000)],
    ['YAML of aliases that stand for gigabytes', formats.yaml, aliases.join('\n')],
    ['YAML of two documents', formats.yaml, 'a: 1\n---\nb: 2\n'],
    ['TOML nested without end', formats.toml, 'a = ' + '['.repeat(50_000)],
    ['a list at the top', formats.json, '[{}]'],
    ['a text at the top', formats.yaml, 'just text'],
    ['a key twice in YAML', formats.yaml, 'a: 1\na: 2\n'],
    ['a table twice in TOML', formats.toml, '[a]\n[a]\n'],
  ])('is refused: %s', (_, format, text) => {
    expect(() => format.parse(text)).toThrow(expect.objectContaining({ code: 'clients.file_broken' }))
  })

  it('is no trap by its keys', () => {
    const table = { keys: ['mcpServers'], listed: false }
    const text = '{"__proto__": {"polluted": true}, "constructor": 1, "mcpServers": {"__proto__": {"x": 1}}}'
    const added = putServer(formats.json, text, table, 'toString', first)
    expect(takeServer(formats.json, added, table, 'toString')).toBe(text)
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it.each([
    ['JSON', formats.json, '{"mcpServers": {"a": {}}, "mcpServers": {"b": {}}}'],
    ['JSON', formats.json, '{"mcpServers": {"ours": {"x": 1}, "a": {}, "ours": {"x": 2}}}'],
  ])('with a key twice is edited where it counts, or not at all: %s', (_, format, text) => {
    const table = { keys: ['mcpServers'], listed: false }
    const servers = serversOf(format.parse(text), table)
    const after = putServer(format, text, table, 'new', first)
    expect([...serversOf(format.parse(after), table).keys()]).toEqual([...servers.keys(), 'new'])
  })

  it.each([
    ['YAML', formats.yaml, { keys: ['servers'], listed: false }, 'servers: *x\n', 'clients.file_broken'],
    [
      'YAML',
      formats.yaml,
      { keys: ['servers'], listed: false },
      'x: &x {a: {}}\nservers: *x\n',
      'clients.file_unsupported',
    ],
    ['YAML', formats.yaml, { keys: ['servers'], listed: true }, 'servers: {}\n', 'clients.file_broken'],
    ['JSON', formats.json, { keys: ['servers'], listed: false }, '{"servers": [1]}', 'clients.file_broken'],
    [
      'TOML',
      formats.toml,
      { keys: ['s'], listed: false },
      's = { a = { b = 1 } }\n',
      'clients.file_unsupported',
    ],
    ['TOML', formats.toml, { keys: ['s'], listed: false }, 's = 1\n', 'clients.file_broken'],
  ])('whose servers cannot be edited safely is left alone: %s', (_, format, table, text, code) => {
    expect(() => putServer(format, text, table, 'new', first)).toThrow(expect.objectContaining({ code }))
  })
})
