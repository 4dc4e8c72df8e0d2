import { posix, win32 } from 'node:path'

export type Platform = 'darwin' | 'linux' | 'win32'

/** The machine as the table of client apps sees it, passed in so that every platform can be asked about on any other. */
export interface Machine {
  readonly platform: Platform
  readonly home: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The names in a folder, or undefined when there is no such folder. */
  readonly list: (folder: string) => readonly string[] | undefined
}

/** The path functions of the machine's platform. */
export function pathsOf({ platform }: Machine): typeof posix {
  return platform === 'win32' ? win32 : posix
}

/** A path below the home folder. */
export function inHome(machine: Machine, ...parts: readonly string[]): string {
  return pathsOf(machine).join(machine.home, ...parts)
}

/** The folder that an environment variable names, if it names one absolutely. */
export function folderFrom(machine: Machine, variable: string): string | undefined {
  const value = machine.env[variable]?.trim()
  return value && pathsOf(machine).isAbsolute(value) ? value : undefined
}

/** A path below `$XDG_CONFIG_HOME` or `~/.config`, for programs that use it on every platform. */
export function inConfig(machine: Machine, ...parts: readonly string[]): string {
  return pathsOf(machine).join(folderFrom(machine, 'XDG_CONFIG_HOME') ?? inHome(machine, '.config'), ...parts)
}

/** A path below the folder where desktop programs keep their settings. */
export function inAppData(machine: Machine, ...parts: readonly string[]): string {
  if (machine.platform === 'darwin') return inHome(machine, 'Library', 'Application Support', ...parts)
  if (machine.platform === 'linux') return inConfig(machine, ...parts)
  return win32.join(folderFrom(machine, 'APPDATA') ?? inHome(machine, 'AppData', 'Roaming'), ...parts)
}

/** A path below the folder of Windows for settings that stay on the machine. */
export function inLocalAppData(machine: Machine, ...parts: readonly string[]): string {
  return win32.join(folderFrom(machine, 'LOCALAPPDATA') ?? inHome(machine, 'AppData', 'Local'), ...parts)
}

/** Whether there is a file or folder at a path. */
export function exists(machine: Machine, path: string): boolean {
  const paths = pathsOf(machine)
  const siblings = machine.list(paths.dirname(path))
  return siblings?.includes(paths.basename(path)) === true || machine.list(path) !== undefined
}

/** A program on the machine's `PATH`, as an absolute path. Scripts of Windows do not count: they need a shell to run. */
export function programOf(machine: Machine, name: string): string | undefined {
  const paths = pathsOf(machine)
  const file = machine.platform === 'win32' ? `${name}.exe` : name
  const folders = (machine.env['PATH'] ?? machine.env['Path'] ?? '').split(paths.delimiter)
  const found = folders.find((folder) => paths.isAbsolute(folder) && machine.list(folder)?.includes(file))
  return found === undefined ? undefined : paths.join(found, file)
}
