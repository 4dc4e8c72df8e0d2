import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect as expectPage } from '@playwright/test'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { closing } from '../end-to-end/scene.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { openWindow, unavailable } from './window.ts'

const { signal } = new AbortController()
const before = '{\n  "mcpServers": {}\n}\n'

afterEach(() => vi.unstubAllEnvs())

/** A bridge whose person has Cursor, and a home that is nobody's. */
async function setScene(): Promise<{ readonly bridge: BridgeUnderTest; readonly file: string }> {
  const server = closing(await startMcpServer())
  const bridge = closing(await startBridge())
  for (const [name, value] of Object.entries(bridge.home.env)) vi.stubEnv(name, value)
  await bridge.add(server.url, { id: 'issues' })
  const folder = join(bridge.home.env['HOME'] ?? '', '.cursor')
  await mkdir(folder)
  const file = join(folder, 'mcp.json')
  await writeFile(file, before)
  return { bridge, file }
}

describe.skipIf(unavailable !== '')(`a client app in the window${unavailable}`, () => {
  it('gets the entry only after its change was shown, and has its file as it was after Undo', async () => {
    const { bridge, file } = await setScene()
    const { page, complaints } = await openWindow(bridge)
    await page.getByRole('link', { name: 'Client apps' }).click()
    await page.getByRole('link', { name: /^Cursor/ }).click()
    const all = page.getByRole('switch', { name: 'All servers' })
    await all.click()
    await expectPage(page.getByRole('region', { name: 'The difference' })).toContainText('bridgekeeper')
    expect(await readFile(file, 'utf8')).toBe(before)
    await page.getByRole('button', { name: 'Make this change' }).click()
    await page.getByText('It is done.').waitFor()
    await expectPage(all).toBeChecked()
    expect(await readFile(file, 'utf8')).toContain(bridge.origin)

    await page.getByRole('button', { name: 'Undo…' }).click()
    await page.getByRole('button', { name: 'Make this change' }).click()
    await expectPage(all).not.toBeChecked()
    expect(await readFile(file, 'utf8')).toBe(before)
    expect(complaints).toEqual([])
  })

  it('may use what the person says, in force at once', async () => {
    const { bridge } = await setScene()
    const { page } = await openWindow(bridge)
    await page.getByRole('link', { name: 'Client apps' }).click()
    await page.getByRole('link', { name: /^Cursor/ }).click()
    await page.getByText('Tools: allow').click()
    const access = () => bridge.control.access.get({ client: 'cursor' }, signal)
    await page.getByLabel('Every other tool of issues').selectOption('Ask me')
    await page.getByText('Tools: ask me').waitFor()
    expect((await access()).rules).toEqual([{ connection: 'issues', tool: '*', verdict: 'ask' }])
    await page.getByRole('switch', { name: 'Every server' }).click()
    await page.getByRole('switch', { name: 'issues' }).click()
    await expectPage(page.getByRole('switch', { name: 'issues' })).not.toBeChecked()
    expect((await access()).connections).toEqual([])
  })
})
