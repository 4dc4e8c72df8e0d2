import { describe, expect, it } from 'vitest'
import type { AskedCall } from '../../../bridge/access/approvals.ts'
import { BridgeError, type Failure } from '../../../shared/errors.ts'
import { openGate, type OpenGate } from './open-gate.ts'

/** Time that passes when the test says so. */
function handClock() {
  let now = 1_000
  const timers = new Set<{ at: number; run: () => void }>()
  return {
    now: () => now,
    after(ms: number, run: () => void) {
      const timer = { at: now + ms, run }
      timers.add(timer)
      return () => void timers.delete(timer)
    },
    pass(ms: number) {
      now += ms
      for (const timer of timers) if (timer.at <= now && timers.delete(timer)) timer.run()
    },
    get waiting() {
      return timers.size
    },
  }
}

async function setScene(waitMs = 120_000) {
  const clock = handClock()
  const scene = openGate({ clock, waitMs })
  await scene.rule('app', '*', 'ask')
  return { ...scene, clock }
}

/** Asks, and gives what becomes of it: `undefined` while it waits. */
function ask({ approvals }: Pick<OpenGate, 'approvals'>, own: Partial<AskedCall> & { client?: string } = {}) {
  const { client = 'app', ...call } = own
  const outcome: { is?: 'allowed' | Failure; leave?: () => void } = {}
  const held = approvals.hold({
    session: approvals.openSession(client, 'remote'),
    tool: 'write',
    bytes: 100,
    preview: () => '{}',
    settled: (failure) => void (outcome.is = failure ?? 'allowed'),
    ...call,
  })
  if (typeof held === 'function') outcome.leave = held
  else outcome.is = held
  return outcome
}

const idOf = ({ approvals }: Pick<OpenGate, 'approvals'>, at = 0): string =>
  approvals.list()[at]?.id ?? 'none'

describe('a call that waits for a person', () => {
  it('is told of without what it is called with, which the list alone has', async () => {
    const scene = await setScene()
    ask(scene, { tool: 'write\u001b[2J', preview: () => '{"to":"ada"}' })
    const approval = {
      id: '1',
      client: 'app',
      connection: 'remote',
      tool: 'write[2J',
      since: 1_000,
      expires: 121_000,
    }
    expect(scene.events).toEqual([{ event: 'approval-asked', approval }])
    expect(scene.approvals.list()).toEqual([{ ...approval, preview: '{"to":"ada"}' }])
  })

  it('goes on when it is allowed, and the next one is asked for again', async () => {
    const scene = await setScene()
    const call = ask(scene)
    await scene.approvals.answer(idOf(scene), { verdict: 'allow', lasts: 'once' })
    expect(call.is).toBe('allowed')
    expect(ask(scene).is).toBeUndefined()
  })

  it('is refused when it is denied', async () => {
    const scene = await setScene()
    const call = ask(scene)
    await scene.approvals.answer(idOf(scene), { verdict: 'deny', lasts: 'once' })
    expect(call.is).toEqual({ code: 'access.call_denied' })
    expect(scene.events.at(-1)).toEqual({ event: 'approval-settled', id: '1', outcome: 'denied' })
  })

  it('is refused when nobody answers in time, and not before', async () => {
    const scene = await setScene()
    const call = ask(scene)
    scene.clock.pass(119_999)
    expect(call.is).toBeUndefined()
    scene.clock.pass(1)
    expect(call.is).toEqual({ code: 'access.not_approved' })
    expect(scene.events.at(-1)).toEqual({ event: 'approval-settled', id: '1', outcome: 'expired' })
    await expect(scene.approvals.answer('1', { verdict: 'allow', lasts: 'once' })).rejects.toMatchObject({
      code: 'access.approval_unknown',
    })
  })

  it('is refused at once where the settings say that nobody is waited for', async () => {
    const scene = await setScene(0)
    expect(ask(scene).is).toEqual({ code: 'access.not_approved' })
    expect(scene.events).toEqual([])
  })

  it('is forgotten when its client leaves, and cannot be answered any more', async () => {
    const scene = await setScene()
    const call = ask(scene)
    call.leave?.()
    expect(scene.approvals.list()).toEqual([])
    expect(scene.clock.waiting).toBe(0)
    expect(scene.events.at(-1)).toEqual({ event: 'approval-settled', id: '1', outcome: 'left' })
    expect(call.is).toBeUndefined()
  })

  it('is refused when the bridge ends, and so is every later one', async () => {
    const scene = await setScene()
    const call = ask(scene)
    scene.approvals.close()
    expect([call.is, ask(scene).is]).toEqual([{ code: 'bridge.busy' }, { code: 'bridge.busy' }])
    expect(scene.clock.waiting).toBe(0)
  })
})

