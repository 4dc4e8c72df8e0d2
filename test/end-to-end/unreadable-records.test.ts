import { describe, expect, it } from 'vitest'
import type { RecordKind } from '../../bridge/vault/record.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { callRaw } from '../support/raw-call.ts'
import { closing, setScene } from './scene.ts'

/** Records as a later version might write them. */
const later = (name: string): RecordKind<unknown> => ({ name, version: 99, parse: (value) => value })

describe('a record that this version cannot read', () => {
  it('costs its own connection its access and no other one anything', async () => {
    const { bridge, server } = await setScene()
    const well = await bridge.connect(server.url, { id: 'well' })
    const ill = await bridge.connect(server.url, { id: 'ill' })
    await bridge.vault.write(
      { kind: later('grant'), id: ill, value: { from: 'later' } },
      { kind: later('connection'), id: 'strange', value: { from: 'later' } },
    )
    await bridge.stop()

    const again = closing(await startBridge({ home: bridge.home }))
    expect((await callRaw(await again.endpoint(well), 'whoami')).status).toBe(200)
    expect(again.bridge.connections.get(ill).view.failure?.code).toBe('vault.record_invalid')
    const checks = await again.control.bridge.doctor({}, new AbortController().signal)
    expect(checks.find(({ check }) => check === 'connection strange')?.failure?.code).toBe(
      'vault.record_invalid',
    )
    await expect(again.add(server.url, { id: 'strange' })).rejects.toMatchObject({
      code: 'connection.exists',
    })
    expect((await again.signIn(ill)).at(-1)?.event).toBe('connected')
  })
})
