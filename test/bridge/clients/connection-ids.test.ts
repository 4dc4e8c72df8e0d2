import { describe, expect, it } from 'vitest'
import { ConnectionId } from '../../../shared/connection.ts'
import { look, url } from './import-fixtures.ts'

describe('the ids of new connections', () => {
  const connections = [
    { id: ConnectionId.parse('linear'), url: 'https://mcp.linear.app/mcp' },
    { id: ConnectionId.parse('mine'), url },
  ]
  const ids = (entries: Readonly<Record<string, unknown>>): readonly unknown[] =>
    look(entries, {}, { connections }).importable.map(({ outcome }) =>
      'code' in outcome ? outcome.code : [outcome.id, outcome.exists],
    )

  it('are those of the connections that are there already', () => {
    expect(ids({ anything: { url } })).toEqual([['mine', true]])
  })

  it('do not clash, and are the same for the same server', () => {
    expect(
      ids({
        linear: { url: 'https://other.example/' },
        a: { url: 'https://a.example/' },
        b: { url: 'https://a.example/' },
        A: { url: 'https://b.example/' },
        'A!': { url: 'https://b.example/', headers: { Authorization: 'Bearer other-account' } },
      }),
    ).toEqual([
      ['linear-2', false],
      ['a', false],
      ['a', false],
      ['a-2', false],
      ['a-3', false],
    ])
  })

  it('are made of the host when the name has no letter', () => {
    expect(ids({ '!!!': { url: 'https://c.example/' } })).toEqual([['c-example', false]])
  })

  it('are always ids', () => {
    for (const name of ['x'.repeat(90), 'Ünïcödé', '--a--', `${'a'.repeat(39)}-b`]) {
      const [found] = look({ [name]: { url: 'https://c.example/' } }).importable
      expect(ConnectionId.safeParse(found && 'id' in found.outcome ? found.outcome.id : '').success).toBe(
        true,
      )
    }
  })
})
