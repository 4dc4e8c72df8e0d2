import { describe, expect, it } from 'vitest'
import { localTime, parseMoment, relativeTime, timeOfDay } from '../../../bridge/cli/time.ts'

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

describe('a moment as a person types it', () => {
  const now = Date.UTC(2026, 10, 21, 12)

  it.each([
    ['90s', now - 90_000],
    ['15m', now - 900_000],
    ['1h', now - 3_600_000],
    ['7d', now - 7 * 86_400_000],
    ['0s', now],
    ['2026-11-20', Date.UTC(2026, 10, 20)],
    ['2026-11-20T10:00:00Z', Date.UTC(2026, 10, 20, 10)],
    ['2026-11-20T10:00:00+02:00', Date.UTC(2026, 10, 20, 8)],
    ['2026-13-20', undefined],
    ['1', undefined],
    ['1w', undefined],
    ['-1h', undefined],
    ['', undefined],
  ])('as %j is %j', (typed, moment) => {
    expect(parseMoment(typed, now)).toBe(moment)
  })

  it('is shown with its date where that is not of today', () => {
    const noon = new Date(2026, 10, 21, 12).getTime()
    expect(localTime(noon, noon + 60_000)).toBe(timeOfDay(noon))
    expect(localTime(noon, noon + 86_400_000)).toBe(`2026-11-21 ${timeOfDay(noon)}`)
  })
})
