import { EventEmitter } from 'node:events'

/** A line of a menu as it was made. */
export class MenuItem {
  readonly label: string
  readonly type: Electron.MenuItem['type']
  readonly enabled: boolean
  readonly submenu: Menu | undefined
  readonly click: () => void

  constructor({ label = '', type, enabled = true, submenu, click }: Electron.MenuItemConstructorOptions) {
    // A single ampersand marks a letter and is not shown.
    this.label = label.replaceAll(/&(&?)/g, '$1')
    this.type = type ?? (submenu ? 'submenu' : 'normal')
    this.enabled = enabled
    this.submenu = Array.isArray(submenu) ? Menu.buildFromTemplate(submenu) : undefined
    this.click = () => click?.(this as never, undefined, {})
  }
}

export class Menu {
  readonly items: readonly MenuItem[]

  constructor(items: readonly MenuItem[] = []) {
    this.items = items
  }

  static buildFromTemplate(template: readonly Electron.MenuItemConstructorOptions[]): Menu {
    return new Menu(template.map((options) => new MenuItem(options)))
  }

  static setApplicationMenu(): void {}
}

/** The icon in the bar. What it is given is noted by the recorder. */
export class Tray extends EventEmitter {
  setImage(): void {}
  setToolTip(): void {}
  setContextMenu(): void {}
  destroy(): void {}
}

/** A notification; what it shows is noted by the recorder. */
export class Notification extends EventEmitter {
  readonly title: string
  readonly body: string

  constructor({ title = '', body = '' }: Electron.NotificationConstructorOptions = {}) {
    super()
    this.title = title
    this.body = body
  }

  static isSupported(): boolean {
    return true
  }

  show(): void {}
  close(): void {}
}

/** An image, told apart by its data. */
class NativeImage {
  readonly #data: string

  constructor(data: string) {
    this.#data = data
  }

  toDataURL(): string {
    return this.#data
  }
  isEmpty(): boolean {
    return this.#data === ''
  }
  addRepresentation(): void {}
  setTemplateImage(): void {}
}

export const nativeImage = {
  createEmpty: () => new NativeImage(''),
  createFromDataURL: (data: string) => new NativeImage(data),
}

let copied = ''
export const clipboard = {
  readText: () => Promise.resolve(copied),
  writeText(text: string): Promise<void> {
    copied = text
    return Promise.resolve()
  },
}

/** Both are answered by the recorder. */
export const dialog = {
  showMessageBox: (): Promise<Electron.MessageBoxReturnValue> => Promise.reject(new Error('nobody answers')),
  showErrorBox: (title: string, content: string): void => console.error(`${title}: ${content}`),
}
export const shell = {
  openExternal: (): Promise<void> => Promise.reject(new Error('there is no browser')),
}
