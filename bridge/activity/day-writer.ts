import { chmod, mkdir, open, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { ActivityGap } from '../../shared/activity.ts'
import type { Clock } from '../ports.ts'
import { dayOf, fileName, listDayFiles, removeDayFiles, surplusFiles, type Limits } from './day-files.ts'
import { gapLine } from './line.ts'

/** What the writer of the record needs. */
export interface DayWriterOptions {
  readonly folder: string
  readonly clock: Clock
  readonly limits: () => Limits
  /** Hears of the first write that fails, and again only after one that did not. */
  readonly failed: (error: unknown) => void
  /** Hears of the first write that works after one that failed. */
  readonly worksAgain: () => void
}

/** Lines of one day that are written together. */
interface Batch {
  readonly day: string
  readonly bytes: Buffer
  readonly lines: number
}

/** The file that was written last. */
interface Current {
  readonly day: string
  readonly part: number
  readonly bytes: number
  /** Whether its end is known to be that of a line. */
  readonly isWhole: boolean
}

/** How long a line may wait for others, in milliseconds. */
const waitMs = 250
/** How many bytes are written at once, but for a line that is longer, and how many may wait for a slow disk. */
const batchBytes = 128 * 1024
const mostWaiting = 16 * 1024 * 1024
/** How large a part of a day grows, in bytes, where all together may take enough. */
const largestPart = 8 * 1024 * 1024

/**
 * The one writer of the record. Lines are collected and appended in batches, each to the file of its day. A disk that does not take
 * them costs the lines of that time, which are counted, and nothing else.
 */
export class DayWriter {
  readonly #options: DayWriterOptions
  /** Lines as bytes: as one string they would be thousands of small objects that the garbage collector walks. */
  #collected: Buffer | undefined
  #length = 0
  #lines = 0
  /** Written, and free for the next batch. */
  #spare: Buffer | undefined
  #day = { day: '', start: 0, end: 0 }
  #cancelTimer: (() => void) | undefined
  #isClosed = false
  /** What is under way, one after the other. Never rejects. */
  #last: Promise<void> = Promise.resolve()
  #waiting = 0
  #lost = 0
  /** What was deleted and is not said yet. */
  #deleted: ActivityGap[] = []
  #hasFailed = false
  #current: Current | undefined

  constructor(options: DayWriterOptions) {
    this.#options = options
  }

  /** Takes a line, with its line feed, of a call that ended at this moment. */
  add(at: number, line: string): void {
    if (this.#isClosed) return
    if (at < this.#day.start || at >= this.#day.end) {
      this.#send()
      this.#day = dayOf(at)
    }
    // In UTF-8 no character of a string takes more than three bytes.
    const mostBytes = line.length * 3
    if (this.#length + mostBytes > batchBytes) this.#send()
    this.#collected ??= this.#emptyBuffer(mostBytes)
    this.#length += this.#collected.write(line, this.#length)
    this.#lines++
    this.#cancelTimer ??= this.#options.clock.after(waitMs, () => this.#sendSoon())
  }

  /** Resolves when all that was added is written, or lost. */
  async flush(): Promise<void> {
    this.#send()
    await this.#last
  }

  /** Does something to the files while nothing is written; what is added meanwhile waits. Rejects as `change` does. */
  async whileStill<T>(change: () => Promise<T>): Promise<T> {
    this.#send()
    const changed = this.#last.then(change)
    this.#last = changed.then(
      () => undefined,
      () => undefined,
    )
    return await changed
  }

  /** Writes what there is; later lines are ignored. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.flush()
    // What was lost is said, if the disk takes it by now.
    const { day } = dayOf(this.#options.clock.now())
    if (this.#lost > 0) this.#enqueue({ day, bytes: Buffer.alloc(0), lines: 0 })
    await this.#last
  }

  #sendSoon(): void {
    this.#cancelTimer = undefined
    // On a disk that hangs, lines share a buffer until it is full.
    if (this.#waiting === 0) this.#send()
    else this.#cancelTimer = this.#options.clock.after(waitMs, () => this.#sendSoon())
  }

  #send(): void {
    this.#cancelTimer?.()
    this.#cancelTimer = undefined
    if (!this.#collected) return
    const bytes = this.#collected.subarray(0, this.#length)
    const batch = { day: this.#day.day, bytes, lines: this.#lines }
    this.#collected = undefined
    this.#length = 0
    this.#lines = 0
    if (this.#waiting + bytes.buffer.byteLength > mostWaiting) this.#lost += batch.lines
    else this.#enqueue(batch)
  }

  #emptyBuffer(mostBytes: number): Buffer {
    const spare = mostBytes > batchBytes ? undefined : this.#spare
    this.#spare = undefined
    return spare ?? Buffer.allocUnsafeSlow(Math.max(batchBytes, mostBytes))
  }

  #enqueue(batch: Batch): void {
    this.#waiting += batch.bytes.buffer.byteLength
    this.#last = this.#last.then(async () => {
      try {
        await this.#write(batch)
        if (this.#hasFailed) this.#options.worksAgain()
        this.#hasFailed = false
      } catch (error) {
        this.#lost += batch.lines
        this.#current = undefined
        if (!this.#hasFailed) this.#options.failed(error)
        this.#hasFailed = true
      }
      this.#waiting -= batch.bytes.buffer.byteLength
      if (batch.bytes.buffer.byteLength === batchBytes) this.#spare = Buffer.from(batch.bytes.buffer)
    })
  }

  async #write({ day, bytes }: Batch): Promise<void> {
    const limits = this.#options.limits()
    if (limits.keepDays === 0) {
      const { folder } = this.#options
      return await removeDayFiles(folder, await listDayFiles(folder))
    }
    const largest = Math.min(largestPart, Math.floor(limits.maxBytes / 8))
    const before = this.#current
    const current = await this.#fileFor(day, bytes.length, largest)
    if (current !== before) await this.#makeRoom(current, limits, largest)
    const gaps = [...this.#deleted]
    const lost = this.#lost
    if (lost > 0) gaps.push({ at: this.#options.clock.now(), record: 'gap', reason: 'disk', calls: lost })
    const whole = gaps.length > 0 ? Buffer.concat([Buffer.from(gaps.map(gapLine).join('')), bytes]) : bytes
    this.#current = await this.#append(current, whole)
    this.#deleted = []
    this.#lost -= lost
  }

  /** The part of the day that has room; the very object of before where it is the same. */
  async #fileFor(day: string, room: number, largest: number): Promise<Current> {
    const before = this.#current
    if (before?.day === day) {
      const hasRoom = before.bytes === 0 || before.bytes + room <= largest
      return hasRoom ? before : { day, part: before.part + 1, bytes: 0, isWhole: true }
    }
    const { folder } = this.#options
    await mkdir(folder, { recursive: true, mode: 0o700 })
    if (process.platform !== 'win32') await chmod(folder, 0o700)
    const last = (await listDayFiles(folder)).findLast((file) => file.day === day)
    if (!last) return { day, part: 1, bytes: 0, isWhole: true }
    const hasRoom = last.bytes === 0 || last.bytes + room <= largest
    return hasRoom
      ? { day, part: last.part, bytes: last.bytes, isWhole: false }
      : { day, part: last.part + 1, bytes: 0, isWhole: true }
  }

  /** Deletes what is too old or too much, and notes what will be missed. */
  async #makeRoom({ day, part, bytes }: Current, limits: Limits, largest: number): Promise<void> {
    const { folder, clock } = this.#options
    const now = clock.now()
    const { aged, crowded } = surplusFiles(await listDayFiles(folder), {
      now,
      limits,
      room: largest - bytes,
      current: fileName(day, part),
    })
    await removeDayFiles(folder, [...aged, ...crowded])
    const newest = crowded
      .map((file) => file.day)
      .sort()
      .at(-1)
    if (newest === undefined) return
    const dropped = crowded.reduce((sum, file) => sum + file.bytes, 0)
    this.#deleted.push({ at: now, record: 'gap', reason: 'size', bytes: dropped, day: newest })
  }

  async #append({ day, part, bytes: expected, isWhole }: Current, bytes: Buffer): Promise<Current> {
    const handle = await open(join(this.#options.folder, fileName(day, part)), 'a+', 0o600)
    try {
      const { size } = await handle.stat()
      // Of another process that died, or of a write that failed: half a line must not become one with ours.
      const isTorn = !(isWhole && size === expected) && !(await endsWithLine(handle, size))
      const whole = isTorn ? Buffer.concat([lineFeed, bytes]) : bytes
      await appendWhole(handle, size, whole)
      return { day, part, bytes: size + whole.length, isWhole: true }
    } finally {
      await handle.close()
    }
  }
}

const lineFeed = Buffer.from('\n')

async function endsWithLine(handle: FileHandle, size: number): Promise<boolean> {
  if (size === 0) return true
  const { buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
  return buffer[0] === lineFeed[0]
}

/** Appends all or nothing, as far as the disk lets it. */
async function appendWhole(handle: FileHandle, size: number, bytes: Buffer): Promise<void> {
  try {
    await handle.appendFile(bytes)
  } catch (error) {
    await handle.truncate(size).catch(() => undefined)
    throw error
  }
}
