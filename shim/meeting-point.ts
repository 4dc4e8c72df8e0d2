import { homedir, userInfo } from 'node:os'
import { posix, win32 } from 'node:path'

/** Where the bridge and its faces meet. All are absolute. */
export interface MeetingPoint {
  /** The folder with everything of one bridge. */
  readonly home: string
  /** The control API: a unix socket, or a named pipe on Windows. */
  readonly socket: string
  /** The pipes of client apps, likewise. */
  readonly pipes: string
  /** The folder whose one entry says which process is the bridge (unused on Windows, where the pipe itself says it). */
  readonly lock: string
}

/** All that the place depends on. */
export interface MeetingSurroundings {
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

/** The longest that a lock adds to its folder while it is taken: two random names (see bridge/control/one-bridge.ts). */
const LONGEST_IN_RUN = '/.12345678/12345678'.length

/**
 * Finds the place: by the conventions of each system, or in `home` where that is given.
 *
 * Client apps start commands with another HOME, another working directory and a bare environment, and must find the same
 * bridge. So XDG_*, APPDATA, TMPDIR and HOME have no say: a user has one place, unless BRIDGEKEEPER_HOME names another.
 */
export function meetingPoint(surroundings: MeetingSurroundings): MeetingPoint {
  const { platform, user } = surroundings
  const home = surroundings.home ?? conventionalHome(surroundings)
  if (platform === 'win32') {
    const pipe = `\\\\.\\pipe\\${APP}-${shortHash(user.toLowerCase())}-${shortHash(home.toLowerCase())}`
    return { home, socket: pipe, pipes: `${pipe}-stdio`, lock: win32.join(home, 'lock') }
  }
  const inHome = posix.join(home, 'run')
  const fits = Buffer.byteLength(inHome) + LONGEST_IN_RUN <= SOCKET_PATH_LIMIT
  // Not TMPDIR or XDG_RUNTIME_DIR: both are missing where client apps start commands.
  const run = fits ? inHome : `/tmp/${APP}-${user}-${shortHash(home)}`
  return {
    home,
    socket: posix.join(run, 'bridge.sock'),
    pipes: posix.join(run, 'stdio.sock'),
    lock: posix.join(run, 'lock'),
  }
}

/** What the place depends on in this process: its user and, of `env`, BRIDGEKEEPER_HOME alone. */
export function theseSurroundings(env: NodeJS.ProcessEnv): MeetingSurroundings {
  const home = env['BRIDGEKEEPER_HOME']
  return {
    platform: process.platform,
    ...thisUser(),
    home: home ? pathsOf(process.platform).resolve(home) : undefined,
  }
}

function pathsOf(platform: NodeJS.Platform): typeof posix {
  return platform === 'win32' ? win32 : posix
}

/** The file that a bridge of this home logs to. */
export function logFileOf({ platform, userHome, home }: MeetingSurroundings): string {
  return pathsOf(platform).join(home ?? conventionalLog(platform, userHome), 'bridge.log')
}

function conventionalHome({ platform, userHome }: MeetingSurroundings): string {
  if (platform === 'darwin') return posix.join(userHome, 'Library', 'Application Support', APP)
  if (platform === 'win32') return win32.join(userHome, 'AppData', 'Local', APP, 'Data')
  return posix.join(userHome, '.local', 'share', APP)
}

function conventionalLog(platform: NodeJS.Platform, userHome: string): string {
  if (platform === 'darwin') return posix.join(userHome, 'Library', 'Logs', APP)
  if (platform === 'win32') return win32.join(userHome, 'AppData', 'Local', APP, 'Log')
  return posix.join(userHome, '.local', 'state', APP)
}

/** Loaded when it is needed, which on most machines is never: it would cost each client app's start. */
function shortHash(text: string): string {
  const { createHash } = process.getBuiltinModule('node:crypto')
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
