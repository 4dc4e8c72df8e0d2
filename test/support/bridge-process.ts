import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
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
