import { describe, expect, it } from 'vitest'
import { grantRecords } from '../../../bridge/connections/records.ts'
import { json, serve, type Loopback } from '../oauth/loopback.ts'
import { grantFrom, keeperId, openKeeper } from './open-keeper.ts'

/** A token endpoint that answers the n-th request with the n-th status, and tokens named after n. */
async function tokenEndpoint(...statuses: number[]): Promise<Loopback> {
  let count = 0
  return await serve((_request, response) => {
    const status = statuses[count] ?? 200
    count += 1
    if (status !== 200) return json(response, { error: 'invalid_client' }, status)
    const tokens = { access_token: `renewed-${count}`, refresh_token: `refresh-${count}`, expires_in: 3600 }
    json(response, { ...tokens, token_type: 'Bearer' })
  })
}

describe('a renewal that failed for now', () => {
  it('is made again by its timer, even when that is early or the clock was set back', async () => {
    const { origin, received } = await tokenEndpoint(503, 503)
    const opened = await openKeeper(origin)
    const { keeper, news, fireTimers } = opened
    await keeper.adopt(grantFrom(origin), () => true)
    fireTimers()
    await expect.poll(() => news).toHaveLength(1)
    opened.time = -7_200_000
    fireTimers()
    await expect.poll(() => news).toHaveLength(2)
    fireTimers()
    await expect.poll(() => news.map(({ type }) => type)).toEqual(['troubled', 'troubled', 'renewed'])
    expect(received).toHaveLength(3)
  })

  it('is not made again by calls before its pause is over', async () => {
    const { origin, received } = await tokenEndpoint(503)
    const opened = await openKeeper(origin)
    await opened.keeper.adopt(grantFrom(origin), () => true)
    opened.time = 3_600_001
    for (let n = 0; n < 3; n += 1) {
      await expect(opened.keeper.obtain()).rejects.toMatchObject({ code: 'oauth.refresh_failed' })
    }
    expect(received).toHaveLength(1)
  })
})

describe('a token that the server refuses', () => {
  it('was good when it had been accepted, though an older call hears of its success later', async () => {
    const { origin } = await tokenEndpoint()
    const { keeper } = await openKeeper(origin)
    const first = await keeper.adopt(grantFrom(origin), () => true)
    keeper.accepted(first)
    const second = await keeper.replace(first)
    keeper.accepted(second)
    keeper.accepted(first)
    expect((await keeper.replace(second)).headers).toEqual({ authorization: 'Bearer renewed-2' })
  })
})

describe('a token that cannot be renewed', () => {
  it('is used until the server refuses it, since our clock may be wrong', async () => {
    const { origin, received } = await tokenEndpoint()
    const opened = await openKeeper(origin)
    const { keeper, vault } = opened
    const { refreshToken: _none, ...grant } = grantFrom(origin)
    const credentials = await keeper.adopt(grant, () => true)
    opened.time = 365 * 24 * 3_600_000
    expect(keeper.current()).toBe(credentials)
    await expect(keeper.replace(credentials)).rejects.toMatchObject({ code: 'oauth.expired' })
    expect([keeper.current(), vault.read(grantRecords, keeperId)?.lost?.code]).toEqual([
      undefined,
      'oauth.expired',
    ])
    expect(received).toEqual([])
  })
})

describe('a grant that the server ended', () => {
  it('stays ended when the registration cannot be forgotten', async () => {
    const { origin, received } = await tokenEndpoint(401)
    const { keeper, news } = await openKeeper(origin, {
      forget: () => Promise.reject(new Error('disk full')),
    })
    const credentials = await keeper.adopt(grantFrom(origin), () => true)
    await expect(keeper.replace(credentials)).rejects.toMatchObject({ code: 'oauth.client_unknown' })
    await expect(keeper.obtain()).rejects.toMatchObject({ code: 'oauth.client_unknown' })
    expect(news.map(({ type }) => type)).toEqual(['lost'])
    expect(received).toHaveLength(1)
  })
})

describe('closing', () => {
  it('waits for the answer to a renewal under way, and puts it on disk', async () => {
    let answer = (): void => undefined
    const { origin, received } = await serve((_request, response) => {
      answer = () =>
        json(response, { access_token: 'new', refresh_token: 'new-refresh', token_type: 'Bearer' })
    })
    const { keeper, vault, fireTimers } = await openKeeper(origin)
    await keeper.adopt(grantFrom(origin), () => true)
    fireTimers()
    await expect.poll(() => received).toHaveLength(1)
    const closed = keeper.close()
    answer()
    await closed
    expect(vault.read(grantRecords, keeperId)?.refreshToken).toBe('new-refresh')
  })
})
