import { readFile } from 'node:fs/promises'

/** The resident memory of a process, in bytes. */
export interface Memory {
  readonly now: number
  /** The most since its start. */
  readonly peak: number
}

/** Reads a process's memory; undefined on systems that do not tell. */
export async function memoryOf(pid: number): Promise<Memory | undefined> {
  if (process.platform !== 'linux') return undefined
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const bytes = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024
  return { now: bytes('VmRSS'), peak: bytes('VmHWM') }
}
