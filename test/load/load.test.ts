import { describe, expect, it } from 'vitest'
import { Account } from './account.ts'
import { runLoad } from './load.ts'

describe('many clients of both kinds and both eras at once', () => {
  it('lose nothing, and get nothing that is not theirs', async () => {
    const { lost, faults, server } = await runLoad({
      pairs: 10,
      fewPairs: 2,
      calls: 3_200,
      fewCalls: 800,
      rounds: 1,
      limitMs: 60_000,
    })
    expect(faults).toEqual([])
    expect(lost).toBe(0)
    expect(server).toEqual({ calls: 4_000, repeated: 0, refused: 0 })
  }, 90_000)
})

describe('the account of a client under load', () => {
  const result = (text: string) => ({ content: [{ text }] })

  it('notices an answer that is for another client, one that comes twice, and one that is lost', () => {
    const faults: string[] = []
    const account = new Account('one', faults)
    const first = account.open(false)
    account.open(false)
    account.hear({ id: first.id, result: result('other/1') })
    account.hear({ id: first.id, result: result(first.nonce) })
    expect(faults).toHaveLength(2)
    expect(account.lost).toBe(1)
  })

  it('notices progress that is missing, out of turn or of another call', () => {
    const faults: string[] = []
    const account = new Account('one', faults)
    const { id, nonce } = account.open(true)
    const hear = (progress: number, message: string): void =>
      account.hear({ method: 'notifications/progress', params: { progressToken: id, progress, message } })
    hear(1, nonce)
    hear(3, nonce)
    hear(3, 'other/1')
    account.hear({ id, result: result(nonce) })
    expect(faults).toHaveLength(3)
  })
})
