import { chmod, mkdir, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { Channels } from '../channels.ts'
import { Pipe, type PipeSurroundings } from './pipe.ts'

/** What the stdio face needs from the bridge around it. */
export interface PipesOptions {
  readonly channels: Pick<Channels, 'openConnection' | 'openAll'>
  readonly mostMessageBytes: () => number
}

/** The stdio face: the pipes of all client apps that spawned one. */
export interface Pipes {
  /**
   * Serves on a unix socket, for this user alone, or on a named pipe. The caller is the one bridge of its home: what lies at the path is replaced.
   * Rejects with `bridge.home_unwritable`.
   */
  listen(path: string): Promise<void>
  /** How many there are. */
  readonly size: number
  /** Lets all pipes wait for another bridge, and leaves the place. */
  close(): Promise<void>
}

/** How soon a shim learns how things stand, in milliseconds. */
const noteMs = 100

/** Opens the stdio face. Nothing listens before `listen`. */
export function createPipes({ channels, mostMessageBytes }: PipesOptions): Pipes {
  const pipes = new Set<Pipe>()
  const changed = new Set<Pipe>()
  let noting: NodeJS.Timeout | undefined
  const surroundings: PipeSurroundings = {
    mostMessageBytes,
    open: (connection, client) =>
      connection === undefined
        ? channels.openAll(client, 'stdio')
        : channels.openConnection(connection, client, 'stdio'),
    changed(pipe) {
      changed.add(pipe)
      // One timer for all: to set one at every call would cost each of them time.
      noting ??= setInterval(noteChanges, noteMs).unref()
    },
    left(pipe) {
      pipes.delete(pipe)
      changed.delete(pipe)
    },
  }

  function noteChanges(): void {
    if (changed.size === 0) {
      clearInterval(noting)
      noting = undefined
    }
    for (const pipe of changed) pipe.note()
    changed.clear()
  }

  // A client that has said everything still waits for its answers.
  const server = createServer(
    { allowHalfOpen: true },
    (socket) => void pipes.add(new Pipe(socket, surroundings)),
  )

  return {
    get size() {
      return pipes.size
    },
    listen: (path) => startListening(server, path),
    async close() {
      const failure: Failure = { code: 'bridge.busy' }
      const closed = server.listening ? new Promise((resolve) => server.close(resolve)) : undefined
      const open = [...pipes]
      for (const pipe of open) pipe.pause(failure)
      clearInterval(noting)
      const cut = setTimeout(() => open.forEach((pipe) => pipe.destroy()), closingMs)
      await closed
      clearTimeout(cut)
    },
  }
}

/** How long the last words may take to reach their clients, in milliseconds. */
const closingMs = 250

async function startListening(server: Server, path: string): Promise<void> {
  try {
    // What a killed bridge left. On Windows a pipe ends with its process.
    if (process.platform !== 'win32') {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 })
      await rm(path, { force: true })
    }
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      // Many client apps may start at the same moment.
      server.listen({ path, backlog: 1024 }, resolve)
    })
    if (process.platform !== 'win32') await chmod(path, 0o600)
  } catch (cause) {
    throw new BridgeError('bridge.home_unwritable', 'the socket for stdio could not be made', { cause })
  }
}