describe('an answer "for this session"', () => {
  it('settles what waits for the same in that session, and is remembered by it', async () => {
    const scene = await setScene()
    const session = scene.approvals.openSession('app', 'remote')
    const alike = [ask(scene, { session }), ask(scene, { session })]
    const others = [ask(scene, { session, tool: 'another' }), ask(scene)]
    await scene.approvals.answer('2', { verdict: 'allow', lasts: 'session' })
    expect(alike.map(({ is }) => is)).toEqual(['allowed', 'allowed'])
    expect(others.map(({ is }) => is)).toEqual([undefined, undefined])
    expect([...session.allowed]).toEqual(['write'])
  })

  it('is forgotten when a person sets a rule anew', async () => {
    const scene = await setScene()
    const session = scene.approvals.openSession('app', 'remote')
    ask(scene, { session })
    await scene.approvals.answer('1', { verdict: 'allow', lasts: 'session' })
    scene.approvals.forgetSessions('app', 'remote')
    expect([...session.allowed]).toEqual([])
  })
})

describe('an answer "always"', () => {
  it('becomes a rule, which settles what waits for the same in every session', async () => {
    const scene = await setScene()
    const alike = [ask(scene), ask(scene, { tool: 'WRITE' })]
    const others = [ask(scene, { tool: 'another' }), ask(scene, { client: 'app2' })]
    await scene.approvals.answer('1', { verdict: 'allow', lasts: 'always' })
    expect(alike.map(({ is }) => is)).toEqual(['allowed', 'allowed'])
    expect(others.map(({ is }) => is)).toEqual([undefined, undefined])
    expect(scene.policies.policyOf('app', 'remote').rules?.verdictOf('write')).toBe('allow')
  })

  it('denies by a rule, too', async () => {
    const scene = await setScene()
    const alike = [ask(scene), ask(scene)]
    await scene.approvals.answer('2', { verdict: 'deny', lasts: 'always' })
    expect(alike.map(({ is }) => is)).toEqual([
      { code: 'access.tool_denied' },
      { code: 'access.tool_denied' },
    ])
  })

  it('is not given where the name of the tool would be a pattern, and the call waits on', async () => {
    const scene = await setScene()
    const call = ask(scene, { tool: 'wr*' })
    await expect(scene.approvals.answer('1', { verdict: 'allow', lasts: 'always' })).rejects.toMatchObject({
      code: 'access.rule_invalid',
    })
    expect(call.is).toBeUndefined()
  })

  it('is not given where the rule cannot be written, and the call waits on', async () => {
    const scene = await setScene()
    const call = ask(scene)
    scene.vault.broken = new BridgeError('vault.write_failed')
    await expect(scene.approvals.answer('1', { verdict: 'allow', lasts: 'always' })).rejects.toMatchObject({
      code: 'vault.write_failed',
    })
    expect(call.is).toBeUndefined()
  })
})

describe('a change of the rules', () => {
  it('answers the calls that wait, as far as it says', async () => {
    const scene = await setScene()
    const [denied, allowed, asked] = ['a', 'b', 'c'].map((tool) => ask(scene, { tool }))
    await scene.rule('app', 'a', 'deny')
    await scene.rule('app', 'b', 'allow')
    expect([denied?.is, allowed?.is, asked?.is]).toEqual([
      { code: 'access.tool_denied' },
      'allowed',
      undefined,
    ])
  })

  it('that takes the connection away refuses them without saying that it exists', async () => {
    const scene = await setScene()
    const call = ask(scene)
    await scene.policies.change('app', [{ sets: 'connections', client: 'app', connections: [] }])
    expect(call.is).toEqual({ code: 'connection.unknown' })
  })
})

describe('many calls that wait', () => {
  it('are bounded for each client app, and settled all at once', async () => {
    const scene = await setScene()
    const calls = Array.from({ length: 1_000 }, () => ask(scene))
    expect(ask(scene).is).toEqual({ code: 'access.too_many_asked' })
    await scene.rule('other', '*', 'ask')
    expect(ask(scene, { client: 'other' }).is).toBeUndefined()
    await scene.approvals.answer(idOf(scene, 500), { verdict: 'allow', lasts: 'always' })
    expect(calls.every(({ is }) => is === 'allowed')).toBe(true)
    expect(scene.approvals.list()).toHaveLength(1)
    expect(scene.clock.waiting).toBe(1)
  })

  it('are bounded in their bytes, but one alone may be as large as it likes', async () => {
    const scene = await setScene()
    const large = ask(scene, { bytes: 500_000_000 })
    expect(large.is).toBeUndefined()
    expect(ask(scene).is).toEqual({ code: 'access.too_many_asked' })
    large.leave?.()
    expect(ask(scene).is).toBeUndefined()
  })
})
