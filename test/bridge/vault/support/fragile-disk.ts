import { dirname } from 'node:path'
import type { Disk, NewFile } from '../../../../bridge/vault/disk.ts'

type Names = ReadonlyMap<string, Content>

interface Content {
  bytes: string
  synced: boolean
}

/** What happens at one step of a disk: it fails with an error and goes on living, or the power is cut before or after it. */
export type Fault = { readonly step: number; readonly is: 'error' | 'cut-before' | 'cut-after' }

/** The error of a step that was made to fail. */
export class DiskError extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

/**
 * A disk in memory that keeps no more than a disk must: content counts after its sync, names after the sync of their folder. Without
 * these, a power cut may keep any of it.
 */
export class FragileDisk implements Disk {
  readonly #fault: Fault | undefined
  #step = 0
  #dark = false
  /** The states of the folder since its last sync, oldest first; the last is the present one. */
  #states: Names[]

  constructor(files: Record<string, string>, fault?: Fault) {
    this.#fault = fault
    this.#states = [new Map(Object.entries(files).map(([name, bytes]) => [name, { bytes, synced: true }]))]
  }

  get steps(): number {
    return this.#step
  }

  /** What a running system sees. */
  now(): Record<string, string> {
    return Object.fromEntries([...this.#present].map(([name, { bytes }]) => [name, bytes]))
  }

  /** All that may be there after a power cut at this moment. */
  afterPowerCut(): Record<string, string>[] {
    return this.#states.flatMap((names) =>
      [...names].reduce<Record<string, string>[]>(
        (worlds, [name, { bytes, synced }]) => {
          const kept = synced ? [bytes] : ['', bytes.slice(0, bytes.length / 2), bytes]
          return worlds.flatMap((world) => kept.map((one) => ({ ...world, [name]: one })))
        },
        [{}],
      ),
    )
  }

  async create(file: string): Promise<NewFile> {
    const content: Content = { bytes: '', synced: false }
    await this.#take(() => {
      if (this.#present.has(file)) throw new DiskError('EEXIST')
      this.#change((names) => names.set(file, content))
    })
    return {
      writeFile: (bytes) =>
        this.#take(() => {
          content.bytes = Buffer.from(bytes as Uint8Array).toString()
        }),
      sync: () =>
        this.#take(() => {
          content.synced = true
        }),
      close: () => this.#take(() => {}),
    }
  }

  link(file: string, name: string): Promise<void> {
    return this.#take(() => {
      if (this.#present.has(name)) throw new DiskError('EEXIST')
      this.#change((names) => names.set(name, this.#at(file)))
    })
  }

  rename(from: string, to: string): Promise<void> {
    return this.#take(() => {
      const content = this.#at(from)
      this.#change((names) => names.set(to, content).delete(from))
    })
  }

  remove(file: string): Promise<void> {
    return this.#take(() => {
      this.#at(file)
      this.#change((names) => names.delete(file))
    })
  }

  syncFolder(folder: string): Promise<void> {
    return this.#take(() => {
      if ([...this.#present.keys()].some((name) => dirname(name) !== folder)) throw new DiskError('ENOENT')
      this.#states = [this.#present]
    })
  }

  get #present(): Names {
    return this.#states.at(-1) ?? new Map()
  }

  #at(file: string): Content {
    const content = this.#present.get(file)
    if (!content) throw new DiskError('ENOENT')
    return content
  }

  #change(change: (names: Map<string, Content>) => void): void {
    const names = new Map(this.#present)
    change(names)
    this.#states.push(names)
  }

  async #take(action: () => void): Promise<void> {
    if (this.#dark) throw new DiskError('DARK')
    const fault = this.#fault?.step === this.#step ? this.#fault.is : undefined
    this.#step += 1
    if (fault === 'error') throw new DiskError('EIO')
    if (fault !== 'cut-before') action()
    if (fault === undefined) return
    this.#dark = true
    throw new DiskError('DARK')
  }
}
