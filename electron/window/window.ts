import { EventEmitter, on } from 'node:events'
import { app, BrowserWindow, session } from 'electron'
import { confine, denyPermissions, refuseOtherRequests } from './hardening.ts'
import { addressOf } from './page-address.ts'
import { servePage } from './page-protocol.ts'

/** Nothing of it outlives the app, and nothing of a browser's is shared with it. */
const partition = 'bridgekeeper'

/** How long after a crash another one counts as the same, in milliseconds. */
const crashPause = 10_000

/** The files that the window is made of. */
export interface WindowFiles {
  /** The folder of the built page. */
  readonly page: string
  readonly preload: string
}

/** The one window. It is made when it is first needed, and hidden and not closed until the app ends. */
export class Window {
  readonly #files: WindowFiles
  #window: BrowserWindow | undefined
  readonly #places = new EventEmitter()
  #isEnding = false

  /** The app must be ready. */
  constructor(files: WindowFiles) {
    this.#files = files
    const own = session.fromPartition(partition)
    denyPermissions(own)
    refuseOtherRequests(own)
    servePage(own, files.page)
  }

  get contents(): Electron.WebContents | undefined {
    return this.#window?.webContents
  }

  /** The places that the page is to go to, from now on. */
  async *places(signal: AbortSignal): AsyncGenerator<string> {
    try {
      for await (const [place] of on(this.#places, 'place', { signal })) yield String(place)
    } catch (thrown) {
      if (!signal.aborted) throw thrown
    }
  }

  /** Shows the window, at a place such as `/servers/linear` where one is given, else where it was. */
  show(place?: string): void {
    const isNew = this.#window === undefined
    const window = (this.#window ??= this.#open())
    // A page that listens goes there by itself, and keeps what was typed elsewhere.
    const isHeard = place !== undefined && this.#places.emit('place', place)
    if (isNew || (place !== undefined && !isHeard)) void load(window, addressOf(place ?? '/'))
    if (window.isMinimized()) window.restore()
    window.show()
    window.focus()
    void app.dock?.show()
  }

  /** Closes for good. */
  close(): void {
    this.#isEnding = true
    this.#window?.destroy()
  }

  #open(): BrowserWindow {
    const window = new BrowserWindow({
      width: 1180,
      height: 780,
      minWidth: 420,
      minHeight: 480,
      show: false,
      title: 'Bridgekeeper',
      autoHideMenuBar: true,
      webPreferences: {
        preload: this.#files.preload,
        partition,
        sandbox: true,
        contextIsolation: true,
        nodeIntegration: false,
        webSecurity: true,
        webviewTag: false,
        spellcheck: false,
        devTools: !app.isPackaged,
      },
    })
    confine(window.webContents)
    window.on('close', (event) => {
      if (this.#isEnding) return
      event.preventDefault()
      window.hide()
      app.dock?.hide()
    })
    let crashedAt = -Infinity
    window.webContents.on('render-process-gone', () => {
      // A page that crashes again and again is only loaded when the person asks for it.
      const isAgain = performance.now() - crashedAt < crashPause
      crashedAt = performance.now()
      if (isAgain || this.#isEnding) window.destroy()
      else void load(window, addressOf('/'))
    })
    window.once('closed', () => (this.#window = undefined))
    return window
  }
}

/** A load that a later one overtakes is no failure. */
async function load(window: BrowserWindow, address: string): Promise<void> {
  await window.loadURL(address).catch(() => undefined)
}
