import { randomBytes } from 'node:crypto'
import { mkdir, readdir, rename, rmdir, stat, unlink } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { dirname, join } from 'node:path'
import { isListening } from './listening.ts'

/** Held by the one bridge for as long as it lives; the system ends it with the process. */
export interface Lock {
  release(): Promise<void>
}

/**
 * Takes the lock, or resolves with undefined while a living process holds it. However many try at once, one gets it.
 *
 * The lock is a folder whose one entry is a listening socket with a name of its own. Whether the holder lives is asked of the
 * kernel by connecting, since a process id can be reused. A dead holder's entry is deleted by its own name, never by a shared
 * one, so that a late starter cannot delete what a faster one put in its place; and a folder that is not empty cannot be
 * replaced by a rename, so that one starter alone moves its prepared folder in.
 */
export async function takeLock(lock: string): Promise<Lock | undefined> {
  for (;;) {
    for (const holder of await entriesOf(lock)) {
      if (await isListening(join(lock, holder))) return undefined
      await ignoring(['ENOENT'], unlink(join(lock, holder)))
    }
    const taken = await tryToTake(lock)
    if (taken) {
      await sweep(dirname(lock))
      return taken
    }
  }
}

async function tryToTake(lock: string): Promise<Lock | undefined> {
  const id = randomBytes(4).toString('hex')
  const prepared = join(dirname(lock), `.${id}`)
  await mkdir(prepared, { mode: 0o700 })
  const server = await listen(join(prepared, id))
  try {
    await rename(prepared, lock)
    // A sweep may have taken the socket away from a starter that was stopped for long; an empty folder is not a lock.
    if ((await entriesOf(lock)).includes(id)) return { release: () => release(lock, id, server) }
  } catch (error) {
    if (!isOneOf(['ENOTEMPTY', 'EEXIST', 'ENOENT'], error)) {
      await close(server)
      throw error
    }
  }
  await close(server)
  await ignoring(['ENOENT', 'ENOTEMPTY'], rmdir(prepared))
  return undefined
}

async function release(lock: string, id: string, server: Server): Promise<void> {
  await ignoring(['ENOENT'], unlink(join(lock, id)))
  await close(server)
  // Whoever took over in the meantime has made the folder its own.
  await ignoring(['ENOENT', 'ENOTEMPTY', 'EEXIST'], rmdir(lock))
}

/** Removes what starters left that were killed before they were done; a young folder may be one being prepared. */
async function sweep(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!/^\.[0-9a-f]{8}$/.test(name)) continue
    const left = join(folder, name)
    const found = await ignoring(['ENOENT'], stat(left))
    if (!found || Date.now() - found.mtimeMs < 60_000) continue
    for (const id of await entriesOf(left)) {
      if (!(await isListening(join(left, id)))) await ignoring(['ENOENT'], unlink(join(left, id)))
    }
    await ignoring(['ENOENT', 'ENOTEMPTY', 'EEXIST'], rmdir(left))
  }
}

async function listen(path: string): Promise<Server> {
  const server = createServer((socket) => socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ path }, resolve)
  })
  // The lock must not keep a process alive that is otherwise done.
  return server.unref()
}

async function close(server: Server): Promise<void> {
  await new Promise((resolve) => server.close(resolve))
}

async function entriesOf(folder: string): Promise<string[]> {
  return (await ignoring(['ENOENT'], readdir(folder))) ?? []
}

async function ignoring<T>(codes: string[], work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (isOneOf(codes, error)) return undefined
    throw error
  })
}

function isOneOf(codes: string[], error: unknown): boolean {
  return codes.includes((error as NodeJS.ErrnoException).code ?? '')
}
