import { randomBytes } from 'node:crypto'
import { readdir, unlink } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Disk } from './disk.ts'
import { errnoOf, systemDisk } from './disk.ts'

const TEMPORARY = /^\.tmp-[0-9a-f]{16}$/

/**
 * Puts new content in the place of a file: whoever reads it, at any moment and after any crash, finds the old bytes or the new
 * ones, whole. They are durable when this resolves. When it rejects, with the system's error, the old ones are in place (the
 * new ones only if the folder could not be synced) and no temporary file is left.
 */
export async function replaceFile(file: string, bytes: Uint8Array, disk: Disk = systemDisk): Promise<void> {
  const temporary = await writeTemporary(file, bytes, disk)
  await orRemove(temporary, disk, () => disk.rename(temporary, file))
  await disk.syncFolder(dirname(file))
}

/**
 * Makes a file that does not exist yet, whole and durable when this resolves. False when there is one of this name already; that
 * one is left as it is. Rejects with the system's error.
 */
export async function createFile(file: string, bytes: Uint8Array, disk: Disk = systemDisk): Promise<boolean> {
  const temporary = await writeTemporary(file, bytes, disk)
  // A link, since a rename would replace what another process made in the meantime.
  const made = await orRemove(temporary, disk, () => linkUnlessTaken(temporary, file, disk))
  await disk.remove(temporary)
  await disk.syncFolder(dirname(file))
  return made
}

/** Removes what crashed replacements of a file left beside it. Resolves with the number of removed files. */
export async function removeLeftovers(file: string): Promise<number> {
  const folder = dirname(file)
  const base = basename(file)
  const names = await readdir(folder)
  const leftovers = names.filter((name) => name.startsWith(base) && TEMPORARY.test(name.slice(base.length)))
  await Promise.all(leftovers.map((name) => unlink(join(folder, name))))
  return leftovers.length
}

async function writeTemporary(file: string, bytes: Uint8Array, disk: Disk): Promise<string> {
  // In the same folder, since a rename is atomic within one file system only.
  const temporary = `${file}.tmp-${randomBytes(8).toString('hex')}`
  const opened = await disk.create(temporary)
  await orRemove(temporary, disk, async () => {
    try {
      await opened.writeFile(bytes)
      // Before the rename: else a crash may leave the new name with empty content.
      await opened.sync()
    } finally {
      await opened.close()
    }
  })
  return temporary
}

async function linkUnlessTaken(from: string, to: string, disk: Disk): Promise<boolean> {
  try {
    await disk.link(from, to)
    return true
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return false
    throw error
  }
}

async function orRemove<T>(temporary: string, disk: Disk, step: () => Promise<T>): Promise<T> {
  try {
    return await step()
  } catch (error) {
    await disk.remove(temporary).catch(() => {
      // The next opening removes it; the first error is the one that matters.
    })
    throw error
  }
}
