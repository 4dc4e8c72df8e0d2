import { readFile } from 'node:fs/promises'
import { expect as expectPage } from '@playwright/test'
import { describe, expect, it } from 'vitest'
import { ConnectionId } from '../../shared/connection.ts'
import { closing } from '../end-to-end/scene.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { openWindow, unavailable } from './window.ts'

const { signal } = new AbortController()

describe.skipIf(unavailable !== '')(`the record of calls in the window${unavailable}`, () => {
  it('shows a call as it ends, keeps it back while paused, filters, and is saved as JSON lines', async () => {
    const server = closing(await startMcpServer())
    const bridge = closing(await startBridge())
    for (const id of ['issues', 'other']) await bridge.add(server.url, { id })
    const call = (tool: string) =>
      bridge.control.connections.call(
        { id: ConnectionId.parse('issues'), tool, arguments: { text: 'x' } },
        signal,
      )
    const { page, complaints } = await openWindow(bridge)
    await page.getByRole('link', { name: 'Activity' }).click()
    await page.getByText('No call yet.').waitFor()
    await call('echo')
    const row = page.getByRole('button', { name: 'echo' })
    await expectPage(row).toContainText('Answered')
    await page.getByRole('button', { name: 'Pause' }).click()
    await call('whoami')
    await page.getByText(/\d more since\./).waitFor()
    await expectPage(page.getByRole('button', { name: 'whoami' })).toBeHidden()
    await page.getByRole('button', { name: 'Go on' }).click()
    await expectPage(page.getByRole('button', { name: 'whoami' })).toBeVisible()

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: 'Export' }).click(),
    ])
    const lines = (await readFile(await download.path(), 'utf8')).trim().split('\n')
    const names = lines.map((line) => (JSON.parse(line) as { name?: string }).name)
    expect(names.filter((name) => name !== undefined)).toEqual(['whoami', 'echo'])

    await row.click()
    await expectPage(page.getByRole('dialog')).toContainText('tools/call')
    await page.keyboard.press('Escape')
    await page.getByLabel('Server', { exact: true }).selectOption('other')
    await page.getByText('No call fits.').waitFor()
    expect(complaints).toEqual([])
  })
})
