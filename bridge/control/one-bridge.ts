import { chmod, rm } from 'node:fs/promises'
import { createServer, type RequestListener, type Server } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BridgeStatus } from '../../shared/control.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Paths } from '../paths.ts'
import { isListening } from './listening.ts'
import { takeLock, type Lock } from './lock.ts'

/** The control socket of the one bridge. It listens at once; what comes before `answer` waits. */
export interface ControlSocket {
  answer(listener: RequestListener): void
  /** Aborted when the socket begins to close, so that event streams end. */
  readonly closing: AbortSignal
  /** Ends the streams, lets answers under way finish within a second, and gives the place free. */
  close(): Promise<void>
}

/**
 * Becomes the one bridge of this home, or says which one there is already. However many start at once, one is alone; what
 * a killed bridge left is recognised and replaced. A bridge that just starts or ends is waited for.
 * @throws BridgeError `bridge.unreachable` when another holds the place and does not answer, `bridge.home_unwritable`
 */
export async function listenAlone(
  paths: Pick<Paths, 'socket' | 'lock'>,
  options: { waitMs?: number } = {},
): Promise<{ alone: ControlSocket } | { already: BridgeStatus }> {
  // Longer than the keychain may take, for which one that just starts may wait.
  const deadline = performance.now() + (options.waitMs ?? 25_000)
  for (;;) {
    const alone = process.platform === 'win32' ? await ownPipe(paths.socket) : await ownSocket(paths)
    if (alone) return { alone }
    const already = await whoIsThere(paths.socket, deadline - performance.now())
    if (already) return { already }
    if (performance.now() > deadline) {
      throw new BridgeError('bridge.unreachable', 'another bridge of this user runs but does not answer')
    }
    await sleep(50)
  }
}

async function ownSocket(paths: Pick<Paths, 'socket' | 'lock'>): Promise<ControlSocket | undefined> {
  let lock: Lock | undefined
  try {
    lock = await takeLock(paths.lock)
    // The second question is for a lock that was deleted by hand while its bridge lives.
    if (!lock || (await isListening(paths.socket))) {
      await lock?.release()
      return undefined
    }
    await rm(paths.socket, { force: true })
    return await listen(paths.socket, lock)
  } catch (error) {
    await lock?.release()
    throw new BridgeError('bridge.home_unwritable', 'the control socket could not be made', { cause: error })
  }
}

/** A named pipe ends with its process and has one owner, so that it needs no lock. */
async function ownPipe(path: string): Promise<ControlSocket | undefined> {
  try {
    return await listen(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined
    throw new BridgeError('bridge.home_unwritable', 'the control pipe could not be made', { cause: error })
  }
}

async function listen(path: string, lock?: Lock): Promise<ControlSocket> {
  const { promise: listener, resolve: answer } = deferred<RequestListener>()
  const server = createServer((request, response) => {
    void listener.then((answerTo) => answerTo(request, response))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, resolve)
  })
  if (process.platform !== 'win32') await chmod(path, 0o600)
  const closing = new AbortController()
  return {
    answer,
    closing: closing.signal,
    async close() {
      closing.abort()
      await closeServer(server)
      await lock?.release()
    },
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeIdleConnections()
  const grace = setTimeout(() => server.closeAllConnections(), 1000)
  await closed
  clearTimeout(grace)
}

/** The status of the bridge that holds the place; undefined when it ends or is not there yet. */
async function whoIsThere(socket: string, ms: number): Promise<BridgeStatus | undefined> {
  const { connectControl } = await import('./client.ts')
  try {
    return await connectControl(socket).bridge.status(
      {},
      { signal: AbortSignal.timeout(Math.max(Math.ceil(ms), 1)) },
    )
  } catch (error) {
    const isGone = error instanceof BridgeError && ['bridge.unreachable', 'bridge.busy'].includes(error.code)
    if (isGone || (error instanceof Error && error.name === 'TimeoutError')) return undefined
    throw error
  }
}

function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void } {
  let resolve!: (value: T) => void
  const promise = new Promise<T>((settle) => {
    resolve = settle
  })
  return { promise, resolve }
}
