import { expect as expectPage } from '@playwright/test'
import { describe, expect, it } from 'vitest'
import { setScene } from '../end-to-end/scene.ts'
import { openWindow, unavailable } from './window.ts'

describe.skipIf(unavailable !== '')(
  `a server, from its address to the end of its access${unavailable}`,
  () => {
    it('is connected with two clicks, shows what it may do, and is revoked', async () => {
      const { bridge, server } = await setScene()
      const { page, context, complaints } = await openWindow(bridge)
      await page.getByLabel('The address of a server').fill(server.url.href)
      await page.keyboard.press('Enter')
      await page.getByText('Registers by itself').waitFor()
      const [login] = await Promise.all([
        context.waitForEvent('page'),
        page.getByRole('button', { name: 'Connect' }).click(),
      ])
      await login.getByText('You are signed in').waitFor()
      await expectPage(page.getByRole('main').getByText('Connected')).toBeVisible()
      await page.getByText('write_issue').waitFor()
      await page.getByText('You allowed it in the browser').waitFor()
      await page.getByRole('button', { name: 'Revoke access…' }).click()
      await page.getByRole('button', { name: 'Revoke access', exact: true }).click()
      await page.getByText('The server confirmed it').first().waitFor()
      expect(complaints).toEqual([])
    })
  },
)
