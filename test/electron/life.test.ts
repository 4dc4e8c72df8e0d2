import { join } from 'node:path'
import { createServer, type AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { withoutChromium } from '../support/chromium.ts'
import { closing } from '../end-to-end/scene.ts'
import { startBridgeProcess } from '../support/bridge-process.ts'
import { root, untilFits } from '../support/electron/tray-app.ts'
import { startNode } from '../support/process.ts'
import { bridgeAt, openApp, openHome } from './running.ts'

const utilityWorld = new URL('../support/electron/double/utility-world.mjs', import.meta.url).href
const runs = 'Bridgekeeper: no servers yet'

describe.skipIf(withoutChromium !== '')(`the life of the bridge under the tray app${withoutChromium}`, () => {
  it('joins the one that runs, and leaves it running', async () => {
    const home = await openHome()
    const bridge = await startBridgeProcess(home)
    closing({ close: async () => void (await bridge.end()) })
    const app = await openApp(home, { hidden: true })
    await app.until('tooltip', (text) => text === runs)
    expect((await bridgeAt(home).control.bridge.status({})).pid).toBe(bridge.pid)
    await app.ask('click', ['Quit'])
    expect(await app.exited).toBe(0)
    expect(await bridgeAt(home).runs()).toBe(true)
  })

  it('starts one, starts another when it is killed and says so, and ends it at the end', async () => {
    const home = await openHome()
    const app = await openApp(home, { hidden: true })
    await app.until('tooltip', (text) => text === runs)
    const { control } = bridgeAt(home)
    const { pid } = await control.bridge.status({})
    const before = (await app.ask('icons')).length
    process.kill(pid, 'SIGKILL')
    await app.until('icons', (all) => all.length >= before + 2)
    await app.until('tooltip', (text) => text === runs)
    expect((await control.bridge.status({})).pid).not.toBe(pid)
    const shown = (await app.ask('icons')).slice(before)
    expect(shown.at(-1)).not.toBe(shown[0])
    // As the system does at the end of a session.
    process.kill(app.pid, 'SIGTERM')
    expect(await app.exited).toBe(0)
    expect(await bridgeAt(home).runs()).toBe(false)
  })

  it('ends by itself though a utility process is kept alive by its port', async () => {
    const home = await openHome()
    const bridge = startNode(['--import', utilityWorld, join(root, 'dist/bridge.js')], { env: home.env })
    await bridge.json(({ event }) => event === 'ready')
    await bridgeAt(home).control.bridge.stop({})
    expect(await bridge.exited).toEqual({ code: 0, signal: null })
  })

  it('says why no bridge can run, and tries again when it is told to', async () => {
    const taken = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => taken.once('listening', resolve))
    const { port } = taken.address() as AddressInfo
    const home = await openHome()
    const app = await openApp(home, { hidden: true, env: { BRIDGEKEEPER_PORT: String(port) } })
    await app.until('tooltip', (text) =>
      text.startsWith('Bridgekeeper does not run. The port is used by another program.'),
    )
    await new Promise((resolve) => taken.close(resolve))
    await app.ask('click', ['Try again now'])
    await app.until('tooltip', (text) => text === runs)
    expect((await bridgeAt(home).control.bridge.status({})).url).toBe(`http://127.0.0.1:${port}`)
  })
})

describe.skipIf(withoutChromium !== '')(`the life of the window${withoutChromium}`, () => {
  it('is hidden when it is closed, and shown again by the tray and by a second start', async () => {
    const home = await openHome()
    const app = await openApp(home, { hidden: true })
    await app.until('tooltip', (text) => text === runs)
    expect(await app.ask('isWindowVisible')).toBe(false)
    await app.ask('click', ['Open Bridgekeeper'])
    const page = await app.window()
    await page.getByLabel('The address of a server').fill('https://half.typed')
    await app.ask('closeWindow')
    expect(await app.ask('isWindowVisible')).toBe(false)

    const second = await openApp(home)
    expect(await second.exited).toBe(0)
    await app.until('isWindowVisible', (isVisible) => isVisible)
    expect(await page.getByLabel('The address of a server').inputValue()).toBe('https://half.typed')
    await app.ask('click', ['Quit'])
    expect(await app.exited).toBe(0)
  })

  it('says that the bridge does not answer, and recovers with the next one', async () => {
    const home = await openHome()
    const app = await openApp(home)
    const page = await app.window()
    await page.getByText('Running · 127.0.0.1').waitFor()
    const { control } = bridgeAt(home)
    const { pid, startedAt } = await control.bridge.status({})
    process.kill(pid, 'SIGKILL')
    await page.getByText('The bridge does not answer').waitFor()
    await page.getByText('Running · 127.0.0.1').waitFor()
    const again = await untilFits(
      () => control.bridge.status({}),
      (status) => status.pid !== pid,
    )
    expect(again.startedAt).toBeGreaterThan(startedAt)
  })
})
