import { describe, expect, it } from 'vitest'
import { killDuringRotations, seededRandom } from './rotation-kill.ts'

describe('a bridge killed during a rotation', () => {
  it('never loses a grant that the protocol allows to keep', async () => {
    const seed = Date.now()
    const outcomes = await killDuringRotations(12, seededRandom(seed))
    const defects = outcomes.filter((outcome) => typeof outcome === 'object')
    expect(defects, `seed ${seed}`).toEqual([])
    expect(outcomes).toHaveLength(12)
  }, 120_000)
})
