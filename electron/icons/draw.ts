import { writeFile } from 'node:fs/promises'
import { chromium } from '@playwright/test'
import { appDrawing, drawing } from './drawing.ts'
import type { IconForm } from '../tray/tray-state.ts'

/*
 * Draws the icons of the tray anew: `npm run icons`. A template is black alone, and the system gives it the colour of its bar; the others have a
 * rim, so that they can be read on light and dark bars alike.
 */
const forms: readonly IconForm[] = ['well', 'asked', 'broken', 'paused']
const looks = { template: { ink: '#000' }, bar: { ink: '#fff', rim: '#2b2a27' } } as const

const browser = await chromium.launch({ executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium' })
const page = await browser.newPage({ viewport: { width: 512, height: 512 } })

async function draw(name: string, svg: string, size: number): Promise<void> {
  const style = `body{margin:0}body>svg{display:block;width:${size}px;height:${size}px}`
  await page.setContent(`<style>${style}</style>${svg}`)
  const clip = { x: 0, y: 0, width: size, height: size }
  const picture = await page.screenshot({ clip, omitBackground: true })
  await writeFile(new URL(name, import.meta.url), picture)
}

for (const form of forms) {
  for (const [look, inks] of Object.entries(looks)) {
    for (const size of [16, 32]) await draw(`${form}-${look}-${size}.png`, drawing(form, inks), size)
  }
}
// Of this one the packager makes the formats of every system.
await draw('icon.png', appDrawing(), 512)
await browser.close()
