import { describe, expect, it } from 'vitest'
import { receiptNotice } from '../../../electron/notifications/receipt.ts'
import { consequenceOf, type Notice, type Open } from '../../../electron/notifications/rules.ts'
import { ConnectionId, type Receipt } from '../../../shared/connection.ts'
import type { BridgeEvent } from '../../../shared/events.ts'
import { connection, stepUp } from '../connections.ts'

const id = (name: string): ConnectionId => ConnectionId.parse(name)
const needed = (name: string, code: 'oauth.refresh_rejected' | 'discovery.issuer_changed'): BridgeEvent => ({
  event: 'sign-in-needed',
  id: id(name),
  failure: { code },
})
const lost = (name: string): BridgeEvent => needed(name, 'oauth.refresh_rejected')
const changed = (...given: Parameters<typeof connection>): BridgeEvent => ({
  event: 'connection-changed',
  connection: connection(...given),
})
const asked = (name: string): BridgeEvent => ({ event: 'step-up-asked', id: id(name), stepUp })

/** All that a person sees of these events, in order: what comes, and with a minus what goes. */
function told(...events: readonly BridgeEvent[]): readonly string[] {
  const shown = new Map<string, Notice>()
  let open: Open = new Map()
  return events.flatMap((event) => {
    const { open: next, show, withdraw } = consequenceOf(open, event)
    open = next
    const gone = withdraw.flatMap((key) => {
      const notice = shown.get(key)
      shown.delete(key)
      return notice ? [`-${notice.title}`] : []
    })
    for (const notice of show) shown.set(notice.key, notice)
    return [...gone, ...show.map(({ title }) => title)]
  })
}

describe('what a person is told', () => {
  it('tells of a lost sign-in once until it is settled, however often it is asked', () => {
    expect(told(lost('linear'), lost('linear'), lost('linear'))).toEqual(['linear needs you to sign in'])
    expect(
      told(lost('linear'), changed('linear', { status: 'sign-in-again' }), lost('linear'), changed('linear')),
    ).toEqual(['linear needs you to sign in', '-linear needs you to sign in'])
    expect(told(lost('linear'), changed('linear'), lost('linear'))).toHaveLength(3)
  })

  it('tells of a step-up what is asked for and by which call, and opens it', () => {
    const { show } = consequenceOf(new Map(), asked('linear'))
    expect(show).toEqual([
      {
        key: 'step-up:linear',
        title: 'linear asks for read, write:issues',
        body: 'Cursor wants to use create_issue. The call is waiting for you.',
        opens: '/servers/linear',
      },
    ])
    expect(told(asked('linear'), changed('linear', { stepUp }), asked('linear'), changed('linear'))).toEqual([
      'linear asks for read, write:issues',
      '-linear asks for read, write:issues',
    ])
  })

  it('tells another issuer apart from a lost sign-in', () => {
    const { show } = consequenceOf(new Map(), needed('linear', 'discovery.issuer_changed'))
    expect(show[0]).toMatchObject({ title: 'linear changed who signs you in', opens: '/servers/linear' })
  })

  it('says nothing of what the person did', () => {
    expect(told(changed('linear', { status: 'signed-out' }), lost('linear'))).toEqual([])
    expect(told(changed('linear', { status: 'signing-in' }), lost('linear'))).toEqual([])
    expect(told(changed('linear', { status: 'signed-out' }), changed('linear'), lost('linear'))).toEqual([
      'linear needs you to sign in',
    ])
  })

  it('speaks once for many connections with the same cause', () => {
    const names = ['a', 'b', 'c', 'd', 'e']
    const seen = told(...names.map(lost))
    expect(seen).toEqual([
      'a needs you to sign in',
      'b needs you to sign in',
      'c needs you to sign in',
      '-a needs you to sign in',
      '-b needs you to sign in',
      '-c needs you to sign in',
      'Several servers need you to sign in',
    ])
    expect(told(...names.map(lost), ...names.map((name) => changed(name))).slice(7)).toEqual([
      '-Several servers need you to sign in',
    ])
  })

  it('tells of a call that waits, and of many at once', () => {
    const waiting = (at: string): BridgeEvent => ({
      event: 'approval-asked',
      approval: {
        id: at,
        client: 'Cursor',
        connection: id('linear'),
        tool: 'delete_issue',
        since: 1,
        expires: 2,
      },
    })
    const answered = (at: string): BridgeEvent => ({ event: 'approval-settled', id: at, outcome: 'allowed' })
    const { show } = consequenceOf(new Map(), waiting('1'))
    expect(show).toMatchObject([{ title: 'Cursor wants to use delete_issue', opens: '/approvals' }])
    expect(told(waiting('1'), answered('1'), waiting('2'))).toEqual([
      'Cursor wants to use delete_issue',
      '-Cursor wants to use delete_issue',
      'Cursor wants to use delete_issue',
    ])
    expect(told(...['1', '2', '3', '4'].map(waiting)).at(-1)).toBe('Several calls wait for you')
  })

  it('forgets a connection that is removed', () => {
    expect(told(lost('a'), { event: 'connection-removed', id: id('a') }, lost('a'))).toHaveLength(3)
  })

  it('bounds and cleans what others wrote', () => {
    const by = { client: `\u202E${'x'.repeat(5000)}`, name: 'a\nb' }
    const { show } = consequenceOf(new Map(), {
      event: 'step-up-asked',
      id: id('a'),
      stepUp: { ...stepUp, scopes: ['s'.repeat(500)], by },
    })
    expect(show[0]?.title.length).toBeLessThan(90)
    expect(show[0]?.body).toMatch(/^x{39}… wants to use a b\. The call is waiting for you\.$/)
  })
})

describe('the receipt of a revocation', () => {
  const receipt: Receipt = {
    connection: id('linear'),
    at: 1,
    refreshToken: 'confirmed',
    accessToken: 'confirmed',
    local: 'removed',
    failures: [],
  }

  it.each([
    [receipt, 'linear: access ended'],
    [{ ...receipt, accessToken: 'not-held' }, 'linear: access ended'],
    [{ ...receipt, accessToken: 'failed' }, 'linear: removed here, not ended at the server'],
    [{ ...receipt, refreshToken: 'not-offered' }, 'linear: removed here, not ended at the server'],
    [
      { ...receipt, refreshToken: 'not-held', accessToken: 'not-held' },
      'linear: there was nothing to revoke',
    ],
  ] satisfies [Receipt, string][])('says no more than the server confirmed: %#', (given, title) => {
    expect(receiptNotice(given).title).toBe(title)
  })

  it('says each part, and why one failed', () => {
    const { body } = receiptNotice({
      ...receipt,
      accessToken: 'failed',
      failures: [{ code: 'network.timeout' }, { code: 'network.timeout' }],
    })
    expect(body.split('\n')).toEqual([
      'Refresh token: the server confirmed it.',
      'Access token: the server did not confirm it; it may live until it expires.',
      'Removed from this machine.',
      'The server did not answer in time.',
    ])
  })
})
