import { chromium, type Browser, type BrowserContext, type Page } from '@playwright/test'
import { afterAll, afterEach, beforeAll } from 'vitest'
import type { BridgeUnderTest } from '../support/bridge-under-test.ts'
import { chromiumPath, withoutChromium } from '../support/chromium.ts'

/** Why there can be no window here, for the name of the tests that are skipped then; else empty. */
export const unavailable = withoutChromium

let browser: Browser | undefined
const contexts: BrowserContext[] = []

beforeAll(async () => {
  if (unavailable === '') browser = await chromium.launch({ executablePath: chromiumPath })
})
afterEach(async () => {
  for (const context of contexts.splice(0)) await context.close()
})
afterAll(() => browser?.close())

/** A real browser that the bridge let in, on the page of the window. */
export interface Window {
  readonly page: Page
  readonly context: BrowserContext
  /** Violations of the page's policy and errors that the browser told of. */
  readonly complaints: readonly string[]
}

export interface WindowOptions {
  readonly width?: number
  readonly height?: number
  readonly colorScheme?: 'light' | 'dark'
}

/** Opens the page as `bridgekeeper ui` does. */
export async function openWindow(
  { control, origin }: Pick<BridgeUnderTest, 'control' | 'origin'>,
  { width = 1280, height = 820, colorScheme = 'light' }: WindowOptions = {},
): Promise<Window> {
  if (!browser) throw new Error(`there is no ${chromiumPath}`)
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme,
    reducedMotion: 'reduce',
  })
  contexts.push(context)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin })
  // Shorter than a test may take, so that what did not appear is named.
  context.setDefaultTimeout(15_000)
  const page = await context.newPage()
  const complaints: string[] = []
  page.on('console', (message) => message.type() === 'error' && complaints.push(message.text()))
  page.on('pageerror', (error) => complaints.push(error.message))
  const { url } = await control.page.invite({}, new AbortController().signal)
  await page.goto(url)
  return { page, context, complaints }
}
