import { EventEmitter } from 'node:events'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'

/** An event that a listener can hold back. */
export class HeldEvent {
  defaultPrevented = false
  preventDefault(): void {
    this.defaultPrevented = true
  }
}

/** What is to be done before the process ends. */
export const endings: (() => Promise<void>)[] = []

/** The life of the app: ready soon, one instance for each folder of user data, an end that listeners can hold back. */
class App extends EventEmitter {
  readonly isPackaged = false
  readonly dock = undefined
  readonly #paths = new Map([['home', homedir()]])
  #isReady = false
  #isQuitting = false
  #login = false
  readonly #ready = new Promise<void>((resolve) => {
    setTimeout(() => {
      this.#isReady = true
      this.emit('ready')
      resolve()
    }, 20)
  })

  whenReady(): Promise<void> {
    return this.#ready
  }

  isReady(): boolean {
    return this.#isReady
  }

  setName(): void {}
  setAppUserModelId(): void {}

  getAppPath(): string {
    return process.cwd()
  }

  setPath(name: string, path: string): void {
    this.#paths.set(name, path)
  }

  getPath(name: string): string {
    return this.#paths.get(name) ?? tmpdir()
  }

  getLoginItemSettings(): Electron.LoginItemSettings {
    return { openAtLogin: this.#login } as Electron.LoginItemSettings
  }

  setLoginItemSettings({ openAtLogin = false }: Electron.Settings): void {
    this.#login = openAtLogin
  }

  requestSingleInstanceLock(): boolean {
    const folder = this.getPath('userData')
    const lock = join(folder, 'double.lock')
    mkdirSync(folder, { recursive: true })
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' })
    } catch {
      const holder = Number(readFileSync(lock, 'utf8'))
      if (tell(holder)) return false
      writeFileSync(lock, String(process.pid))
    }
    endings.push(async () => rmSync(lock, { force: true }))
    process.on('SIGUSR2', () => this.emit('second-instance', new HeldEvent(), [], process.cwd(), undefined))
    return true
  }

  quit(): void {
    if (this.#isQuitting) return
    const event = new HeldEvent()
    this.emit('before-quit', event)
    if (event.defaultPrevented) return
    this.#isQuitting = true
    this.emit('will-quit', new HeldEvent())
    void Promise.allSettled(endings.map((end) => end())).then(() => process.exit(0))
  }
}

function tell(pid: number): boolean {
  try {
    process.kill(pid, 'SIGUSR2')
    return true
  } catch {
    return false
  }
}

export const app = new App()

// As Electron does on these systems.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => app.quit())
