import { describe, expect, it } from 'vitest'
import { openPolicies } from '../../../bridge/access/policies.ts'
import { openPolicy } from '../../../bridge/access/policy.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { recordLog } from '../gateway/support.ts'
import { memoryVault, ruleFor } from './open-gate.ts'

function openStore(vault = memoryVault()) {
  const log = recordLog()
  return { vault, log, policies: openPolicies(vault, log) }
}

describe('what client apps may use', () => {
  it('is the same after a restart', async () => {
    const { vault, policies } = openStore()
    await policies.change('cursor', [ruleFor('cursor', 'delete_*', 'deny')])
    await policies.change('other', [{ sets: 'connections', client: 'other', connections: [] }])
    const { policies: again } = openStore(vault)
    expect(again.list()).toEqual(policies.list())
    expect(again.policyOf('cursor', 'remote').rules?.verdictOf('delete_all')).toBe('deny')
    expect(again.policyOf('other', 'remote').isOpen).toBe(false)
  })

  it('leaves no record where it is what every app may use', async () => {
    const { vault, policies } = openStore()
    await policies.change('cursor', [ruleFor('cursor', 'x', 'deny')])
    await policies.change('cursor', [ruleFor('cursor', 'x', 'default')])
    expect([...vault.records]).toEqual([])
    expect(policies.list()).toEqual([])
    expect(policies.policyOf('cursor', 'remote')).toBe(openPolicy)
  })

  it('is nothing where the record cannot be read, and says so', () => {
    const vault = memoryVault()
    vault.records.set('access cursor', '{"connections":"every","rules":[]}')
    const { policies, log } = openStore(vault)
    expect(policies.policyOf('cursor', 'remote').isOpen).toBe(false)
    expect(policies.policyOf('another', 'remote').isOpen).toBe(true)
    expect(() => policies.get('cursor')).toThrowError(
      expect.objectContaining({ code: 'vault.record_invalid' }),
    )
    expect(log.lines).toMatchObject([{ level: 'error', fields: { client: 'cursor' } }])
  })

  it('stays as it was where the change cannot be written', async () => {
    const { vault, policies } = openStore()
    vault.broken = new BridgeError('vault.write_failed')
    await expect(policies.change('cursor', [ruleFor('cursor', 'x', 'deny')])).rejects.toMatchObject({
      code: 'vault.write_failed',
    })
    expect(policies.policyOf('cursor', 'remote')).toBe(openPolicy)
  })

  it('loses none of the changes that are made at once', async () => {
    const { vault, policies } = openStore()
    const tools = Array.from({ length: 50 }, (_, n) => `tool-${n}`)
    await Promise.all(tools.map((tool) => policies.change('cursor', [ruleFor('cursor', tool, 'deny')])))
    const { rules } = openStore(vault).policies.policyOf('cursor', 'remote')
    expect(tools.filter((tool) => rules?.verdictOf(tool) !== 'deny')).toEqual([])
  })

  it('refuses more rules than a record can hold, and keeps those there are', async () => {
    const { policies } = openStore()
    const many = Array.from({ length: 5_001 }, (_, n) => ruleFor('cursor', `t${n}`, 'deny'))
    await expect(policies.change('cursor', many)).rejects.toMatchObject({ code: 'access.rule_invalid' })
    expect(policies.list()).toEqual([])
  })
})

describe('a policy', () => {
  it('is the same object until something changes for this app at this connection', async () => {
    const { policies } = openStore()
    await policies.change('cursor', [ruleFor('cursor', 'x', 'deny')])
    const before = policies.policyOf('cursor', 'remote')
    expect(policies.policyOf('cursor', 'remote')).toBe(before)
    await policies.change('cursor', [ruleFor('cursor', 'y', 'deny', 'another')])
    await policies.change('zed', [ruleFor('zed', 'y', 'deny')])
    expect(policies.policyOf('cursor', 'remote')).toBe(before)
    await policies.change('cursor', [ruleFor('cursor', 'y', 'deny')])
    expect(policies.policyOf('cursor', 'remote')).not.toBe(before)
  })

  it('is told of to those who watch this app, and to nobody any more after they have ended it', async () => {
    const { policies } = openStore()
    const told: string[] = []
    const unwatch = policies.watch('cursor', () => told.push('cursor'))
    policies.watch('zed', () => told.push('zed'))
    policies.watchAll((client) => told.push(`all: ${client}`))
    await policies.change('cursor', [ruleFor('cursor', 'x', 'deny')])
    unwatch()
    await policies.change('cursor', [ruleFor('cursor', 'x', 'ask')])
    expect(told).toEqual(['cursor', 'all: cursor', 'all: cursor'])
  })
})
