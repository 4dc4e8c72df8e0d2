import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  messageEvent,
  watchEventStream,
  type EventStreamWatch,
} from '../../../bridge/gateway/event-stream.ts'

function watching(...chunks: (string | Buffer)[]): EventStreamWatch {
  const watch = watchEventStream()
  for (const chunk of chunks) watch.push(Buffer.from(chunk))
  return watch
}

/** Cuts a text into chunks anywhere. */
const chunked = (text: fc.Arbitrary<string>): fc.Arbitrary<{ text: string; chunks: string[] }> =>
  fc.tuple(text, fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 30 })).map(([whole, sizes]) => {
    const chunks: string[] = []
    let at = 0
    for (const size of sizes) chunks.push(whole.slice(at, (at += size)))
    return { text: whole, chunks: [...chunks, whole.slice(at)] }
  })

describe('the border between two events (HTML, event streams)', () => {
  it.each([
    ['nothing yet', ''],
    ['an event with line feeds', 'data: x\n\n'],
    ['an event with carriage returns', 'data: x\r\r'],
    ['an event with both', 'data: x\r\n\r\n'],
    ['an empty line of another kind than the one before', 'data: x\n\r\n'],
    ['an empty line of the third kind', 'data: x\r\n\r'],
    ['a comment and an empty line', ': keep-alive\n\n'],
  ])('is after %s', (_, text) => {
    expect(watching(text).isBetweenEvents()).toBe(true)
  })

  it.each([
    ['half a line', 'data: x'],
    ['a whole line', 'data: x\n'],
    ['a whole line with both line ends', 'data: x\r\n'],
    ['a whole line with a carriage return', 'data: x\r'],
    ['the first line of the next event', 'data: x\n\ndata: y\n'],
    ['one letter of the next event', 'data: x\n\nd'],
  ])('is not after %s', (_, text) => {
    expect(watching(text).isBetweenEvents()).toBe(false)
  })

  it('does not depend on how the stream is cut into chunks', () => {
    const pieces = fc.array(fc.constantFrom('\n', '\r', '\r\n', 'data: x', 'id: 1', ':'), { maxLength: 8 })
    fc.assert(
      fc.property(chunked(pieces.map((all) => all.join(''))), ({ text, chunks }) => {
        const lines = text.split(/\r\n|\r|\n/)
        const ends = text === '' || (lines.at(-1) === '' && lines.at(-2) === '')
        expect(watching(...chunks).isBetweenEvents()).toBe(ends)
      }),
    )
  })
})

describe('an id in the stream', () => {
  it.each(['id: 1\n', 'data: x\nid: 1\n', 'data: x\rid:1\r', 'data: x\r\nid:\r\n'])(
    'is seen in %j',
    (text) => {
      expect(watching(text).hasIds()).toBe(true)
    },
  )

  it.each(['data: id: 1\n\n', 'identity: 1\n', 'data: {"id": 1}\n\n', ' id: 1\n'])(
    'is not seen in %j',
    (text) => {
      expect(watching(text).hasIds()).toBe(false)
    },
  )

  it('is seen wherever the stream is cut', () => {
    fc.assert(
      fc.property(chunked(fc.constant('event: message\nid: 42\ndata: x\n\n')), ({ chunks }) => {
        expect(watching(...chunks).hasIds()).toBe(true)
      }),
    )
  })
})

describe('an event of ours', () => {
  it('is one whole event, so that another could follow', () => {
    const event = messageEvent('{"a":1}')
    expect(event).toBe('event: message\ndata: {"a":1}\n\n')
    expect(watching('data: x\n\n', event).isBetweenEvents()).toBe(true)
  })
})
