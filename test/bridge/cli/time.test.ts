import { describe, expect, it } from 'vitest'
import { relativeTime } from '../../../bridge/cli/time.ts'

describe('a moment as a person says it', () => {
  it.each([
    [0, 'now'],
    [999, 'now'],
    [1000, 'in 1 second'],
    [-59_999, '59 seconds ago'],
    [60_000, 'in 1 minute'],
    [3_599_999, 'in 59 minutes'],
    [-3_600_000, '1 hour ago'],
    [86_400_000, 'in 1 day'],
    [-30 * 86_400_000, '30 days ago'],
  ])('of %i ms from now is %j', (distance, words) => {
    expect(relativeTime(1e12 + distance, 1e12)).toBe(words)
  })
})
