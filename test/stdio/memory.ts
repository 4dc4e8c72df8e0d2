import { readFileSync } from 'node:fs'

/** Whether the system tells how much memory another process has. */
export const canMeasure = process.platform === 'linux'

/** The most memory that a process has had resident since it began, in bytes. */
export function peakMemory(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
}
