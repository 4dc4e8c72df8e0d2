import { Menu, Tray, type MenuItemConstructorOptions } from 'electron'
import { iconFor } from './icons.ts'
import { headline, trayMenu, type MenuAction, type MenuLine } from './menu.ts'
import { iconForm, type IconForm, type TrayState } from './tray-state.ts'

/** How long changes are gathered before the menu is made anew, in milliseconds: a thousand a second must not cost a thousand menus. */
const gatheringMs = 40

/** The icon in the bar and its menu. */
export class TrayIcon {
  readonly #read: () => TrayState
  readonly #act: (action: MenuAction) => void
  readonly #tray: Tray
  #shownForm: IconForm | undefined
  #shownMenu = ''
  #gathering: NodeJS.Timeout | undefined

  constructor(read: () => TrayState, act: (action: MenuAction) => void) {
    this.#read = read
    this.#act = act
    this.#tray = new Tray(iconFor(iconForm(read())))
    // Elsewhere a click opens the menu.
    if (process.platform === 'win32') this.#tray.on('click', () => act({ does: 'open' }))
    this.#show()
  }

  /** Says that the state may have changed; it is shown soon. */
  update(): void {
    this.#gathering ??= setTimeout(() => {
      this.#gathering = undefined
      this.#show()
    }, gatheringMs)
  }

  close(): void {
    clearTimeout(this.#gathering)
    this.#tray.destroy()
  }

  #show(): void {
    const state = this.#read()
    const form = iconForm(state)
    if (form !== this.#shownForm) {
      this.#tray.setImage(iconFor(form))
      this.#shownForm = form
    }
    const lines = trayMenu(state)
    // A menu that is open would close under the pointer, so it is only replaced by one that says something else.
    const key = JSON.stringify(lines)
    if (key === this.#shownMenu) return
    this.#shownMenu = key
    this.#tray.setToolTip(headline(state))
    this.#tray.setContextMenu(Menu.buildFromTemplate(lines.map((line) => this.#item(line))))
  }

  #item(line: MenuLine): MenuItemConstructorOptions {
    if (line.is === 'separator') return { type: 'separator' }
    // An ampersand in a menu marks the letter after it.
    const label = line.label.replaceAll('&', '&&')
    if (line.is === 'menu') return { label, submenu: line.lines.map((one) => this.#item(one)) }
    const { action } = line
    return action === undefined ? { label, enabled: false } : { label, click: () => this.#act(action) }
  }
}
