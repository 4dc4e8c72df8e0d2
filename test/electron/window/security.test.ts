import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Page } from '@playwright/test'
import { describe, expect, it } from 'vitest'
import { withoutChromium } from '../../support/chromium.ts'
import { documentHeaders } from '../../../bridge/page/files.ts'
import type { TrayApp } from '../../support/electron/tray-app.ts'
import type { TemporaryHome } from '../../support/temporary-home.ts'
import { openApp, openHome } from '../running.ts'

async function openWindow(): Promise<{ app: TrayApp; page: Page; home: TemporaryHome }> {
  const home = await openHome()
  const app = await openApp(home)
  const page = await app.window()
  await page.getByLabel('The address of a server').waitFor()
  return { app, page, home }
}

/** Asks over a port of its own, as a script in the page could, after these messages. */
async function askOverPort(
  page: Page,
  before: readonly unknown[],
  path: string,
  input: unknown,
): Promise<unknown> {
  return await page.evaluate(
    async ([messages, u, json]) => {
      const { port1, port2 } = new MessageChannel()
      const answer = new Promise<unknown>((resolve) => {
        port1.addEventListener('message', ({ data }) => resolve(JSON.parse(data as string)))
      })
      port1.start()
      window.postMessage('bridgekeeper:port', location.origin, [port2])
      for (const message of messages) port1.postMessage(message)
      port1.postMessage(JSON.stringify({ i: 'last', p: { u, b: { json } } }))
      return await answer
    },
    [before, path, input] as const,
  )
}

describe.skipIf(withoutChromium !== '')(`the page in the tray app${withoutChromium}`, () => {
  it('goes nowhere else, embeds nothing, fetches nothing and opens no window', async () => {
    const { app, page } = await openWindow()
    const address = page.url()
    const outcomes = await page.evaluate(async () => {
      const violations: string[] = []
      document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
        violations.push(effectiveDirective),
      )
      const frame = document.createElement('iframe')
      frame.src = 'https://evil.example/'
      document.body.append(frame)
      const script = document.createElement('script')
      script.src = 'https://evil.example/x.js'
      document.body.append(script)
      const fetched = await fetch('https://evil.example/').then(
        () => 'fetched',
        () => 'refused',
      )
      const opened = [
        'https://docs.example/a',
        'file:///etc/passwd',
        'javascript:alert(1)',
        'smb://evil/x',
      ].map((url) => window.open(url))
      const link = document.createElement('a')
      link.href = 'https://evil.example/'
      document.body.append(link)
      link.click()
      location.href = 'https://evil.example/2'
      await new Promise((resolve) => setTimeout(resolve, 300))
      return { violations: violations.sort(), fetched, opened }
    })
    expect(outcomes).toEqual({
      violations: ['connect-src', 'frame-src', 'script-src-elem'],
      fetched: 'refused',
      opened: [null, null, null, null],
    })
    expect(page.url()).toBe(address)
    expect(
      page
        .context()
        .pages()
        .filter((one) => one.url().includes('evil')),
    ).toEqual([])
    // What is for a browser goes to the person's browser, and nothing else to anybody.
    expect(await app.ask('opened')).toEqual(['https://docs.example/a'])
  })

  it('has the policy that the bridge sends, and nothing of Electron or Node', async () => {
    const { page } = await openWindow()
    const [headers, reach] = await page.evaluate(async () => {
      const response = await fetch('/ui/servers/add')
      const names = ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', '__dirname']
      return [Object.fromEntries(response.headers), names.filter((name) => name in window)] as const
    })
    expect(headers).toMatchObject(documentHeaders)
    expect(reach).toEqual([])
    expect(
      await page.evaluate(() => Object.keys(window).filter((name) => /bridgekeeper|double/i.test(name))),
    ).toEqual(['bridgekeeperTray'])
  })

  it('is given no permission but to copy', async () => {
    const { page } = await openWindow()
    const states = await page.evaluate(async () => {
      const ask = async (name: string): Promise<string> =>
        (await navigator.permissions.query({ name: name as PermissionName })).state
      return {
        geolocation: await ask('geolocation'),
        notifications: await ask('notifications'),
        camera: await ask('camera'),
        read: await ask('clipboard-read'),
        write: await ask('clipboard-write'),
      }
    })
    expect(states).toEqual({
      geolocation: 'denied',
      notifications: 'denied',
      camera: 'denied',
      read: 'denied',
      write: 'granted',
    })
  })
})

describe.skipIf(withoutChromium !== '')(`the channel between page and app${withoutChromium}`, () => {
  it('is opened for the main frame of our page alone', async () => {
    const { app } = await openWindow()
    expect(await app.ask('offerPort', 'a frame in the page')).toBe('closed')
    expect(await app.ask('offerPort', 'a frame that is gone')).toBe('closed')
    expect(await app.ask('offerPort', 'another window')).toBe('closed')
    expect(await app.ask('offerPort', 'the page')).toBe('taken')
  })

  it('lives through anything that is no request, and refuses what does not fit the contract', async () => {
    const { app, page } = await openWindow()
    const nonsense = [
      'not json',
      '',
      '{}',
      'null',
      7,
      { i: '1', p: { u: '/bridge/bridge/stop', b: { json: {} } } },
      JSON.stringify({ i: '1' }),
      JSON.stringify({ i: '1', p: { u: 'https://evil.example/' } }),
      JSON.stringify({ i: '1', t: 3, p: {} }),
      JSON.stringify({ i: '1', p: { u: '/bridge/connections/list', h: { 'content-type': ['x'] } } }),
    ]
    expect(await askOverPort(page, nonsense, '/bridge/connections/list', {})).toEqual({
      i: 'last',
      p: { b: { json: [] } },
    })
    expect(await askOverPort(page, [], '/bridge/connections/get', { id: '../x', more: 1 })).toMatchObject({
      p: { s: 422, b: { json: { data: { code: 'bridge.request_invalid' } } } },
    })
    expect(await askOverPort(page, [], '/bridge/vault/read', {})).toMatchObject({ p: { s: 404 } })
    expect(await app.ask('tooltip')).toBe('Bridgekeeper: no servers yet')
  })

  it.runIf(process.platform === 'linux')(
    'turns the start at login on and off, which is off at first',
    async () => {
      const { page, home } = await openWindow()
      const answered = (startAtLogin: boolean) => ({ p: { b: { json: { startAtLogin } } } })
      expect(await askOverPort(page, [], '/desktop/settings', {})).toMatchObject(answered(false))
      expect(await askOverPort(page, [], '/desktop/set', { startAtLogin: true })).toMatchObject(
        answered(true),
      )
      const file = join(home.env['XDG_CONFIG_HOME'] ?? '', 'autostart', 'bridgekeeper.desktop')
      expect(await readFile(file, 'utf8')).toMatch(/^Exec="[^"]+".* "--at-login"$/m)
      expect(await askOverPort(page, [], '/desktop/set', { startAtLogin: false })).toMatchObject(
        answered(false),
      )
      await expect(readFile(file)).rejects.toThrow('ENOENT')
    },
  )
})
