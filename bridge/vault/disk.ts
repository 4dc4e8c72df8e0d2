import { link, open, rename, unlink } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'

/** A file that was just created and is being filled. */
export type NewFile = Pick<FileHandle, 'writeFile' | 'sync' | 'close'>

/** The steps of a durable replacement. A port, so that a test can cut the power between any two of them. */
export interface Disk {
  /** Makes a file that only this user can read. Rejects with EEXIST when there is anything of this name, a link too. */
  create(file: string): Promise<NewFile>
  /** Gives a file a second name. Rejects with EEXIST when that name is taken. */
  link(file: string, name: string): Promise<void>
  rename(from: string, to: string): Promise<void>
  remove(file: string): Promise<void>
  /** Makes the names in a folder durable, where the platform can. */
  syncFolder(folder: string): Promise<void>
}

/** What a file system answers that does not offer the fsync of a folder. Any other answer is a failure. */
const CANNOT_SYNC = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EISDIR', 'EBADF'])

/** What Windows answers while a virus scanner or an indexer holds the file for a moment. */
const HELD = new Set(['EPERM', 'EACCES', 'EBUSY'])

/** About two seconds in all. */
const PAUSES_MS = [5, 10, 20, 50, 100, 200, 400, 600, 600]

/** The disk of this machine. */
export const systemDisk: Disk = {
  create: (file) => open(file, 'wx', 0o600),
  link,
  rename: (from, to) =>
    process.platform === 'win32' ? retryWhileHeld(() => rename(from, to)) : rename(from, to),
  remove: unlink,
  async syncFolder(folder) {
    // Windows opens no folders; NTFS journals its names.
    if (process.platform === 'win32') return
    const handle = await open(folder, 'r')
    try {
      await handle.sync()
    } catch (error) {
      if (!CANNOT_SYNC.has(errnoOf(error))) throw error
    } finally {
      await handle.close()
    }
  },
}

/** Tries a step again while another program holds the file; after `pauses.length` more tries its error is final. */
export async function retryWhileHeld(
  step: () => Promise<void>,
  pauses: readonly number[] = PAUSES_MS,
): Promise<void> {
  for (const pause of pauses) {
    try {
      return await step()
    } catch (error) {
      if (!HELD.has(errnoOf(error))) throw error
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pause)
    })
  }
  return step()
}

/** The system's name of an error, such as `ENOSPC`; empty for an error that is not the system's. */
export function errnoOf(error: unknown): string {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return ''
  return error.code
}

const words: Record<string, string> = {
  EACCES: 'no permission',
  EDQUOT: 'the quota is used up',
  EFBIG: 'the file would be too large',
  EIO: 'the disk failed',
  EISDIR: 'it is a folder',
  ELOOP: 'it is a symbolic link',
  ENOENT: 'the folder is gone',
  ENOSPC: 'no space left',
  ENOTDIR: 'its folder is not a folder',
  EPERM: 'not permitted',
  EROFS: 'the disk is read-only',
}

/** A system error in words and without the path, which the error's own message would show. */
export function wordsFor(error: unknown): string {
  const errno = errnoOf(error)
  return words[errno] ?? (errno || 'an unexpected error')
}
