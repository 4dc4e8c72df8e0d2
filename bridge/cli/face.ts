import type { Readable } from 'node:stream'
import type { BridgeStatus } from '../../shared/control.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { ControlClient } from '../control/client.ts'
import { systemPaths } from '../paths.ts'
import { version } from '../version.ts'
import { keyFileWarning } from './describe.ts'
import type { Terminal } from './terminal.ts'
import { text } from './text.ts'

/** What every command works with: where it speaks, and the bridge it speaks to. */
export interface Face {
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** The bridge, started in the background when none runs. It has answered: a command never waits for one that hangs. */
  control(): Promise<ControlClient>
  /** The bridge if one runs. It has answered. */
  runningControl(): Promise<ControlClient | undefined>
  /** Whether a bridge runs, be it one that hangs. */
  isRunning(): Promise<boolean>
  /** From now on Ctrl-C aborts this signal instead of ending the command; a second one ends it. */
  interruption(): AbortSignal
  /** Gives Ctrl-C back its usual meaning. */
  close(): void
}

/** How long a bridge may take to answer, in milliseconds: one that starts may wait for a person to unlock the keychain. */
const ANSWER_LIMIT = 30_000

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The face of one command. `bridge` is the file that runs the bridge. */
export function openFace(options: Pick<Face, 'terminal' | 'env' | 'stdin'> & { bridge: URL }): Face {
  const { terminal, env, stdin, bridge } = options
  const isRunning = async (): Promise<boolean> => {
    const { isListening } = await import('../control/client.ts')
    return isListening(systemPaths(env).socket).catch((cause: unknown) => {
      throw new BridgeError('bridge.unreachable', undefined, { cause })
    })
  }
  const runningControl = async (): Promise<ControlClient | undefined> => {
    if (!(await isRunning())) return undefined
    const { connectControl } = await import('../control/client.ts')
    const control = connectControl(systemPaths(env).socket)
    const { version: theirs } = await statusOf(control)
    if (theirs !== version) {
      terminal.note(text`The bridge that runs is of version ${theirs}, this command of ${version}.`)
      terminal.note(text`End it with bridgekeeper stop; the next command starts the new one.`)
    }
    return control
  }
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  return {
    terminal,
    env,
    stdin,
    isRunning,
    runningControl,
    async control() {
      const running = await runningControl()
      if (running) return running
      const paths = systemPaths(env)
      const { startBridge } = await import('./start-bridge.ts')
      const { event, keyStore } = await startBridge({ bridge, paths, env })
      if (event === 'ready' && keyStore === 'key-file') terminal.note(keyFileWarning)
      const { connectControl } = await import('../control/client.ts')
      return connectControl(paths.socket)
    },
    interruption() {
      for (const signal of INTERRUPTIONS) process.once(signal, interrupt)
      return interrupted.signal
    },
    close() {
      for (const signal of INTERRUPTIONS) process.off(signal, interrupt)
    },
  }
}

/** @throws BridgeError `bridge.unreachable` also when no answer comes in time */
async function statusOf(control: ControlClient): Promise<BridgeStatus> {
  const limit = AbortSignal.timeout(ANSWER_LIMIT)
  try {
    return await control.bridge.status({}, { signal: limit })
  } catch (thrown) {
    if (limit.aborted) throw new BridgeError('bridge.unreachable', 'it runs, but it hangs')
    throw thrown
  }
}
