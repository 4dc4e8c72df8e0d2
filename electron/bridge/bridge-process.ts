import { createWriteStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { utilityProcess } from 'electron'
import { BridgeError } from '../../shared/errors.ts'
import { StartEvent } from '../../shared/events.ts'

/** How long a bridge may take to start, in milliseconds: a person may have to unlock the keychain meanwhile. */
const startLimit = 40_000

/** A bridge that this app started. It ends with the app, at the latest. */
export interface BridgeProcess {
  /** What it said when its start had ended. Rejects with `bridge.start_failed` where it said nothing that can be used. */
  readonly started: Promise<StartEvent>
  /** Resolves when the process is gone. */
  readonly gone: Promise<void>
  /** Ends it at once. */
  kill(): void
}

/** Starts the built bridge as a process of its own, the same that runs headless. What it cannot log itself goes to `logFile`. */
export function startBridgeProcess(
  file: string,
  { env, logFile }: { env: NodeJS.ProcessEnv; logFile: string },
): BridgeProcess {
  const child = utilityProcess.fork(file, [], {
    serviceName: 'Bridgekeeper bridge',
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const { stdout, stderr } = child
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 })
  // Its folder may not be there yet; the bridge says what is wrong with that.
  log.on('error', () => undefined)
  stderr?.pipe(log)
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const started = new Promise<StartEvent>((resolve, reject) => {
    const fail = (why: string): void =>
      reject(new BridgeError('bridge.start_failed', `${why}; its log is ${logFile}`))
    const limit = setTimeout(() => fail(`it was not ready within ${startLimit / 1000} seconds`), startLimit)
    const lines = stdout ? createInterface({ input: stdout }) : undefined
    lines?.once('line', (line) => {
      clearTimeout(limit)
      const event = parseEvent(line)
      if (event) resolve(event)
      else fail('it said something unexpected')
    })
    child.once('exit', (code) => {
      clearTimeout(limit)
      // Its last line may still be on the way.
      if (lines) lines.once('close', () => fail(`it ended with exit code ${code}`))
      else fail(`it ended with exit code ${code}`)
    })
  })
  return { started, gone, kill: () => void child.kill() }
}

function parseEvent(line: string): StartEvent | undefined {
  try {
    return StartEvent.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}
