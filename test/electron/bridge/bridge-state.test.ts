import { describe, expect, it } from 'vitest'
import { contentsAfter, nothingYet } from '../../../electron/bridge/bridge-state.ts'
import type { BridgeEvent } from '../../../shared/events.ts'
import { connection } from '../connections.ts'

function after(...events: readonly BridgeEvent[]): {
  connections: readonly string[]
  approvals: readonly string[]
} {
  const { connections, approvals } = events.reduce(contentsAfter, nothingYet)
  return { connections: connections.map(({ id, status }) => `${id} ${status}`), approvals: [...approvals] }
}

const added = (...given: Parameters<typeof connection>): BridgeEvent => ({
  event: 'connection-added',
  connection: connection(...given),
})
const a = connection('a')
const waiting = (id: string): BridgeEvent => ({
  event: 'approval-asked',
  approval: { id, client: 'Cursor', connection: a.id, tool: 'x', since: 1, expires: 2 },
})

describe('what the tray app knows of the bridge', () => {
  it('follows connections, each in its place', () => {
    const changed: BridgeEvent = {
      event: 'connection-changed',
      connection: connection('a', { status: 'failed' }),
    }
    expect(after(added('a'), added('b'), changed).connections).toEqual(['a failed', 'b connected'])
    expect(after(added('a'), added('b'), { event: 'connection-removed', id: a.id }).connections).toEqual([
      'b connected',
    ])
    // Read and heard at once, it is there once.
    expect(after(added('a'), added('a')).connections).toEqual(['a connected'])
  })

  it('follows the calls that wait', () => {
    expect(after(waiting('1'), waiting('2'), waiting('2')).approvals).toEqual(['1', '2'])
    expect(after(waiting('1'), { event: 'approval-settled', id: '1', outcome: 'denied' }).approvals).toEqual(
      [],
    )
  })
})
