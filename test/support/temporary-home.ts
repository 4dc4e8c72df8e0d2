import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A folder of its own for one test, with what a process needs to believe that it is home. */
export interface TemporaryHome {
  /** For `BRIDGEKEEPER_HOME`; it does not exist yet, so that the program makes it. */
  readonly bridge: string
  /** A folder for anything else, such as outputs. */
  readonly folder: string
  /** The environment of a process that lives here: nothing of the machine's own configuration reaches it. */
  readonly env: Readonly<Record<string, string>>
  remove(): Promise<void>
}

/** Makes the folder below the system's temporary folder, for this user alone. */
export async function createTemporaryHome(): Promise<TemporaryHome> {
  const folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-test-'))
  const user = join(folder, 'user')
  await mkdir(user)
  const bridge = join(folder, 'bridge')
  return {
    bridge,
    folder,
    env: {
      ...inherited(),
      HOME: user,
      USERPROFILE: user,
      XDG_CONFIG_HOME: join(user, 'config'),
      XDG_DATA_HOME: join(user, 'data'),
      XDG_STATE_HOME: join(user, 'state'),
      XDG_CACHE_HOME: join(user, 'cache'),
      BRIDGEKEEPER_HOME: bridge,
      BRIDGEKEEPER_PORT: '0',
    },
    remove: () => rm(folder, { recursive: true, force: true, maxRetries: 5 }),
  }
}

/** What a program cannot start without. The session bus is left out, so that no real keychain is touched. */
function inherited(): Record<string, string> {
  const names = ['PATH', 'Path', 'SystemRoot', 'windir', 'TEMP', 'TMP', 'TMPDIR', 'LANG', 'PATHEXT']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}
