import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoff, renewAt, unusableAt } from '../../../bridge/connections/renewal.ts'

const token = fc
  .record({ obtainedAt: fc.nat(1e12), lifetime: fc.integer({ min: 1, max: 90 * 24 * 3_600_000 }) })
  .map(({ obtainedAt, lifetime }) => ({ obtainedAt, expiresAt: obtainedAt + lifetime }))
const random = fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true })

describe('the time of a renewal', () => {
  it('is within the life of the token and before it must not be used any more', () => {
    fc.assert(
      fc.property(token, random, (held, chance) => {
        const at = renewAt(held, chance)
        expect(at).toBeGreaterThan(held.obtainedAt)
        expect(at).toBeLessThan(unusableAt(held))
        expect(unusableAt(held)).toBeLessThan(held.expiresAt)
      }),
    )
  })

  it('is a minute to six minutes before the end of an hour', () => {
    const hour = { obtainedAt: 0, expiresAt: 3_600_000 }
    expect(renewAt(hour, 0)).toBe(3_540_000)
    expect(renewAt(hour, 1)).toBe(3_240_000)
  })
})

describe('the pause after failed renewals', () => {
  it('doubles up to five minutes and is never less than half of that', () => {
    expect([1, 2, 3, 4].map((tries) => backoff(tries, 1))).toEqual([1_000, 2_000, 4_000, 8_000])
    expect(backoff(40, 1)).toBe(300_000)
    expect(backoff(40, 0)).toBe(150_000)
  })
})
