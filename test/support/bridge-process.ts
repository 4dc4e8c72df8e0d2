import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { StartEvent } from '../../shared/events.ts'
import type { TemporaryHome } from './temporary-home.ts'

const entry = fileURLToPath(new URL('../../dist/bridge.js', import.meta.url))

/** A bridge in a process of its own, from the built files. */
export interface BridgeProcess {
  readonly pid: number
  readonly url: string
  /** Milliseconds from the spawn to the line that says it is ready. */
  readonly readyAfterMs: number
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>
  /** SIGTERM; resolves with the exit code. */
  end(): Promise<number | null>
}

/** Starts the built bridge in `home`, on any port unless `env` names one. Rejects when it does not become ready. */
export async function startBridgeProcess(
  home: TemporaryHome,
  env: Record<string, string> = {},
  options: {
    /** A bridge that somebody else started meanwhile, such as a shim, will do. */ orRunning?: true
  } = {},
): Promise<BridgeProcess> {
  const startedAt = performance.now()
  const child = spawn(process.execPath, [entry], {
    env: { ...home.env, BRIDGEKEEPER_HOME: home.bridge, BRIDGEKEEPER_PORT: '0', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const [line] = (await Promise.race([
    once(createInterface(child.stdout), 'line'),
    exited.then(() => ['']),
  ])) as [string]
  const event = StartEvent.parse(JSON.parse(line || '{"event":"failed","code":"bridge.start_failed"}'))
  if (event.event === 'already-running' && options.orRunning) return runningProcess(event.pid, event.url)
  if (event.event !== 'ready' || child.pid === undefined) {
    child.kill('SIGKILL')
    throw new Error(`the bridge did not become ready: ${line}`)
  }
  const stop = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    await exited
    return child.exitCode
  }
  return {
    pid: child.pid,
    url: event.url,
    readyAfterMs: performance.now() - startedAt,
    kill: async () => void (await stop('SIGKILL')),
    end: () => stop('SIGTERM'),
  }
}

/** A bridge that another process started. */
function runningProcess(pid: number, url: string): BridgeProcess {
  const stop = async (signal: NodeJS.Signals): Promise<null> => {
    try {
      process.kill(pid, signal)
      // It is nobody's child here, so that only asking tells of its end.
      for (;;) {
        process.kill(pid, 0)
        await sleep(20)
      }
    } catch {
      return null
    }
  }
  return {
    pid,
    url,
    readyAfterMs: 0,
    kill: async () => void (await stop('SIGKILL')),
    end: () => stop('SIGTERM'),
  }
}
