import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { app } from 'electron'

/** What the system passes when it starts the app at login: then no window opens. */
export const atLoginOption = '--at-login'

/** Whether the system starts this app at login. The system keeps the answer; this is where it is asked and told. */
export interface LoginStart {
  isOn(): Promise<boolean>
  set(on: boolean): Promise<void>
}

/** The way of this platform. */
export function loginStart(env: NodeJS.ProcessEnv): LoginStart {
  return process.platform === 'linux' ? autostartFile(env) : loginItem
}

const loginItem: LoginStart = {
  isOn: async () => app.getLoginItemSettings({ args: [atLoginOption] }).openAtLogin,
  async set(on) {
    app.setLoginItemSettings({ openAtLogin: on, args: [atLoginOption] })
  },
}

/** @see [Desktop Application Autostart](https://specifications.freedesktop.org/autostart-spec/latest/) */
function autostartFile(env: NodeJS.ProcessEnv): LoginStart {
  const config = env['XDG_CONFIG_HOME'] || join(app.getPath('home'), '.config')
  const file = join(config, 'autostart', 'bridgekeeper.desktop')
  return {
    isOn: () =>
      readFile(file, 'utf8').then(
        (text) => !/^(?:Hidden=true|X-GNOME-Autostart-enabled=false)$/m.test(text),
        () => false,
      ),
    async set(on) {
      if (!on) return await rm(file, { force: true })
      await mkdir(dirname(file), { recursive: true })
      // An AppImage runs from a folder that is gone after it.
      const program = env['APPIMAGE'] ?? process.execPath
      const words = app.isPackaged ? [program] : [program, app.getAppPath()]
      await writeFile(file, desktopEntry([...words, atLoginOption]))
    },
  }
}

function desktopEntry(command: readonly string[]): string {
  const lines = [
    '[Desktop Entry]',
    'Type=Application',
    'Name=Bridgekeeper',
    `Exec=${command.map(quoted).join(' ')}`,
  ]
  return `${lines.join('\n')}\n`
}

/** @see [Desktop Entry, The Exec key](https://specifications.freedesktop.org/desktop-entry-spec/latest/exec-variables.html) */
function quoted(word: string): string {
  const inner = word
    .replaceAll(/["`$\\]/g, String.raw`\$&`)
    .replaceAll('\\', '\\\\')
    .replaceAll('%', '%%')
  return `"${inner}"`
}
