import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ConnectionId } from '../../shared/connection.ts'
import { replaceFile } from '../vault/atomic-replace.ts'
import { listDayFiles, removeDayFiles } from './day-files.ts'
import { linesBackwards } from './lines-backwards.ts'
import { callFilter } from './reader.ts'

/**
 * Deletes the whole record, or the calls of one connection, and resolves with the bytes that went. Nobody may write meanwhile. A file
 * that is left is replaced whole. Rejects with the system's error.
 */
export async function clearCalls(folder: string, connection: ConnectionId | undefined): Promise<number> {
  const files = await listDayFiles(folder)
  if (connection === undefined) {
    await removeDayFiles(folder, files)
    return files.reduce((sum, { bytes }) => sum + bytes, 0)
  }
  const isMeant = callFilter({ connection })
  let gone = 0
  for (const { name, bytes } of files) {
    const file = join(folder, name)
    const kept = await keptLines(file, isMeant)
    if (kept.length === bytes) continue
    gone += bytes - kept.length
    if (kept.length === 0) await unlink(file)
    else await replaceFile(file, kept)
  }
  return gone
}

/** All other lines of a file, which is small enough to be held. */
async function keptLines(file: string, isMeant: (line: Buffer) => boolean): Promise<Buffer> {
  const kept: Buffer[] = []
  for await (const lines of linesBackwards(file)) {
    for (const { bytes } of lines) if (!isMeant(bytes)) kept.push(lineFeed, bytes)
  }
  return Buffer.concat(kept.toReversed())
}

const lineFeed = Buffer.from('\n')
