import { describe, expect, it } from 'vitest'
import { createVisits } from '../../../bridge/page/visits.ts'
import { systemClock } from '../../../bridge/system-clock.ts'

const minute = 60_000
const hour = 60 * minute

function atTime() {
  let time = 1_000_000
  const visits = createVisits({ ...systemClock, now: () => time })
  const enter = () => {
    const admission = visits.enter(visits.invite())
    if (!admission) throw new Error('not let in')
    return admission
  }
  return { visits, enter, pass: (ms: number) => void (time += ms) }
}

describe('an invitation to the page', () => {
  it('lets one browser in, once', () => {
    const { visits } = atTime()
    const word = visits.invite()
    expect(visits.enter(word)).toBeDefined()
    expect(visits.enter(word)).toBeUndefined()
  })

  it('ends after a minute, and when the clock is set back', () => {
    const { visits, pass } = atTime()
    const late = visits.invite()
    pass(minute)
    expect(visits.enter(late)).toBeUndefined()
    const early = visits.invite()
    pass(-1)
    expect(visits.enter(early)).toBeUndefined()
  })

  it('is forgotten when many others were made, so that they never pile up', () => {
    const { visits } = atTime()
    const first = visits.invite()
    for (let i = 0; i < 20; i++) visits.invite()
    expect(visits.enter(first)).toBeUndefined()
  })

  it.each(['', 'x', 'é', '\0'])('is not guessed with %j', (word) => {
    const { visits } = atTime()
    visits.invite()
    expect(visits.enter(word)).toBeUndefined()
  })
})

describe('a browser that was let in', () => {
  it('is known by cookie and secret together, and by neither alone', () => {
    const { visits, enter } = atTime()
    const one = enter()
    const other = enter()
    expect(visits.admits(one.cookie, one.secret)).toBe(true)
    expect(visits.admits(one.cookie, undefined)).toBe(false)
    expect(visits.admits(undefined, one.secret)).toBe(false)
    expect(visits.admits(one.cookie, other.secret)).toBe(false)
    expect(visits.admits(one.secret, one.cookie)).toBe(false)
  })

  it('may stay for as long as it asks, and leaves after twelve hours of silence', () => {
    const { visits, enter, pass } = atTime()
    const { cookie, secret } = enter()
    for (let i = 0; i < 5; i++) {
      pass(11 * hour)
      expect(visits.admits(cookie, secret)).toBe(true)
    }
    pass(12 * hour)
    expect(visits.admits(cookie, secret)).toBe(false)
  })
})
