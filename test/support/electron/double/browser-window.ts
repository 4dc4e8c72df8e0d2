import { EventEmitter } from 'node:events'
import { readFileSync } from 'node:fs'
import type { Frame, Page, Route } from '@playwright/test'
import { HeldEvent } from './app.ts'
import { openBrowser } from './browser.ts'
import { ipcMain, MessagePortMain } from './ipc.ts'
import { bindingName, preloadScript, type PageCall } from './preload-world.ts'
import { sessionOf } from './session.ts'

/** Chromium knows no scheme of ours, so `app://name/` is shown as this origin; everything about it is told in the scheme's words. */
const standIn = /^https:\/\/([a-z]+)\.app\.test\//

/** Electron's names for permissions, and Chromium's. */
const permissions = [
  ['clipboard-sanitized-write', 'clipboard-write'],
  ['clipboard-read', 'clipboard-read'],
  ['geolocation', 'geolocation'],
  ['notifications', 'notifications'],
] as const

class NavigationEvent extends HeldEvent {
  readonly url: string
  readonly isMainFrame: boolean

  constructor(url: string, isMainFrame: boolean) {
    super()
    this.url = url
    this.isMainFrame = isMainFrame
  }
}

class FrameDouble {
  readonly #frame: Frame

  constructor(frame: Frame) {
    this.#frame = frame
  }

  get url(): string {
    return toScheme(this.#frame.url())
  }
}

type OpenHandler = Parameters<Electron.WebContents['setWindowOpenHandler']>[0]

/** The contents of a window: a page of a real Chromium, with the events and handlers of Electron around it. */
class WebContents extends EventEmitter {
  readonly #options: Electron.WebPreferences
  readonly #frames = new WeakMap<Frame, FrameDouble>()
  readonly #ports = new Map<string, MessagePortMain>()
  readonly page: Promise<Page>
  #shown: Page | undefined
  #expected: string | undefined
  #onOpen: OpenHandler = () => ({ action: 'allow' })

  constructor(options: Electron.WebPreferences) {
    super()
    this.#options = options
    this.page = this.#openPage()
  }

  get mainFrame(): FrameDouble {
    if (!this.#shown) throw new Error('nothing is shown yet')
    return this.#frameOf(this.#shown.mainFrame())
  }

  getURL(): string {
    return this.#shown ? toScheme(this.#shown.url()) : ''
  }

  setWindowOpenHandler(handler: OpenHandler): void {
    this.#onOpen = handler
  }

  async load(address: string): Promise<void> {
    const page = await this.page
    this.#expected = toStandIn(address)
    await page.goto(this.#expected)
  }

  async #openPage(): Promise<Page> {
    const context = await openBrowser()
    const page = await context.newPage()
    this.#shown = page
    const { preload } = this.#options
    await page.exposeBinding(bindingName, ({ frame }, call: PageCall) => this.#hear(frame, call))
    if (preload !== undefined) await page.addInitScript(preloadScript(readFileSync(preload, 'utf8')))
    await page.route('**', (route) => this.#answer(route))
    // A link with a target of its own opens nothing either.
    context.on('page', (other) => void other.close())
    return page
  }

  async #answer(route: Route): Promise<void> {
    const request = route.request()
    const url = toScheme(request.url())
    if (request.isNavigationRequest() && request.url() !== this.#expected) {
      const isMain = request.frame() === this.#shown?.mainFrame()
      const event = new NavigationEvent(url, isMain)
      this.emit('will-frame-navigate', event)
      if (isMain) this.emit('will-navigate', event)
      if (event.defaultPrevented) return await route.abort('aborted')
    }
    const scheme = new URL(url).protocol.slice(0, -1)
    const around = sessionOf(this.#options.partition ?? '')
    if (!(await around.lets(url))) return await route.abort('blockedbyclient')
    const answer = around.schemes.get(scheme)
    if (!answer) return await route.continue()
    const response = await answer(new Request(url, { method: request.method() }))
    if (request.isNavigationRequest()) await this.#grant(request.url())
    await route.fulfill({
      status: response.status,
      headers: Object.fromEntries(response.headers),
      body: Buffer.from(await response.arrayBuffer()),
    })
  }

  async #grant(address: string): Promise<void> {
    const around = sessionOf(this.#options.partition ?? '')
    // The handlers look at where the contents are, and they are about to be there.
    const contents = { getURL: () => toScheme(address) } as Electron.WebContents
    const given: string[] = []
    for (const [name, granted] of permissions) {
      if (await around.gives(contents, name)) given.push(granted)
    }
    await this.#shown?.context().grantPermissions(given, { origin: new URL(address).origin })
  }

  async #hear(frame: Frame, call: PageCall): Promise<unknown> {
    switch (call.does) {
      case 'begin':
        // A new document: the ports of the one before are gone with it.
        for (const port of this.#ports.values()) port.close()
        this.#ports.clear()
        return undefined
      case 'post': {
        const ports = call.ports.map((id) => {
          const port = new MessagePortMain()
          this.#ports.set(id, port)
          return port
        })
        const event = { sender: this, senderFrame: this.#frameOf(frame), ports }
        ipcMain.emit(call.channel, event, call.message)
        return undefined
      }
      case 'port-message':
        return this.#ports.get(call.port)?.receive(call.data)
      case 'port-next':
        return await this.#ports.get(call.port)?.next()
      case 'port-closed':
        return this.#ports.get(call.port)?.close()
      case 'open':
        if (this.#onOpen(openDetails(toScheme(call.url))).action === 'allow')
          throw new Error('the double opens no second window')
        return undefined
      default:
        return call satisfies never
    }
  }

  #frameOf(frame: Frame): FrameDouble {
    const found = this.#frames.get(frame) ?? new FrameDouble(frame)
    this.#frames.set(frame, found)
    return found
  }
}

/** A window: what it shows is a real page, and whether it is visible is only noted. */
export class BrowserWindow extends EventEmitter {
  readonly webContents: WebContents
  #isVisible = false

  constructor({ webPreferences = {} }: Electron.BrowserWindowConstructorOptions = {}) {
    super()
    const { sandbox, contextIsolation, nodeIntegration } = webPreferences
    if (sandbox !== true || contextIsolation !== true || nodeIntegration !== false)
      throw new Error('a window without sandbox and isolation is not opened')
    this.webContents = new WebContents(webPreferences)
    windows.add(this)
  }

  static getAllWindows(): BrowserWindow[] {
    return [...windows]
  }

  async loadURL(address: string): Promise<void> {
    await this.webContents.load(address)
  }

  show(): void {
    this.#isVisible = true
  }
  hide(): void {
    this.#isVisible = false
  }
  focus(): void {}
  restore(): void {}
  isMinimized(): boolean {
    return false
  }
  isVisible(): boolean {
    return this.#isVisible
  }

  /** What a click on the window's cross does. */
  close(): void {
    const event = new HeldEvent()
    this.emit('close', event)
    if (!event.defaultPrevented) this.destroy()
  }

  destroy(): void {
    windows.delete(this)
    void this.webContents.page.then((page) => page.close()).catch(() => undefined)
    this.emit('closed')
  }
}

const windows = new Set<BrowserWindow>()

function openDetails(url: string): Electron.HandlerDetails {
  return {
    url,
    frameName: '',
    features: '',
    disposition: 'new-window',
    referrer: { url: '', policy: 'default' },
  }
}

function toStandIn(address: string): string {
  return address.replace(/^app:\/\/([a-z]+)\//, 'https://$1.app.test/')
}

function toScheme(address: string): string {
  return address.replace(standIn, 'app://$1/')
}
