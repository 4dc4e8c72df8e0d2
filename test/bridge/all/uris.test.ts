import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UriSpace } from '../../../bridge/all/uris.ts'

const nowhere = (): boolean => false
const uri = fc.oneof(
  fc.webUrl({ withQueryParameters: true, withFragments: true }),
  fc.constantFrom(
    'file:///a',
    'file:///b',
    'ui://view/x.html',
    'urn:isbn:1',
    'github://{owner}/{repo}',
    'no uri',
  ),
  fc.string(),
)
const connection = fc.constantFrom('linear', 'notion', 'a-b-1')

function spaceOf(claims: Readonly<Record<string, readonly string[]>>): UriSpace {
  const space = new UriSpace()
  for (const [id, uris] of Object.entries(claims)) for (const one of uris) space.claim(id, one)
  return space
}

describe('the uris of all connections', () => {
  it('stay as they are where no other connection offers anything at their scheme and authority', () => {
    const space = spaceOf({ linear: ['linear://issue/1'], notion: ['notion://page/1', 'linear://team/1'] })
    expect(space.publish('linear', 'linear://issue/1')).toBe('linear://issue/1')
    expect(space.publish('notion', 'notion://page/1')).toBe('notion://page/1')
    expect(space.publish('notion', 'linear://team/1')).toBe('linear://team/1')
  })

  it('are marked with their connection where two offer the same, templates and views included', () => {
    const uris = ['file:///a', 'db://{name}/x', 'ui://view/x.html']
    const space = spaceOf({ linear: uris, notion: ['file:///b', 'db://main/x', 'ui://view/y.html'] })
    expect(uris.map((one) => space.publish('linear', one))).toEqual([
      'bridgekeeper+linear+file:///a',
      'bridgekeeper+linear+db://{name}/x',
      'ui://bridgekeeper+linear+view/x.html',
    ])
  })

  it('lead back to connection and uri, however many there are and in whatever order they came', () => {
    const step = fc.tuple(connection, uri, fc.boolean())
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const space = new UriSpace()
        const given = new Map<string, string>()
        for (const [id, one, isPublished] of steps) {
          space.claim(id, one)
          if (!isPublished) continue
          const published = space.publish(id, one)
          const meant = `${id} ${one}`
          // One uri of the client's means one thing for ever.
          expect(given.get(published) ?? meant).toBe(meant)
          given.set(published, meant)
        }
        for (const [published, meant] of given) {
          const read = space.read(published, nowhere)
          expect(`${read?.connection} ${read?.uri}`).toBe(meant)
        }
      }),
    )
  })

  it('keep the meaning that the client knows, in the next bridge too', () => {
    const space = spaceOf({ linear: ['file:///a'] })
    expect(space.publish('linear', 'file:///a')).toBe('file:///a')
    space.claim('notion', 'file:///a')
    expect(space.publish('notion', 'file:///a')).toBe('bridgekeeper+notion+file:///a')
    const next = spaceOf({ notion: ['file:///a'] })
    next.restore(space.toJson())
    expect(next.read('file:///a', (id) => id === 'notion')).toEqual({
      connection: 'linear',
      uri: 'file:///a',
    })
  })

  it('lead nowhere where it would be a guess which connection is meant', () => {
    const space = spaceOf({ linear: ['file:///a'], notion: ['file:///a'] })
    expect(space.read('file:///a', () => true)).toBeUndefined()
    expect(space.read('file:///other', nowhere)).toBeUndefined()
    expect(space.read('file:///a', (id) => id === 'notion')).toEqual({
      connection: 'notion',
      uri: 'file:///a',
    })
    expect(space.read('unknown://x', nowhere)).toBeUndefined()
  })

  it('are marked even where they look marked already, so that no server speaks for another', () => {
    const space = spaceOf({ linear: ['bridgekeeper+notion+file:///a'] })
    const published = space.publish('linear', 'bridgekeeper+notion+file:///a')
    expect(space.read(published, nowhere)).toEqual({
      connection: 'linear',
      uri: 'bridgekeeper+notion+file:///a',
    })
  })

  it('need no mark any more when the other connection is gone', () => {
    const space = spaceOf({ linear: ['file:///a'], notion: ['file:///a'] })
    expect(space.publish('linear', 'file:///a')).toBe('bridgekeeper+linear+file:///a')
    const { version } = space
    space.forget('notion')
    expect(space.version).toBeGreaterThan(version)
    expect(space.publish('linear', 'file:///a')).toBe('file:///a')
  })
})
