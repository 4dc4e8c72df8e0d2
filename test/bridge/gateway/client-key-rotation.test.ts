import { describe, expect, it, onTestFinished } from 'vitest'
import { openClientKeys } from '../../../bridge/gateway/client-keys.ts'
import { startBridge } from '../../support/bridge-under-test.ts'

async function bridgeUnderTest() {
  const bridge = await startBridge()
  onTestFinished(() => bridge.close())
  return bridge
}

describe('the rotation of a client key', () => {
  it('ends the old key, and no other', async () => {
    const { vault } = await bridgeUnderTest()
    const keys = openClientKeys(vault)
    const [old, other] = [await keys.keyFor('cursor'), await keys.keyFor('zed')]
    const renewed = await keys.rotate('cursor')
    expect(keys.clientOf(old)).toBeUndefined()
    expect(keys.clientOf(renewed)).toBe('cursor')
    expect(keys.clientOf(other)).toBe('zed')
    expect(await keys.keyFor('cursor')).toBe(renewed)
    expect(keys.find('cursor')).toBe(renewed)
  })

  it('outlives a restart', async () => {
    const { vault } = await bridgeUnderTest()
    const old = await openClientKeys(vault).keyFor('cursor')
    const renewed = await openClientKeys(vault).rotate('cursor')
    const again = openClientKeys(vault)
    expect(again.clientOf(old)).toBeUndefined()
    expect(again.clientOf(renewed)).toBe('cursor')
  })

  it('leaves one key that is good and on disk, however many happen at once', async () => {
    const { vault } = await bridgeUnderTest()
    const keys = openClientKeys(vault)
    const made = await Promise.all([
      keys.keyFor('cursor'),
      keys.rotate('cursor'),
      keys.rotate('cursor'),
      keys.keyFor('cursor'),
    ])
    const good = made.filter((key) => keys.clientOf(key) !== undefined)
    expect(new Set(good).size).toBe(1)
    expect(openClientKeys(vault).clientOf(good[0] ?? '')).toBe('cursor')
    expect(made[3]).toBe(good[0])
  })

  it('keeps the old key when the new one could not be written', async () => {
    const bridge = await bridgeUnderTest()
    const keys = openClientKeys(bridge.vault)
    const old = await keys.keyFor('cursor')
    await bridge.vault.close()
    await expect(keys.rotate('cursor')).rejects.toMatchObject({ code: 'bridge.busy' })
    expect(keys.clientOf(old)).toBe('cursor')
    expect(await keys.keyFor('cursor')).toBe(old)
  })
})
