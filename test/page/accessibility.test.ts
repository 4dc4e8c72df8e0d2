import { mkdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import type { AxeResults } from 'axe-core'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { ConnectionId } from '../../shared/connection.ts'
import { closing } from '../end-to-end/scene.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { openWindow, unavailable } from './window.ts'

const { signal } = new AbortController()
const issues = ConnectionId.parse('issues')
const views: { at: string; press?: { role: 'switch' | 'button'; name: string | RegExp }; shows: string }[] = [
  { at: 'servers/issues', shows: 'whoami' },
  { at: 'servers/add', shows: 'Add a server' },
  { at: 'clients/cursor', shows: 'What it may use' },
  { at: 'clients/cursor', press: { role: 'switch', name: 'All servers' }, shows: 'New file' },
  { at: 'approvals', shows: 'water the plants' },
  { at: 'activity', shows: 'Answered' },
  { at: 'activity', press: { role: 'button', name: /whoami/ }, shows: 'tools/call' },
  { at: 'settings', shows: 'The record of calls' },
  { at: 'doctor', shows: 'What was looked at' },
]

afterEach(() => vi.unstubAllEnvs())

/** Something to be seen in every view. With SCREENSHOTS, a folder, pictures of all of them are kept there. */
async function setScene(): Promise<BridgeUnderTest> {
  const server = closing(await startMcpServer())
  const bridge = closing(await startBridge())
  for (const [name, value] of Object.entries(bridge.home.env)) vi.stubEnv(name, value)
  await mkdir(join(bridge.home.env['HOME'] ?? '', '.cursor'))
  await bridge.add(server.url, { id: issues })
  const { access, connections } = bridge.control
  const call = (tool: string): Promise<unknown> =>
    connections.call({ id: issues, tool, arguments: { text: 'water the plants' } }, signal)
  await call('whoami')
  await access.set(
    { sets: 'rule', client: 'bridgekeeper', connection: issues, tool: 'echo', verdict: 'ask' },
    signal,
  )
  call('echo').catch(() => undefined)
  await bridge.seen('approval-asked')
  return bridge
}

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(unavailable !== '')(`every view of the window${unavailable}`, () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    it(
      `has nothing that axe finds fault with, nor the browser, in ${colorScheme}`,
      { timeout: 120_000 },
      async () => {
        const bridge = await setScene()
        const { page, complaints } = await openWindow(bridge, { colorScheme })
        const found: string[] = []
        for (const { at, press, shows } of views) {
          await page.goto(`${bridge.origin}/ui/${at}`)
          if (press) await page.getByRole(press.role, { name: press.name }).click()
          await page.getByText(shows).first().waitFor()
          const folder = process.env['SCREENSHOTS']
          if (folder !== undefined)
            for (const width of [420, 900, 1400]) {
              await page.setViewportSize({ width, height: 820 })
              await page.screenshot({
                path: `${folder}/${at.replace('/', '-')}${press ? '-sheet' : ''}-${colorScheme}-${width}.png`,
              })
            }
          await page.evaluate(axe)
          const { violations } = (await page.evaluate('axe.run()')) as AxeResults
          found.push(
            ...violations.map(({ id, nodes }) => `${at}: ${id}: ${nodes.map(({ html }) => html).join(' ')}`),
          )
        }
        expect({ found, complaints }).toEqual({ found: [], complaints: [] })
      },
    )
  }
})
