import { spawn, type ChildProcess } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { resolve as resolvePath } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { BridgeError } from '../../shared/errors.ts'
import { StartEvent } from '../../shared/events.ts'
import { ensureHome, type Paths } from '../paths.ts'

/** How long a bridge may take to say how its start ended, in milliseconds: a person may have to unlock the keychain meanwhile. */
const START_LIMIT = 40_000

/**
 * Starts the bridge in the background and resolves when one is ready, be it this one or another that was faster, with what it said. It
 * outlives the command: it has no terminal, its own process group, and its errors go to the log.
 * @param bridge the file that runs the bridge
 * @throws BridgeError what the bridge says of its failed start, or `bridge.start_failed`
 */
export async function startBridge(options: {
  bridge: URL
  paths: Paths
  env: NodeJS.ProcessEnv
}): Promise<Exclude<StartEvent, { event: 'failed' }>> {
  const { bridge, paths, env } = options
  ensureHome(paths)
  const log = openLogFile(paths.logFile)
  try {
    const file = fileURLToPath(bridge)
    // The source needs the loader that this process runs with; the built file needs nothing.
    const child = spawn(process.execPath, file.endsWith('.ts') ? [...process.execArgv, file] : [file], {
      // Not the folder of the command, which the bridge would keep in use.
      cwd: paths.home,
      env: withAbsolutePaths(env),
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'pipe', log],
    })
    const event = await firstEvent(child, paths.logFile)
    if (event.event === 'failed') throw new BridgeError(event.code, event.detail)
    return event
  } finally {
    closeSync(log)
  }
}

function openLogFile(file: string): number {
  try {
    return openSync(file, 'a', 0o600)
  } catch (error) {
    throw new BridgeError('bridge.home_unwritable', file, { cause: error })
  }
}

/** A path that was given relative means the folder of the command, where the bridge will not be. */
function withAbsolutePaths(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const paths = ['BRIDGEKEEPER_HOME', 'BRIDGEKEEPER_PASSPHRASE_FILE'].flatMap((name) =>
    env[name] ? [[name, resolvePath(env[name])]] : [],
  )
  return { ...env, ...(Object.fromEntries(paths) as NodeJS.ProcessEnv) }
}

async function firstEvent(child: ChildProcess, logFile: string): Promise<StartEvent> {
  const { stdout } = child
  if (!stdout) throw new BridgeError('bridge.start_failed')
  const lines = createInterface({ input: stdout })
  let limit: NodeJS.Timeout | undefined
  try {
    return await new Promise<StartEvent>((resolve, reject) => {
      const fail = (why: string) =>
        reject(new BridgeError('bridge.start_failed', `${why}; its log is ${logFile}`))
      child.once('error', () => fail('its process could not be started'))
      lines.once('line', (line) => {
        const event = parseEvent(line)
        if (event) resolve(event)
        else fail('it said something unexpected')
      })
      // `close` and not `exit`: its last line may still be on the way.
      child.once('close', (code, signal) => fail(`it ended with ${signal ?? `exit code ${code}`}`))
      limit = setTimeout(() => fail(`it was not ready within ${START_LIMIT / 1000} seconds`), START_LIMIT)
    })
  } finally {
    clearTimeout(limit)
    lines.close()
    stdout.destroy()
    child.unref()
  }
}

function parseEvent(line: string): StartEvent | undefined {
  try {
    return StartEvent.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
