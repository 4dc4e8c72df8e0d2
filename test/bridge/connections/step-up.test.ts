import { describe, expect, it } from 'vitest'
import { createHeldCalls, readStepUp } from '../../../bridge/connections/step-up.ts'
import { codeOf } from '../oauth/loopback.ts'

const by = { client: 'cursor', method: 'tools/call', name: 'write' }
const credentials = { headers: {}, generation: 1 }

describe('calls held for a step-up', () => {
  it('are hopeless after two sign-ins in vain, and worth another try some time later', async () => {
    let time = 0
    const held = createHeldCalls({ now: () => time, after: () => () => undefined })
    for (const hopeless of [false, false, true]) {
      expect(held.isHopeless(['write'], by)).toBe(hopeless)
      const call = held.hold(['write'], by, 1000, new AbortController().signal)
      held.release(credentials)
      expect(await call).toBe(credentials)
    }
    expect(held.isHopeless(['write'], { ...by, name: 'other' })).toBe(false)
    time = 600_000
    expect(held.isHopeless(['write'], by)).toBe(false)
  })
})

describe('what a challenge asks for', () => {
  const challenge = (scope: string): string => `Bearer error="insufficient_scope", scope="${scope}"`
  const pending = { scopes: ['a', 'b'], by, since: 0 }

  it('joins what was asked for before', () => {
    const { scopes, together } = readStepUp(challenge('b c'), pending)
    expect(scopes).toEqual(['b', 'c'])
    expect(together.scope).toEqual(['a', 'b', 'c'])
  })

  it.each(['Bearer error="insufficient_scope"', 'Basic realm="x"', challenge('"')])(
    'is nothing in %s',
    async (header) => {
      expect(await codeOf(() => readStepUp(header, pending))).toBe('server.forbidden')
    },
  )

  it('does not grow without end', async () => {
    const many = Array.from({ length: 199 }, (_, n) => `s${n}`).join(' ')
    expect(readStepUp(challenge(many), undefined).together.scope).toHaveLength(199)
    expect(await codeOf(() => readStepUp(challenge(many), pending))).toBe('step_up.limit')
  })
})
