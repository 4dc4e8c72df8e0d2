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
      { numRuns: 200 },
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
      { numRuns: 120 },
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
      { numRuns: 80 },
    )
  })
})
