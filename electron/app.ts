import { join } from 'node:path'
import { app, Menu } from 'electron'
import { createRouter, implementContract } from '../bridge/control/router.ts'
import type { Paths } from '../bridge/paths.ts'
import type { LogFile } from '../bridge/log.ts'
import { version } from '../bridge/version.ts'
import { desktop, type DesktopSettings } from '../shared/desktop.ts'
import { BridgeLine } from './bridge/bridge-line.ts'
import { startBridgeProcess } from './bridge/bridge-process.ts'
import { atLoginOption, loginStart, type LoginStart } from './login-start.ts'
import { Notifications } from './notifications/notifications.ts'
import { act } from './tray/actions.ts'
import { TrayIcon } from './tray/tray.ts'
import { forwardTo } from './window/forwarding.ts'
import { answerPage } from './window/page-port.ts'
import { Window } from './window/window.ts'

export interface AppOptions {
  readonly paths: Paths
  readonly env: NodeJS.ProcessEnv
  readonly log: LogFile
  /** The folder of the built files. */
  readonly dist: string
}

/** Runs the tray app until the person quits it. Closing its window does not end it, and so neither does the last one. */
export function runApp(options: AppOptions): void {
  app.on('window-all-closed', () => undefined)
  void app.whenReady().then(() => start(options))
}

function start({ paths, env, log, dist }: AppOptions): void {
  setMenu()
  const window = new Window({ page: join(dist, 'page'), preload: join(dist, 'electron', 'preload.cjs') })
  const show = (place?: string): void => window.show(place)
  const notifications = new Notifications(show)
  const line = new BridgeLine(
    {
      paths,
      version,
      start: () => startBridgeProcess(join(dist, 'bridge.js'), { env, logFile: paths.logFile }),
    },
    { changed: () => tray.update(), happened: (event) => notifications.hear(event) },
  )
  const tray = new TrayIcon(
    () => ({
      bridge: line.state,
      connections: line.contents.connections,
      approvals: line.contents.approvals.size,
    }),
    (action) =>
      void act(action, {
        control: line.control,
        open: show,
        notify: (notice) => notifications.show(notice),
        tryAgain: () => line.tryAgain(),
        quit: () => app.quit(),
      }),
  )
  const closing = new AbortController()
  const stopAnswering = answerPage(() => window.contents, {
    bridge: createRouter(forwardTo(line.control), log, closing.signal),
    desktop: implementContract(desktop, desktopHandlers(window, loginStart(env)), log, closing.signal),
  })

  app.on('second-instance', () => show())
  app.on('activate', () => show())
  endInOrder(async () => {
    closing.abort()
    stopAnswering()
    tray.close()
    notifications.close()
    window.close()
    await line.close()
    await log.close()
  })
  if (process.argv.includes(atLoginOption)) app.dock?.hide()
  else show()
}

/** What the page may ask of this app itself, in the shape of its contract. */
function desktopHandlers(window: Window, login: LoginStart) {
  const settings = async () => ({ startAtLogin: await login.isOn() })
  return {
    settings,
    async set({ startAtLogin }: Partial<DesktopSettings>) {
      if (startAtLogin !== undefined) await login.set(startAtLogin)
      return await settings()
    },
    places: (_: unknown, signal: AbortSignal) => window.places(signal),
  }
}

/** macOS takes the keys for copy and paste from a menu; elsewhere there is no need of one. */
function setMenu(): void {
  const roles = ['appMenu', 'editMenu', 'windowMenu'] as const
  const menu = process.platform === 'darwin' ? Menu.buildFromTemplate(roles.map((role) => ({ role }))) : null
  Menu.setApplicationMenu(menu)
}

/** Holds the first request to quit until `end` is done, once. */
function endInOrder(end: () => Promise<void>): void {
  let hasBegun = false
  let isDone = false
  app.on('before-quit', (event) => {
    if (isDone) return
    event.preventDefault()
    if (hasBegun) return
    hasBegun = true
    void end()
      .catch(() => undefined)
      .then(() => {
        isDone = true
        app.quit()
      })
  })
}
