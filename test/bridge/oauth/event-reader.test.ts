import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createEventReader, type StreamEvent } from '../../../bridge/oauth/event-reader.ts'

const read = (...pieces: string[]): StreamEvent[] => {
  const reader = createEventReader()
  return pieces.flatMap((piece) => reader(piece))
}

describe('an event stream (HTML, event stream interpretation)', () => {
  it('has events of named and unnamed types, with data over several lines', () => {
    expect(read(': ping\n\nevent: endpoint\ndata: /messages?id=1\n\ndata:a\ndata:  b\nid: 7\n\n')).toEqual([
      { type: 'endpoint', data: '/messages?id=1' },
      { type: 'message', data: 'a\n b' },
    ])
  })

  it('leaves out an event without data, and one that was not finished', () => {
    expect(read('event: x\n\nretry: 5\n\ndata: lost')).toEqual([])
  })

  it('has events with empty data', () => {
    expect(read('id: 1\ndata:\n\ndata\n\n')).toEqual([
      { type: 'message', data: '' },
      { type: 'message', data: '' },
    ])
  })

  it('reads the same however lines end and wherever it is cut', () => {
    const event = fc.record({
      type: fc.constantFrom('message', 'endpoint'),
      data: fc.stringMatching(/^[a-z:{}" ]{1,9}$/),
    })
    fc.assert(
      fc.property(
        fc.array(event),
        fc.constantFrom('\n', '\r', '\r\n'),
        fc.array(fc.nat(200)),
        (events, end, cuts) => {
          const text = events
            .map(({ type, data }) => `event: ${type}${end}data: ${data}${end}${end}`)
            .join('')
          const places = [...cuts, 0, text.length].filter((cut) => cut <= text.length).sort((a, b) => a - b)
          const pieces = places.map((place, index) => text.slice(place, places[index + 1]))
          expect(read(...pieces)).toEqual(events)
        },
      ),
    )
  })

  it('is read in time linear in its length, even byte by byte without a line end', () => {
    const reader = createEventReader()
    for (let count = 0; count < 500_000; count += 1) reader('x')
    expect(reader('\ndata: y\n\n')).toEqual([{ type: 'message', data: 'y' }])
  })
})
