import { expect as expectPage } from '@playwright/test'
import { describe, expect, it } from 'vitest'
import { ConnectionId } from '../../shared/connection.ts'
import { closing } from '../end-to-end/scene.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { openWindow, unavailable } from './window.ts'

const issues = ConnectionId.parse('issues')
const { signal } = new AbortController()

/** A tool that asks first, and the calls that wait for it. */
async function setScene(): Promise<{
  bridge: BridgeUnderTest
  server: McpServerUnderTest
  readonly call: () => Promise<unknown>
}> {
  const server = closing(await startMcpServer())
  const bridge = closing(await startBridge())
  await bridge.add(server.url, { id: issues })
  await bridge.control.access.set(
    { sets: 'rule', client: 'bridgekeeper', connection: issues, tool: 'echo', verdict: 'ask' },
    signal,
  )
  const args = { text: 'water the plants', token: 'planted-secret' }
  const call = () => bridge.control.connections.call({ id: issues, tool: 'echo', arguments: args }, signal)
  return { bridge, server, call }
}

describe.skipIf(unavailable !== '')(`a call that waits for a person${unavailable}`, () => {
  it('appears by itself, shows what it is called with, and goes on after Allow', async () => {
    const { bridge, server, call } = await setScene()
    const { page, complaints } = await openWindow(bridge)
    await page.getByRole('link', { name: 'Approvals' }).click()
    await page.getByText('No call is waiting for you.').waitFor()
    const called = call()
    const card = page.getByRole('region', { name: 'bridgekeeper wants to use echo' })
    await expectPage(card).toContainText('water the plants')
    await expectPage(page.getByRole('link', { name: 'Approvals 1 waiting for you' })).toBeVisible()
    expect(await page.content()).not.toContain('planted-secret')
    expect(server.record.calls).toEqual([])
    await card.getByRole('button', { name: 'Allow once' }).click()
    expect(JSON.stringify(await called)).toContain('water the plants')
    await expectPage(card).toBeHidden()
    await expectPage(page.getByText('No call is waiting for you.')).toBeFocused()
    expect(complaints).toEqual([])
  })

  it('is refused by Always deny, and so is the next one without a question', async () => {
    const { bridge, server, call } = await setScene()
    const { page } = await openWindow(bridge)
    const called = call().catch((error: unknown) => String(error))
    await page.getByRole('link', { name: 'Approvals 1 waiting for you' }).click()
    await page.getByRole('button', { name: 'Always deny' }).press('Enter')
    expect(await called).toContain('refused')
    const rule = { connection: issues, tool: 'echo', verdict: 'deny' }
    expect((await bridge.control.access.get({ client: 'bridgekeeper' }, signal)).rules).toEqual([rule])
    await expect(call()).rejects.toThrow('refused')
    expect(server.record.calls).toEqual([])
  })

  it('leaves every window once it is answered elsewhere', async () => {
    const { bridge, call } = await setScene()
    const { page } = await openWindow(bridge)
    const called = call()
    await page.getByRole('link', { name: 'Approvals 1 waiting for you' }).click()
    const [waiting] = await bridge.control.approvals.list({}, signal)
    const answer = { verdict: 'allow', lasts: 'once' } as const
    await bridge.control.approvals.answer({ id: waiting?.id ?? '', answer }, signal)
    await called
    await expectPage(page.getByText('No call is waiting for you.')).toBeVisible()
    expect(await bridge.control.approvals.list({}, signal)).toEqual([])
  })
})
