import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext } from '@playwright/test'
import { endings } from './app.ts'

let opened: Promise<BrowserContext> | undefined

/** The one Chromium behind all windows, started with the first. The test reaches its pages by the port that it is told. */
export function openBrowser(): Promise<BrowserContext> {
  opened ??= launch()
  return opened
}

async function launch(): Promise<BrowserContext> {
  const folder = await mkdtemp(join(tmpdir(), 'electron-double-'))
  const port = await freePort()
  const context = await chromium.launchPersistentContext(folder, {
    executablePath: '/usr/bin/chromium',
    args: [`--remote-debugging-port=${port}`],
    reducedMotion: 'reduce',
  })
  endings.push(async () => {
    await context.close()
    await rm(folder, { recursive: true, force: true, maxRetries: 5 })
  })
  process.send?.({ debugging: port })
  return context
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}
