import { expect as expectPage } from '@playwright/test'
import { describe, expect, it } from 'vitest'
import { closing } from '../end-to-end/scene.ts'
import { approve } from '../support/browser.ts'
import { startTrayApp } from '../support/electron/tray-app.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'

describe('the tray app', () => {
  it('connects a server in its window, shows it in the tray, and ends its access from there', async () => {
    const authorization = closing(await startStrictAuthorizationServer())
    const server = closing(
      await startMcpServer({
        auth: {
          authorizationServers: [authorization.issuer],
          verify: authorization.verify,
          challengeScopes: ['read:issues'],
        },
      }),
    )
    const home = await createTemporaryHome()
    closing({ close: () => home.remove() })
    const app = closing(await startTrayApp({ home }))
    console.log(`this ran on ${app.runsOn}`)

    await app.until('tooltip', (text) => text === 'Bridgekeeper: no servers yet')
    const page = await app.window()
    await page.getByLabel('The address of a server').fill(server.url.href)
    await page.keyboard.press('Enter')
    await page.getByText('Registers by itself').waitFor()
    await page.getByRole('button', { name: 'Connect' }).click()
    const [address = ''] = await app.until('opened', (all) => all.length > 0)
    await approve(address)
    await expectPage(page.getByRole('main').getByText('Connected')).toBeVisible()
    await app.until('tooltip', (text) => text === 'Bridgekeeper: 1 connected')
    const menu = await app.ask('menu')
    console.log(JSON.stringify(menu, null, 1))
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''

    await app.ask('answerNext', 'Revoke access')
    await app.ask('click', [id, 'Revoke access…'])
    const [receipt] = await app.until('notifications', (all) => all.length > 0)
    expect(receipt).toMatchObject({ title: `${id}: access ended`, isOpen: true })
    await app.ask('click', ['Quit'])
    expect(await app.exited).toBe(0)
  })
})
