import { readdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { errnoOf, systemDisk } from './disk.ts'

/** Why a vault file was put aside. */
export type SetAsideReason = 'torn' | 'foreign' | 'wrong-key'

/** A vault file that could not be opened and was kept. */
export interface SetAside {
  /** Its name, in the folder of the vault. */
  readonly name: string
  readonly reason: SetAsideReason
  /** Milliseconds since the epoch, whole seconds. */
  readonly at: number
}

const NAME = /^\.(torn|foreign|wrong-key)-(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z(?:-\d+)?$/

/**
 * Renames a file beside itself, to `<name>.<reason>-<time in UTC>`, and resolves with the new name. Its bytes do not change and no
 * other file is replaced. Rejects with the system's error; then the file is where it was.
 */
export async function setAside(file: string, reason: SetAsideReason, at: number): Promise<string> {
  const time = new Date(at).toISOString().replaceAll(/[-:]|\.\d+/g, '')
  const target = await reserve(`${file}.${reason}-${time}`)
  try {
    await systemDisk.rename(file, target)
  } catch (error) {
    await systemDisk.remove(target)
    throw error
  }
  await systemDisk.syncFolder(dirname(file))
  return basename(target)
}

/** The files that were set aside from this vault, oldest first; none when the folder does not exist. */
export async function listSetAside(file: string): Promise<SetAside[]> {
  const base = basename(file)
  const found: SetAside[] = []
  for (const name of await namesIn(dirname(file))) {
    const parts = name.startsWith(base) ? NAME.exec(name.slice(base.length)) : null
    if (!parts) continue
    const [, reason, year, month, day, hour, minute, second] = parts
    const at = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`)
    found.push({ name, reason: reason as SetAsideReason, at })
  }
  return found.sort((a, b) => a.at - b.at || (a.name < b.name ? -1 : 1))
}

/** Takes a free name, since a rename would silently replace a file that has it. */
async function reserve(wanted: string): Promise<string> {
  for (let turn = 1; ; turn += 1) {
    const name = turn === 1 ? wanted : `${wanted}-${turn}`
    try {
      const placeholder = await systemDisk.create(name)
      await placeholder.close()
      return name
    } catch (error) {
      if (errnoOf(error) !== 'EEXIST') throw error
    }
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
