import { connectControl, isListening, type ControlClient } from '../../bridge/control/client.ts'
import { systemPaths } from '../../bridge/paths.ts'
import { closing } from '../end-to-end/scene.ts'
import { startTrayApp, type TrayApp } from '../support/electron/tray-app.ts'
import { createTemporaryHome, type TemporaryHome } from '../support/temporary-home.ts'

/** A home that is removed after the test. */
export async function openHome(): Promise<TemporaryHome> {
  const home = await createTemporaryHome()
  closing({ close: () => home.remove() })
  return home
}

/** The tray app in a home, ended after the test. With `hidden` it starts as at login, without its window. */
export async function openApp(
  home: TemporaryHome,
  { hidden = false, env = {} }: { hidden?: boolean; env?: Record<string, string> } = {},
): Promise<TrayApp> {
  const at = { ...home, env: { ...home.env, ...env } }
  return closing(await startTrayApp({ home: at, args: hidden ? ['--at-login'] : [] }))
}

/** The control API of the bridge in a home, and whether one listens there. */
export function bridgeAt(home: TemporaryHome): { control: ControlClient; runs(): Promise<boolean> } {
  const { socket } = systemPaths(home.env)
  return { control: connectControl(socket), runs: () => isListening(socket) }
}
