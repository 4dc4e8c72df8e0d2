import { accessSync, chmodSync, constants, lstatSync, mkdirSync, statSync } from 'node:fs'
import { dirname, posix, win32 } from 'node:path'
import { BridgeError } from '../shared/errors.ts'
import {
  logFileOf,
  meetingPoint,
  theseSurroundings,
  type MeetingPoint,
  type MeetingSurroundings,
} from '../shim/meeting-point.ts'

/** Where everything of one bridge lives. All are absolute. */
export interface Paths extends MeetingPoint {
  readonly vault: string
  readonly settings: string
  readonly keyFile: string
  readonly logFile: string
}

/** All that the paths depend on. */
export type Surroundings = MeetingSurroundings

/** Where the files of Bridgekeeper are: by the conventions of each system, or all in `home` where that is given. */
export function bridgePaths(surroundings: Surroundings): Paths {
  const path = surroundings.platform === 'win32' ? win32 : posix
  const place = meetingPoint(surroundings)
  const config = surroundings.home ?? conventionalConfig(surroundings)
  return {
    ...place,
    vault: path.join(place.home, 'vault.sealed'),
    settings: path.join(config, 'settings.json'),
    keyFile: path.join(place.home, 'vault.key'),
    logFile: logFileOf(surroundings),
  }
}

/** The paths for this process: its user and, of `env`, BRIDGEKEEPER_HOME alone. */
export function systemPaths(env: NodeJS.ProcessEnv): Paths {
  return bridgePaths(theseSurroundings(env))
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

function conventionalConfig({ platform, userHome }: Surroundings): string {
  if (platform === 'darwin') return posix.join(userHome, 'Library', 'Preferences', 'bridgekeeper')
  if (platform === 'win32') return win32.join(userHome, 'AppData', 'Roaming', 'bridgekeeper', 'Config')
  return posix.join(userHome, '.config', 'bridgekeeper')
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
