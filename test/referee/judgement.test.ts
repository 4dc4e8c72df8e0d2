import { describe, expect, it } from 'vitest'
import type { Check, Scenario } from './conformance.ts'
import { differences, faultsOf, judgementOf, surprisesIn } from './judgement.ts'
import type { Unmapped } from './unmapped.ts'

describe('the judgement on a scenario', () => {
  it('is without faults when every check succeeded, was skipped or only informs', () => {
    const checks = [check('a'), check('b', 'SKIPPED'), check('c', 'INFO')]
    expect(faultsOf('server', { name: 'ping', checks })).toEqual([])
  })

  it.each(['FAILURE', 'WARNING'] as const)('counts a check that ended in %s', (status) => {
    expect(faultsOf('server', { name: 'ping', checks: [check('a'), check('b', status)] })).toHaveLength(1)
  })

  it('counts a scenario in which nothing was checked', () => {
    expect(faultsOf('server', { name: 'ping', checks: [] })).toHaveLength(1)
  })

  it('counts a client that failed or never ended, whatever the checks say', () => {
    const scenario: Scenario = { name: 'tools_call', checks: [check('a')] }
    expect(faultsOf('client', { ...scenario, ending: { well: true } })).toEqual([])
    expect(faultsOf('client', { ...scenario, ending: { well: false } })).toHaveLength(1)
    expect(faultsOf('client', scenario)).toHaveLength(1)
  })

  it('takes a refusal that must be for its own reason only', () => {
    const scenario: Scenario = { name: 'auth/iss-wrong-issuer', checks: [check('a')] }
    const right = { well: false, code: 'oauth.issuer_mismatch' } as const
    const wrong = { well: false, code: 'network.unreachable' } as const
    expect(faultsOf('client', { ...scenario, ending: right })).toEqual([])
    expect(faultsOf('client', { ...scenario, ending: wrong })).toHaveLength(1)
    expect(faultsOf('client', { ...scenario, ending: { well: true } })).toHaveLength(1)
  })
})

describe('the judgement on a run', () => {
  it('counts a required scenario that was not run', () => {
    const { required } = judgementOf('run', { required: ['ping'], unscored: [] }, [])
    expect(required).toEqual([{ scenario: 'ping', faults: ['it was not run'], tries: 0 }])
  })
})

describe('the judgement on a route on which something does not map', () => {
  const run = judgementOf('run', { required: ['ping', 'tasks'], unscored: [] }, [
    { scenario: 'ping', faults: [], tries: 1 },
    { scenario: 'tasks', faults: ['one: fails', 'two (warning): is odd', 'one: fails again'], tries: 1 },
  ])
  const without = (...checks: string[]) => ({ checks, reason: 'a reason' })

  it.each<[string, Unmapped, string[]]>([
    ['is not surprised where just these checks fail', { tasks: without('one', 'two') }, []],
    ['is surprised where a scenario fails that should not', {}, ['tasks']],
    ['is surprised where a check fails that should not', { tasks: without('one') }, ['tasks']],
    ['is surprised where a check passes', { tasks: without('one', 'two', 'three') }, ['tasks']],
    [
      'is surprised where a scenario passes',
      { tasks: without('one', 'two'), ping: without('one') },
      ['ping'],
    ],
    [
      'is surprised by a scenario that is gone',
      { tasks: without('one', 'two'), gone: without('one') },
      ['gone'],
    ],
  ])('%s', (_, known, surprises) => {
    expect(surprisesIn(run, known)).toEqual(surprises)
  })
})

describe('the comparison of a server with its endpoint', () => {
  const direct: Scenario[] = [{ name: 'ping', checks: [check('a'), check('b', 'INFO')] }]

  it('takes no notice of the order of the checks', () => {
    expect(differences(direct, [{ name: 'ping', checks: [check('b', 'INFO'), check('a')] }])).toEqual([])
  })

  it.each<[string, Check[]]>([
    ['ended otherwise', [check('a', 'FAILURE'), check('b', 'INFO')]],
    ['is missing', [check('a')]],
    ['is new', [check('a'), check('b', 'INFO'), check('c')]],
  ])('sees a check that %s', (_, checks) => {
    expect(differences(direct, [{ name: 'ping', checks }])).toEqual(['ping'])
  })

  it('sees a scenario that only one of them has', () => {
    expect(differences(direct, [])).toEqual(['ping'])
    expect(differences([], direct)).toEqual(['ping'])
  })
})

function check(id: string, status: Check['status'] = 'SUCCESS'): Check {
  return { id, name: id, description: 'a rule', status }
}
