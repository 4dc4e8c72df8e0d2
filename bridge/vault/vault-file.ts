import { constants } from 'node:fs'
import { lstat, open } from 'node:fs/promises'
import { BridgeError } from '../../shared/errors.ts'
import type { Log } from '../ports.ts'
import { errnoOf, wordsFor } from './disk.ts'

/**
 * The bytes of the vault file; undefined when there is none. Only a plain file is read: a link is refused, since a replacement
 * would put a file in the place of the link and leave its target behind, old and forgotten. Takes others' rights away from it.
 * Rejects with `vault.unreadable`; nothing is moved.
 */
export async function readVaultFile(file: string, log: Log): Promise<Buffer | undefined> {
  try {
    const kind = await lstat(file)
    if (kind.isSymbolicLink()) throw new BridgeError('vault.unreadable', 'it is a symbolic link')
    if (!kind.isFile()) throw new BridgeError('vault.unreadable', 'it is not a plain file')
    // Again no link, if one was put there just now.
    const handle = await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0))
    try {
      if (process.platform !== 'win32' && (kind.mode & 0o077) !== 0) {
        await handle.chmod(0o600)
        log.warn('others could read the sealed vault file; its rights were mended')
      }
      return await handle.readFile()
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof BridgeError) throw error
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new BridgeError('vault.unreadable', wordsFor(error))
  }
}
