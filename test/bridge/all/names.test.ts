import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  connectionTag,
  digestOf,
  mostNameLength,
  publicName,
  publicNames,
  readPublicName,
} from '../../../bridge/all/names.ts'
import { ConnectionId } from '../../../shared/connection.ts'

const connection = fc
  .stringMatching(/^[a-z0-9]+(?:-[a-z0-9]+)*$/)
  .filter((id) => ConnectionId.safeParse(id).success)
const anyName = fc.oneof(
  fc.stringMatching(/^[a-zA-Z0-9_-]{1,40}$/),
  fc.stringMatching(/^[a-zA-Z0-9_.-]{20,128}$/),
  fc.string({ unit: 'grapheme' }),
  // What a shortened name looks like.
  fc
    .tuple(connection, fc.string())
    .map(([id, name]) => publicName(id, name).slice(connectionTag(id).length + 2)),
)
/** The same for nearly all names, as an attacker might find them. */
const weak = (text: string): string => (/\0\d+$/.test(text) ? digestOf(text) : 'aaaaaaaaaa')

describe('the names of tools and prompts of all connections', () => {
  it('are as long as client apps and models take, with the characters they take', () => {
    fc.assert(
      fc.property(connection, anyName, (id, name) => {
        expect(publicName(id, name)).toMatch(new RegExp(`^[a-zA-Z0-9_-]{1,${mostNameLength}}$`))
        expect(`mcp__bridgekeeper__${publicName(id, name)}`.length).toBeLessThanOrEqual(64)
      }),
    )
  })

  it('are <connection>__<name> where that fits', () => {
    expect(publicName('linear', 'create_issue')).toBe('linear__create_issue')
    expect(publicName('linear', '_private')).toBe('linear___private')
  })

  it('differ for any two tools of any connections, also where digests are the same', () => {
    const lists = fc.uniqueArray(fc.tuple(connection, fc.array(anyName)), { selector: ([id]) => id })
    for (const digest of [undefined, weak]) {
      fc.assert(
        fc.property(lists, (all) => {
          const given = all.flatMap(([id, names]) => [...publicNames(id, names, digest).values()])
          const wanted = all.flatMap(([id, names]) => [...new Set(names)].map((name) => `${id} ${name}`))
          expect(new Set(given).size).toBe(wanted.length)
        }),
      )
    }
  })

  it('are the same in whatever order a server lists its tools', () => {
    const shuffled = fc
      .uniqueArray(anyName)
      .chain((names) => fc.tuple(fc.constant(names), fc.shuffledSubarray(names, { minLength: names.length })))
    fc.assert(
      fc.property(connection, shuffled, (id, [names, others]) => {
        expect(publicNames(id, others, weak)).toEqual(publicNames(id, names, weak))
      }),
    )
  })

  it('lead back to connection and tool without a list, but for shortened ones, whose connection is known', () => {
    fc.assert(
      fc.property(fc.uniqueArray(connection, { minLength: 1 }), anyName, (ids, name) => {
        for (const id of ids) {
          const given = publicName(id, name)
          const read = readPublicName(given, ids)
          const isPlain = given === `${connectionTag(id)}__${name}`
          expect(read).toEqual({ connection: id, name: isPlain ? name : undefined })
        }
      }),
    )
  })

  it('never change from one version to the next', () => {
    const long = 'x'.repeat(60)
    expect(publicName('linear', long)).toMatchInlineSnapshot(
      `"linear__xxxxxxxxxxxxxxxxxxxxxxxxx__ilzns4zvm2"`,
    )
    expect(publicName('linear', 'admin.tools.list')).toMatchInlineSnapshot(
      `"linear__admin_tools_list__zyz54mkonf"`,
    )
    expect(publicName('a-connection-with-a-very-long-id', 'search')).toMatchInlineSnapshot(
      `"a-connect_w6q5ueceak__search"`,
    )
  })

  it.each(['search', '__search', 'nobody__search', ''])('lead nowhere for %j', (name) => {
    expect(readPublicName(name, ['linear'])).toBeUndefined()
  })
})
