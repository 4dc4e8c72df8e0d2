import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { changed, defaultAccess, isDefault, openPolicy, policyFor } from '../../../bridge/access/policy.ts'
import { AppAccess, type Verdict } from '../../../shared/access.ts'
import { ruleFor } from './open-gate.ts'

type Rule = readonly [tool: string, verdict: Verdict]

const accessWith = (...rules: Rule[]): AppAccess =>
  rules.reduce(
    (access, [tool, verdict]) => changed(access, ruleFor('app', tool, verdict)),
    defaultAccess('app'),
  )

const verdictOn = (tool: string, ...rules: Rule[]): Verdict =>
  policyFor(accessWith(...rules), 'remote').rules?.verdictOf(tool) ?? 'allow'

const verdict = fc.constantFrom<Verdict>('allow', 'ask', 'deny')
/** Few letters, so that patterns match. */
const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 6 })
const name = fc.string({ unit: fc.constantFrom('a', 'b', 'A'), minLength: 1, maxLength: 8 })

describe('the rules of a client app', () => {
  it.each<[string, string, Verdict, ...Rule[]]>([
    ['nothing was said', 'x', 'allow'],
    ['a rule is about all', 'x', 'deny', ['*', 'deny']],
    ['a name is more than a pattern', 'read', 'allow', ['*', 'deny'], ['re*', 'ask'], ['read', 'allow']],
    ['a longer pattern is more than a shorter', 'read_all', 'ask', ['re*', 'deny'], ['read_*', 'ask']],
    ['stars do not count', 'read_all', 'deny', ['re*ll', 'deny'], ['r*e*l*', 'ask']],
    ['of equals the stricter counts', 'abc', 'deny', ['ab*', 'allow'], ['*bc', 'deny']],
    ['of equals asking is stricter than allowing', 'abc', 'ask', ['ab*', 'allow'], ['*bc', 'ask']],
    ['case does not count', 'Delete_Issue', 'deny', ['delete_*', 'deny']],
    ['the later rule for the same tool counts', 'x', 'ask', ['X', 'deny'], ['x', 'ask']],
    ['a dot is a dot', 'axb', 'allow', ['a.b', 'deny'], ['a.*', 'deny']],
    ['the parts of a pattern do not overlap', 'aba', 'allow', ['ab*ba', 'deny']],
  ])('decide when %s', (_, tool, expected, ...rules) => {
    expect(verdictOn(tool, ...rules)).toBe(expected)
  })

  it('match as a regular expression would', () => {
    fc.assert(
      fc.property(pattern, name, (glob, tool) => {
        const expression = new RegExp(`^${glob.replaceAll('*', '.*')}$`, 'i')
        expect(verdictOn(tool, [glob, 'deny'])).toBe(expression.test(tool) ? 'deny' : 'allow')
      }),
      { numRuns: 2_000 },
    )
  })

  it('decide the same in whatever order they were set', () => {
    const rules = fc.uniqueArray(fc.tuple(pattern, verdict), { selector: ([glob]) => glob, maxLength: 6 })
    fc.assert(
      fc.property(rules, name, (some, tool) => {
        expect(verdictOn(tool, ...some)).toBe(verdictOn(tool, ...some.toReversed()))
      }),
    )
  })

  it('are never made looser by one more denial, but for what is named more exactly', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(pattern, verdict), { maxLength: 5 }), name, (some, tool) => {
        expect(verdictOn(tool, ...some, [tool, 'deny'])).toBe('deny')
      }),
    )
  })

  it('take a name and a pattern of any length in time that grows with them alone', () => {
    const tool = 'a'.repeat(100_000)
    expect(verdictOn(`${tool}b`, [`${'a*'.repeat(150)}c`, 'deny'])).toBe('allow')
  })
})

describe('a change of access', () => {
  it('is taken back by the verdict default, and leaves nothing behind', () => {
    const access = accessWith(['x', 'deny'])
    expect(isDefault(access)).toBe(false)
    expect(isDefault(changed(access, ruleFor('app', 'X', 'default')))).toBe(true)
  })

  it('changes nothing when it is made twice', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(pattern, verdict), { maxLength: 5 }),
        pattern,
        verdict,
        (some, tool, to) => {
          const once = accessWith(...some, [tool, to])
          expect(changed(once, ruleFor('app', tool, to))).toEqual(once)
          expect(AppAccess.parse(once)).toEqual(once)
        },
      ),
    )
  })

  it('of the connections closes all others, also those that are added later', () => {
    const access = changed(defaultAccess('app'), {
      sets: 'connections',
      client: 'app',
      connections: ['linear', 'github', 'linear'] as never[],
    })
    expect(access.connections).toEqual(['github', 'linear'])
    expect(policyFor(access, 'linear')).toBe(openPolicy)
    expect(policyFor(access, 'later').isOpen).toBe(false)
  })
})

describe('a policy without a rule that asks or denies', () => {
  it('is the very policy of an app that nothing was said about', () => {
    expect(policyFor(accessWith(['a', 'allow'], ['*', 'allow']), 'remote')).toBe(openPolicy)
    expect(policyFor(accessWith(['a', 'deny']), 'another')).toBe(openPolicy)
  })
})
