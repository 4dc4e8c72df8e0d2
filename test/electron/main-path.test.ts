import { expect as expectPage } from '@playwright/test'
import { beforeAll, describe, expect, it } from 'vitest'
import { withoutChromium } from '../support/chromium.ts'
import { closing } from '../end-to-end/scene.ts'
import { approve } from '../support/browser.ts'
import { electronBinary } from '../support/electron/tray-app.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'
import { bridgeAt, openApp, openHome } from './running.ts'

async function startServer(): Promise<McpServerUnderTest> {
  const { issuer, verify } = closing(await startStrictAuthorizationServer())
  const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
  return closing(await startMcpServer({ auth }))
}

beforeAll(() => {
  console.log(`The tray app runs on ${electronBinary() === undefined ? 'the double' : 'Electron'} here.`)
})

describe.skipIf(withoutChromium !== '')(`the tray app${withoutChromium}`, () => {
  it('connects a server in its window, shows it in the tray, and ends its access with two clicks', async () => {
    const server = await startServer()
    const home = await openHome()
    const app = await openApp(home)
    await app.until('tooltip', (text) => text === 'Bridgekeeper: no servers yet')

    const page = await app.window()
    await page.getByLabel('The address of a server').fill(server.url.href)
    await page.keyboard.press('Enter')
    await page.getByText('Registers by itself').waitFor()
    await page.getByRole('button', { name: 'Connect' }).click()
    const [address = ''] = await app.until('opened', (all) => all.length > 0)
    await app.until('tooltip', (text) => text === 'Bridgekeeper: 0 connected')
    await approve(address)
    await expectPage(page.getByRole('main').getByText('Connected')).toBeVisible()
    await page.getByText('write_issue').waitFor()

    await app.until('tooltip', (text) => text === 'Bridgekeeper: 1 connected')
    const id = new URL(page.url()).pathname.split('/').at(-1) ?? ''
    expect(await app.ask('menu')).toContainEqual({
      label: `${id}: connected`,
      lines: ['Copy endpoint', 'Details…', '—', 'Revoke access…'],
    })
    await app.ask('click', [id, 'Copy endpoint'])
    const { url } = await bridgeAt(home).control.bridge.status({})
    await app.until('copied', (text) => text.startsWith(url) && text.endsWith(`/${id}/mcp`))

    // What is not said yes to does not happen.
    await app.ask('click', [id, 'Revoke access…'])
    await app.until('questions', (all) => all.length === 1)
    expect(await app.ask('tooltip')).toBe('Bridgekeeper: 1 connected')
    await app.ask('answerNext', 'Revoke access')
    await app.ask('click', [id, 'Revoke access…'])
    const [receipt] = await app.until('notifications', (all) => all.length > 0)
    expect(receipt).toMatchObject({
      title: `${id}: access ended`,
      body: expect.stringContaining('Refresh token: the server confirmed it.'),
    })
    await app.until('tooltip', (text) => text === 'Bridgekeeper: 0 connected')
    await expectPage(page.getByText('You are not signed in.')).toBeVisible()

    await app.ask('click', ['Quit'])
    expect(await app.exited).toBe(0)
    expect(await bridgeAt(home).runs()).toBe(false)
  })

  it('signs in from the tray, and opens what a notification is about without loading the page anew', async () => {
    const server = await startServer()
    const home = await openHome()
    const app = await openApp(home)
    const page = await app.window()
    await page.getByLabel('The address of a server').waitFor()
    const { control } = bridgeAt(home)
    const { connection } = await control.connections.add({ url: server.url.href })
    await app.until('tooltip', (text) => text === 'Bridgekeeper: 0 connected')
    await app.ask('click', [connection.id, 'Connect…'])
    const [address = ''] = await app.until('opened', (all) => all.length > 0)
    await approve(address)
    await app.until('tooltip', (text) => text === 'Bridgekeeper: 1 connected')
    await app.ask('answerNext', 'Revoke access')
    await app.ask('click', [connection.id, 'Revoke access…'])
    const [receipt] = await app.until('notifications', (all) => all.length > 0)

    await page.evaluate(() => Object.assign(window, { isOldPage: true }))
    await app.ask('click', ['Add a server…'])
    await page.waitForURL('**/ui/servers/add')
    await app.ask('clickNotification', receipt?.title ?? '')
    await page.waitForURL(`**/ui/servers/${connection.id}`)
    expect(await page.evaluate(() => 'isOldPage' in window)).toBe(true)
    expect(await app.until('notifications', ([first]) => first?.isOpen === false)).toHaveLength(1)
  })
})
