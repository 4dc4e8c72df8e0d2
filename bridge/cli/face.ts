import type { Readable } from 'node:stream'
import { BridgeError } from '../../shared/errors.ts'
import type { ControlClient } from '../control/client.ts'
import { systemPaths } from '../paths.ts'
import type { Terminal } from './terminal.ts'

/** What every command works with: where it speaks, and the bridge it speaks to. */
export interface Face {
  readonly terminal: Terminal
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Readable & { readonly isTTY?: boolean }
  /** The bridge, started in the background when none runs. */
  control(): Promise<ControlClient>
  /** The bridge if one runs. */
  runningControl(): Promise<ControlClient | undefined>
  /** From now on Ctrl-C aborts this signal instead of ending the command; a second one ends it. */
  interruption(): AbortSignal
  /** Gives Ctrl-C back its usual meaning. */
  close(): void
}

const INTERRUPTIONS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** The face of one command. `bridge` is the file that runs the bridge. */
export function openFace(options: Pick<Face, 'terminal' | 'env' | 'stdin'> & { bridge: URL }): Face {
  const { terminal, env, stdin, bridge } = options
  const runningControl = async (): Promise<ControlClient | undefined> => {
    const { socket } = systemPaths(env)
    const { connectControl, isListening } = await import('../control/client.ts')
    const isThere = await isListening(socket).catch((cause: unknown) => {
      throw new BridgeError('bridge.unreachable', undefined, { cause })
    })
    return isThere ? connectControl(socket) : undefined
  }
  const interrupted = new AbortController()
  const interrupt = (): void => interrupted.abort()
  return {
    terminal,
    env,
    stdin,
    runningControl,
    async control() {
      const running = await runningControl()
      if (running) return running
      const paths = systemPaths(env)
      const { startBridge } = await import('./start-bridge.ts')
      await startBridge({ bridge, paths, env })
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
