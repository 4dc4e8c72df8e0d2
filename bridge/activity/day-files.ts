import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { errnoOf } from '../vault/disk.ts'

/** One file of the record: a part of a day, whose lines are in the order in which the calls ended. */
export interface DayFile {
  readonly name: string
  /** The day in UTC, as in `2026-11-21`. */
  readonly day: string
  /** From 1 on. */
  readonly part: number
  readonly bytes: number
}

/** How much is kept. */
export interface Limits {
  /** Days before today; with 0 nothing is kept at all. */
  readonly keepDays: number
  readonly maxBytes: number
}

const dayMs = 86_400_000

/** The last moment whose year has four digits. */
const lastMoment = Date.UTC(9999, 11, 31)

/** The day of a moment in UTC. A moment that no calendar has is put to its nearest end. */
export function dayOf(at: number): { readonly day: string; readonly start: number; readonly end: number } {
  const start = Math.floor(Math.min(Math.max(at, 0), lastMoment) / dayMs) * dayMs
  return { day: new Date(start).toISOString().slice(0, 10), start, end: start + dayMs }
}

/** The name of a part: the first is `2026-11-21.jsonl`, the second `2026-11-21.2.jsonl`. */
export function fileName(day: string, part: number): string {
  return part === 1 ? `${day}.jsonl` : `${day}.${part}.jsonl`
}

/** The files of the record, the oldest first; none where there is no folder. Rejects with the system's error. */
export async function listDayFiles(folder: string): Promise<DayFile[]> {
  const files = await Promise.all(
    (await namesIn(folder)).flatMap((name) => {
      const [, day, part = '1'] = /^(\d{4}-\d\d-\d\d)(?:\.([1-9]\d{0,8}))?\.jsonl$/.exec(name) ?? []
      return day === undefined ? [] : [describe(folder, { name, day, part: Number(part) })]
    }),
  )
  return files
    .filter((file) => file !== undefined)
    .sort((one, other) => (one.day === other.day ? one.part - other.part : one.day < other.day ? -1 : 1))
}

/** Deletes some of the files; those that are gone already are no failure. Rejects with the system's error. */
export async function removeDayFiles(folder: string, files: readonly DayFile[]): Promise<void> {
  for (const { name } of files) await rm(join(folder, name), { force: true })
}

/**
 * Which files go so that a growing one has room: those older than `keepDays`; then the oldest parts of a day that takes more than
 * half of all, so that one busy day does not cost all others; then the oldest. Never `current`.
 */
export function surplusFiles(
  files: readonly DayFile[],
  around: { readonly now: number; readonly limits: Limits; readonly room: number; readonly current: string },
): { readonly aged: DayFile[]; readonly crowded: DayFile[] } {
  const { now, limits, room, current } = around
  const oldestDay = dayOf(now - limits.keepDays * dayMs).day
  const aged = files.filter(({ day, name }) => day < oldestDay && name !== current)
  const kept = files.filter((file) => !aged.includes(file))
  const crowded: DayFile[] = []
  const drop = (among: readonly DayFile[], most: number): void => {
    let bytes = among.reduce((sum, file) => sum + file.bytes, 0)
    for (const file of among) {
      if (bytes <= most) return
      if (file.name === current) continue
      bytes -= file.bytes
      crowded.push(file)
    }
  }
  for (const day of new Set(kept.map((file) => file.day))) {
    const own = kept.filter((file) => file.day === day)
    drop(own, limits.maxBytes / 2 - (current.startsWith(day) ? room : 0))
  }
  drop(
    kept.filter((file) => !crowded.includes(file)),
    limits.maxBytes - room,
  )
  return { aged, crowded }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}

/** Undefined when it is gone in the meantime, or is no file. */
async function describe(folder: string, file: Omit<DayFile, 'bytes'>): Promise<DayFile | undefined> {
  try {
    const found = await stat(join(folder, file.name))
    return found.isFile() ? { ...file, bytes: found.size } : undefined
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
