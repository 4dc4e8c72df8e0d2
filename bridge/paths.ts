import { createHash } from 'node:crypto'
import { accessSync, chmodSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs'
import { homedir, userInfo } from 'node:os'
import { dirname, posix, resolve, win32 } from 'node:path'
import { BridgeError } from '../shared/errors.ts'

/** Where everything of one bridge lives. All are absolute. */
export interface Paths {
  readonly home: string
  readonly vault: string
  readonly settings: string
  readonly keyFile: string
  readonly logFile: string
  /** A unix socket, or a named pipe on Windows. */
  readonly socket: string
  /** The folder whose one entry says which process is the bridge (unused on Windows, where the pipe itself says it). */
  readonly lock: string
}

/** All that the paths depend on. */
export interface Surroundings {
  readonly platform: NodeJS.Platform
  /** The user's home folder as the system's user database has it. */
  readonly userHome: string
  /** The user's id, or name where there are no ids (Windows). */
  readonly user: string
  /** What `BRIDGEKEEPER_HOME` says, made absolute. */
  readonly home?: string | undefined
}

const APP = 'bridgekeeper'

/** The shortest `sun_path` of the supported systems (macOS, 104 bytes) without its end mark. */
const SOCKET_PATH_LIMIT = 103

/** The longest that a lock adds to its folder while it is taken: two random names (see control/one-bridge.ts). */
const LONGEST_IN_RUN = '/.12345678/12345678'.length

/**
 * Where the files of Bridgekeeper are: by the conventions of each system, or all in `home` where that is given.
 *
 * Client apps start commands with another HOME, another working directory and a bare environment, and must find the same
 * bridge. So XDG_*, APPDATA, TMPDIR and HOME have no say: a user has one place, unless BRIDGEKEEPER_HOME names another.
 */
export function bridgePaths(surroundings: Surroundings): Paths {
  const { platform, userHome, user } = surroundings
  const path = platform === 'win32' ? win32 : posix
  const folders =
    surroundings.home === undefined
      ? conventionalFolders(platform, userHome)
      : { data: surroundings.home, config: surroundings.home, log: surroundings.home }
  return {
    home: folders.data,
    vault: path.join(folders.data, 'vault.sealed'),
    settings: path.join(folders.config, 'settings.json'),
    keyFile: path.join(folders.data, 'vault.key'),
    logFile: path.join(folders.log, 'bridge.log'),
    ...meetingPoint(platform, folders.data, user),
  }
}

/** The paths for this process: its user and, of `env`, BRIDGEKEEPER_HOME alone. */
export function systemPaths(env: NodeJS.ProcessEnv): Paths {
  const home = env['BRIDGEKEEPER_HOME']
  return bridgePaths({ platform: process.platform, ...thisUser(), home: home ? resolve(home) : undefined })
}

/**
 * Makes the folders that are missing, for this user alone.
 * @throws BridgeError `bridge.home_unwritable`, or `bridge.home_exposed` where somebody else could put files of their own
 */
export function ensureHome(paths: Paths): void {
  for (const folder of new Set([paths.home, dirname(paths.settings), dirname(paths.logFile)])) {
    makeFolder(folder)
    refuseExposed(folder, statSync(folder))
  }
  if (process.platform === 'win32') return
  const run = dirname(paths.socket)
  makeFolder(run)
  // lstat: in /tmp somebody else could have put a link there first.
  const found = lstatSync(run)
  refuseExposed(run, found)
  if ((found.mode & 0o777) !== 0o700) chmodSync(run, 0o700)
}

function conventionalFolders(platform: NodeJS.Platform, userHome: string) {
  if (platform === 'darwin') {
    const library = posix.join(userHome, 'Library')
    return {
      data: posix.join(library, 'Application Support', APP),
      config: posix.join(library, 'Preferences', APP),
      log: posix.join(library, 'Logs', APP),
    }
  }
  if (platform === 'win32') {
    const local = win32.join(userHome, 'AppData', 'Local', APP)
    return {
      data: win32.join(local, 'Data'),
      config: win32.join(userHome, 'AppData', 'Roaming', APP, 'Config'),
      log: win32.join(local, 'Log'),
    }
  }
  return {
    data: posix.join(userHome, '.local', 'share', APP),
    config: posix.join(userHome, '.config', APP),
    log: posix.join(userHome, '.local', 'state', APP),
  }
}

function meetingPoint(platform: NodeJS.Platform, home: string, user: string) {
  if (platform === 'win32') {
    const pipe = `\\\\.\\pipe\\${APP}-${shortHash(user.toLowerCase())}-${shortHash(home.toLowerCase())}`
    return { socket: pipe, lock: win32.join(home, 'lock') }
  }
  const inHome = posix.join(home, 'run')
  const fits = Buffer.byteLength(inHome) + LONGEST_IN_RUN <= SOCKET_PATH_LIMIT
  // Not TMPDIR or XDG_RUNTIME_DIR: both are missing where client apps start commands.
  const run = fits ? inHome : `/tmp/${APP}-${user}-${shortHash(home)}`
  return { socket: posix.join(run, 'bridge.sock'), lock: posix.join(run, 'lock') }
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 12)
}

function thisUser(): { userHome: string; user: string } {
  const id = process.getuid?.()
  try {
    const { homedir: userHome, username } = userInfo()
    return { userHome, user: id === undefined ? username : String(id) }
  } catch {
    // A container may run with an id that no user database knows; then HOME is all there is.
    return { userHome: homedir(), user: String(id) }
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)
  } catch (error) {
    throw new BridgeError('bridge.home_unwritable', folder, { cause: error })
  }
}

function refuseExposed(folder: string, found: { uid: number; mode: number; isDirectory(): boolean }): void {
  const uid = process.getuid?.()
  if (uid === undefined) return
  if (!found.isDirectory() || found.uid !== uid || (found.mode & 0o022) !== 0) {
    throw new BridgeError('bridge.home_exposed', folder)
  }
}
