import { open, type FileHandle } from 'node:fs/promises'
import { errnoOf } from '../vault/disk.ts'

/** A line without its line feed, and where in the file it begins. */
export interface PlacedLine {
  readonly offset: number
  readonly bytes: Buffer
}

/** Read at once, in bytes: little enough that nobody waits while it is looked at. */
const blockBytes = 64 * 1024
/** What is longer, in bytes, is left out: no line of ours is. */
const longestLine = 256 * 1024

/**
 * The lines of a file before `end`, the last one first, some at a time; none where there is no file. Takes linear time whatever the
 * file holds, and memory for two blocks. Rejects with the system's error.
 */
export async function* linesBackwards(file: string, end = Infinity): AsyncGenerator<PlacedLine[]> {
  const handle = await openIfThere(file)
  if (!handle) return
  try {
    let position = Math.min(end, (await handle.stat()).size)
    /** The end of a line whose beginning is not read yet. */
    let rest: Buffer[] = []
    let restLength = 0
    while (position > 0) {
      const length = Math.min(blockBytes, position)
      position -= length
      const { buffer, bytesRead } = await handle.read(Buffer.allocUnsafe(length), 0, length, position)
      // It was cut short meanwhile.
      if (bytesRead < length) return
      const lines: PlacedLine[] = []
      let lineEnd = length
      for (let feed = feedBefore(buffer, lineEnd); feed >= 0; feed = feedBefore(buffer, lineEnd)) {
        const piece = buffer.subarray(feed + 1, lineEnd)
        const bytes = rest.length > 0 ? Buffer.concat([piece, ...rest.toReversed()]) : piece
        if (bytes.length > 0 && restLength <= longestLine) lines.push({ offset: position + feed + 1, bytes })
        rest = []
        restLength = 0
        lineEnd = feed
      }
      restLength += lineEnd
      if (restLength > longestLine) rest = []
      else rest.push(buffer.subarray(0, lineEnd))
      yield lines
    }
    if (restLength > 0 && restLength <= longestLine) {
      yield [{ offset: 0, bytes: Buffer.concat(rest.toReversed()) }]
    }
  } finally {
    await handle.close()
  }
}

function feedBefore(bytes: Buffer, end: number): number {
  return end > 0 ? bytes.lastIndexOf(0x0a, end - 1) : -1
}

async function openIfThere(file: string): Promise<FileHandle | undefined> {
  try {
    return await open(file, 'r')
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
