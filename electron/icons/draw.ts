import { writeFile } from 'node:fs/promises'
import { chromium } from '@playwright/test'
import { drawing } from './drawing.ts'
import type { IconForm } from '../tray/tray-state.ts'

/*
 * Draws the icons of the tray anew: `npm run icons`. A template is black alone, and the system gives it the colour of its bar; the others have a
 * rim, so that they can be read on light and dark bars alike.
 */
const forms: readonly IconForm[] = ['well', 'asked', 'broken', 'paused']
const looks = { template: { ink: '#000' }, bar: { ink: '#fff', rim: '#2b2a27' } } as const

const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' })
const page = await browser.newPage({ viewport: { width: 64, height: 64 } })
for (const form of forms) {
  for (const [look, inks] of Object.entries(looks)) {
    for (const size of [16, 32]) {
      await page.setContent(
        `<style>body{margin:0}svg{display:block;width:${size}px;height:${size}px}</style>${drawing(form, inks)}`,
      )
      const clip = { x: 0, y: 0, width: size, height: size }
      const picture = await page.screenshot({ clip, omitBackground: true })
      await writeFile(new URL(`${form}-${look}-${size}.png`, import.meta.url), picture)
    }
  }
}
await browser.close()
