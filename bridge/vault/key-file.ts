import { createSecretKey, randomBytes } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { mkdir, open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { dirname } from 'node:path'
import { BridgeError } from '../../shared/errors.ts'
import type { SealingKey } from '../ports.ts'
import { createFile, removeLeftovers } from './atomic-replace.ts'
import { errnoOf, wordsFor } from './disk.ts'

const KEY_BYTES = 32

/** The key of an existing key file, or of a new one, which is durable when this resolves. Rejects like `findFileKey`. */
export async function createFileKey(file: string): Promise<SealingKey> {
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await removeLeftovers(file)
    const bytes = randomBytes(KEY_BYTES)
    // False when there is one already: it stays, and is the key.
    await createFile(file, bytes)
    bytes.fill(0)
  } catch (error) {
    throw new BridgeError('keystore.key_file_invalid', `it could not be made: ${wordsFor(error)}`)
  }
  const key = await findFileKey(file)
  if (!key) throw new BridgeError('keystore.key_file_invalid', 'it vanished')
  return { key, reference: { kind: 'key-file' } }
}

/**
 * The key in a key file; undefined when there is no file. Rejects with `keystore.key_file_invalid` unless it is a plain file of 32
 * bytes that belongs to this user and that nobody else can read. On Windows the rights of the user's profile folder stand
 * for the latter two.
 */
export async function findFileKey(file: string): Promise<KeyObject | undefined> {
  const handle = await openKeyFile(file)
  if (!handle) return undefined
  try {
    await refuseUnfit(handle)
    const buffer = Buffer.alloc(KEY_BYTES + 1)
    const { bytesRead } = await handle.read(buffer)
    if (bytesRead !== KEY_BYTES) throw new BridgeError('keystore.key_file_invalid', 'it is not 32 bytes long')
    const key = createSecretKey(buffer.subarray(0, KEY_BYTES))
    buffer.fill(0)
    return key
  } finally {
    await handle.close()
  }
}

async function openKeyFile(file: string): Promise<FileHandle | undefined> {
  try {
    // No links: what one points at can be exchanged. Not blocking: a pipe in its place would hold the start for ever.
    return await open(file, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw new BridgeError('keystore.key_file_invalid', wordsFor(error))
  }
}

async function refuseUnfit(handle: FileHandle): Promise<void> {
  const stat = await handle.stat()
  if (!stat.isFile()) throw new BridgeError('keystore.key_file_invalid', 'it is not a plain file')
  const user = process.getuid?.()
  if (user === undefined) return
  if (stat.uid !== user) throw new BridgeError('keystore.key_file_invalid', 'it belongs to another user')
  if ((stat.mode & 0o077) !== 0)
    throw new BridgeError('keystore.key_file_invalid', 'others can read or write it')
}
