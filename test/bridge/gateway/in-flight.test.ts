import type { Socket } from 'node:net'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createInFlight, endReason, type Endable } from '../../../bridge/gateway/in-flight.ts'
import { BridgeError, type Failure } from '../../../shared/errors.ts'

const socket = {} as Socket

function endable(access: AbortSignal, on = socket): Endable & { readonly ends: Failure[] } {
  const ends: Failure[] = []
  return { access, socket: on, ends, end: (failure) => void ends.push(failure) }
}

describe('what is being served', () => {
  it('ends with its own access and no other', () => {
    const inFlight = createInFlight()
    const [one, other] = [new AbortController(), new AbortController()]
    const calls = [endable(one.signal), endable(other.signal), endable(one.signal)]
    for (const call of calls) inFlight.add(call)
    one.abort(new BridgeError('connection.ended'))
    expect(calls.map(({ ends }) => ends)).toEqual([
      [{ code: 'connection.ended' }],
      [],
      [{ code: 'connection.ended' }],
    ])
  })

  it('is what came and did not leave, in whatever order they leave', () => {
    const moves = fc.array(fc.record({ leaves: fc.boolean(), which: fc.nat(20) }), { maxLength: 60 })
    fc.assert(
      fc.property(moves, (all) => {
        const inFlight = createInFlight()
        const access = new AbortController()
        const present: { call: ReturnType<typeof endable>; leave: () => void }[] = []
        const gone: ReturnType<typeof endable>[] = []
        for (const { leaves, which } of all) {
          if (leaves && present.length > 0) {
            const [left] = present.splice(which % present.length, 1)
            left?.leave()
            left?.leave()
            if (left) gone.push(left.call)
          } else {
            const call = endable(access.signal)
            present.push({ call, leave: inFlight.add(call) })
          }
        }
        expect(inFlight.size).toBe(present.length)
        inFlight.endAll({ code: 'bridge.busy' })
        expect(present.every(({ call }) => call.ends.length === 1)).toBe(true)
        expect(gone.every(({ ends }) => ends.length === 0)).toBe(true)
      }),
    )
  })

  it('is found by the connection it came in on', () => {
    const inFlight = createInFlight()
    const access = new AbortController().signal
    const here = endable(access)
    inFlight.add(here)
    inFlight.add(endable(access, {} as Socket))
    expect(inFlight.on(socket)).toEqual([here])
  })

  it('may leave while all are ended', () => {
    const inFlight = createInFlight()
    const access = new AbortController()
    const calls = [1, 2, 3].map(() => {
      const call = endable(access.signal)
      const leave = inFlight.add({ ...call, end: (failure) => (call.end(failure), leave()) })
      return call
    })
    access.abort()
    expect(calls.map(({ ends }) => ends.length)).toEqual([1, 1, 1])
    expect(inFlight.size).toBe(0)
  })
})

describe('why an access ended', () => {
  it('is what its owner says, and never the text of another error', () => {
    expect(endReason(AbortSignal.abort(new BridgeError('bridge.busy', 'why')))).toEqual({
      code: 'bridge.busy',
      detail: 'why',
    })
    expect(endReason(AbortSignal.abort(new Error('secret')))).toEqual({ code: 'connection.ended' })
    expect(endReason(AbortSignal.abort())).toEqual({ code: 'connection.ended' })
  })
})
