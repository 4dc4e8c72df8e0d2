import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  next,
  signedOut,
  statusOf,
  type ConnectionInput,
  type ConnectionState,
} from '../../../bridge/connections/machine.ts'

const failure = { code: 'oauth.refresh_rejected' } as const
const after = (...inputs: ConnectionInput[]): ConnectionState => inputs.reduce(next, signedOut)
const started = (attempt: number): ConnectionInput => ({ type: 'signInStarted', attempt })
const received = (attempt: number, expiresAt?: number): ConnectionInput => ({
  type: 'tokensReceived',
  attempt,
  expiresAt,
  renews: true,
})
const stepUp = { scopes: ['write'], by: { client: 'cursor' }, since: 1 }

describe('the life of a connection', () => {
  it('is connected after the tokens of the awaited attempt', () => {
    expect(statusOf(after(started(1), received(1)), 0)).toBe('connected')
  })

  it('is not revived by a late answer to an abandoned attempt', () => {
    expect(after(started(1), started(2), received(1))).toEqual(after(started(1), started(2)))
    expect(after(started(1), received(1), { type: 'ended' }, received(1)).access.is).toBe('none')
  })

  it('keeps its access when a step-up fails', () => {
    const state = after(started(1), received(1), started(2), { type: 'signInFailed', attempt: 2, failure })
    expect(statusOf(state, 0)).toBe('connected')
    expect(state.signIn).toBeUndefined()
  })

  it('says that the server ended the access until a new sign-in', () => {
    const lost = after(started(1), received(1), { type: 'accessLost', failure })
    expect(statusOf(lost, 0)).toBe('sign-in-again')
    expect(statusOf([started(2), received(2)].reduce(next, lost), 0)).toBe('connected')
  })

  it('is connected through a failing renewal while the old token lives, and retrying afterwards', () => {
    const troubled = after(started(1), received(1, 1_000), { type: 'renewalFailed', failure, nextTryAt: 900 })
    expect(statusOf(troubled, 999)).toBe('connected')
    expect(statusOf(troubled, 1_000)).toBe('retrying')
    expect(statusOf(next(troubled, { type: 'renewed', expiresAt: 5_000, renews: true }), 1_000)).toBe(
      'connected',
    )
  })

  it('counts the renewals that failed in a row', () => {
    const failed: ConnectionInput = { type: 'renewalFailed', failure, nextTryAt: 1 }
    expect(after(started(1), received(1), failed, failed).access).toMatchObject({ trouble: { tries: 2 } })
  })

  it('forgets a step-up with the tokens that answer it', () => {
    const asked = after(started(1), received(1), { type: 'stepUpAsked', stepUp })
    expect(asked.stepUp).toEqual(stepUp)
    expect([started(2), received(2)].reduce(next, asked).stepUp).toBeUndefined()
  })

  it('never asks for a step-up where there is no access to widen', () => {
    expect(after({ type: 'stepUpAsked', stepUp }).stepUp).toBeUndefined()
  })

  it('holds nothing after its end, whatever happened before and whatever arrives late', () => {
    const input: fc.Arbitrary<ConnectionInput> = fc.oneof(
      fc.nat(3).map(started),
      fc.nat(3).map((attempt) => received(attempt)),
      fc.nat(3).map((attempt): ConnectionInput => ({ type: 'signInFailed', attempt, failure })),
      fc.constantFrom<ConnectionInput>(
        { type: 'foundOpen' },
        { type: 'renewed', expiresAt: 1, renews: true },
        { type: 'renewalFailed', failure, nextTryAt: 1 },
        { type: 'accessLost', failure },
        { type: 'keyRefused', failure },
        { type: 'stepUpAsked', stepUp },
      ),
    )
    const late: fc.Arbitrary<ConnectionInput> = input.filter(
      ({ type }) => type !== 'signInStarted' && type !== 'foundOpen',
    )
    fc.assert(
      fc.property(fc.array(input), fc.array(late), (before, afterEnd) => {
        const ended = next(before.reduce(next, signedOut), { type: 'ended' })
        expect(afterEnd.reduce(next, ended)).toEqual(signedOut)
      }),
    )
  })
})
