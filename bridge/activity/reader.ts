import { join } from 'node:path'
import {
  ActivityRecord,
  type ActivityFilter,
  type ActivityPage,
  type ActivityQuery,
} from '../../shared/activity.ts'
import { dayOf, listDayFiles, type DayFile } from './day-files.ts'
import { clientInLine, connectionInLine } from './line.ts'
import { linesBackwards } from './lines-backwards.ts'

/**
 * A page of the record, the newest line first: the call that ended last. Half-written lines and those of other versions are skipped.
 * Neither memory nor the time between two turns of the event loop grows with the record. Rejects with the system's error, or the
 * signal's reason.
 */
export async function readPage(
  folder: string,
  query: ActivityQuery,
  signal?: AbortSignal,
): Promise<ActivityPage> {
  const records: ActivityRecord[] = []
  const fits = lineFilter(query)
  const files = filesFor(query, await listDayFiles(folder))
  for (const { name, day, part, end } of files) {
    for await (const lines of linesBackwards(join(folder, name), end)) {
      signal?.throwIfAborted()
      for (const { offset, bytes } of lines) {
        const record = fits(bytes) ? parseLine(bytes.toString()) : undefined
        if (!record) continue
        records.push(record)
        if (records.length < query.limit) continue
        const isLast = offset === 0 && name === files.at(-1)?.name
        return { records, next: isLast ? null : `${day}.${part}:${offset}` }
      }
    }
  }
  return { records, next: null }
}

/** Whether a line is a call of this client app and this connection, told by its bytes. */
export function callFilter({ client, connection }: ActivityFilter): (line: Buffer) => boolean {
  const parts = [
    ...(client === undefined ? [] : [clientInLine(client)]),
    ...(connection === undefined ? [] : [connectionInLine(connection)]),
  ].map((part) => Buffer.from(part))
  return (line) => parts.every((part) => line.includes(part))
}

/** Told by the bytes, since most lines of a large record are looked at in vain. */
function lineFilter(query: ActivityQuery): (line: Buffer) => boolean {
  const { since = -Infinity, until = Infinity } = query
  const isMeant = callFilter(query)
  return (line) => {
    const at = momentOf(line)
    return at >= since && at <= until && (isMeant(line) || line.includes(gap))
  }
}

const beginning = Buffer.from('{"at":')
const gap = Buffer.from('"record":"gap"')

/** When the call of a line ended; not a number where it is no line of ours. */
function momentOf(line: Buffer): number {
  if (!line.subarray(0, beginning.length).equals(beginning)) return Number.NaN
  return Number.parseInt(line.toString('latin1', beginning.length, beginning.length + 20), 10)
}

/** What a line says; undefined where it is none of this version. */
export function parseLine(line: string): ActivityRecord | undefined {
  try {
    return ActivityRecord.safeParse(JSON.parse(line)).data
  } catch {
    return undefined
  }
}

/** The files that may hold what is asked for, the newest first, and where to begin in each. */
function filesFor(query: ActivityQuery, files: readonly DayFile[]): (DayFile & { end?: number })[] {
  const { since = 0, until = Infinity, before } = query
  const [first, last] = [dayOf(since).day, dayOf(until).day]
  const [, day = '', part, offset] = /^([\d-]+)\.(\d+):(\d+)$/.exec(before ?? '') ?? []
  return files
    .filter((file) => file.day >= first && file.day <= last)
    .filter((file) => !day || file.day < day || (file.day === day && file.part <= Number(part)))
    .map((file) => (file.day === day && file.part === Number(part) ? { ...file, end: Number(offset) } : file))
    .toReversed()
}
