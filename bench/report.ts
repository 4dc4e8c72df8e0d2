import type { LargeResult, Progress, Throughput } from './measures.ts'

/** Everything that was measured. */
export interface Measured {
  readonly throughput: readonly Throughput[]
  readonly largeResult: LargeResult
  readonly burst: Progress
  readonly paced: Progress
  /** Of a bridge with twenty connections. */
  readonly readyMs: number
  readonly idleMemory: number | undefined
}

/** One goal of the project beside what was measured. */
export interface Goal {
  readonly goal: string
  readonly measured: string
  readonly isMet: boolean
}

const number = (value: number, digits = 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits })
const ms = (value: number): string => `${number(value, 2)} ms`
const megabytes = (bytes: number): string => `${number(bytes / 1024 / 1024, 1)} MB`

/** The goals that this run can judge. They are set against one run on one machine; a run beside other work says little. */
export function goals({ throughput, largeResult, burst, paced, readyMs, idleMemory }: Measured): Goal[] {
  const found: Goal[] = []
  for (const { inFlight, ratio } of throughput) {
    const how = inFlight === 1 ? 'one after the other' : `${inFlight} in flight`
    const calls = ratio.callsPerSecond
    found.push(
      {
        goal: `calls per second, ${how}: at least 0.90 of bare`,
        measured: number(calls, 2),
        isMet: calls >= 0.9,
      },
      { goal: `p50, ${how}: at most 1.20 of bare`, measured: number(ratio.p50, 2), isMet: ratio.p50 <= 1.2 },
    )
  }
  if (largeResult.rise) {
    const more = largeResult.rise.of10 - largeResult.rise.of1
    found.push({
      goal: 'peak memory with results of 10 MB over that with results of 1 MB: at most 10 MB more',
      measured: megabytes(more),
      isMet: more <= 10 * 1024 * 1024,
    })
  }
  for (const [name, progress] of [
    ['in a burst', burst],
    ['paced', paced],
  ] as const) {
    const late = progress.bridge.worst - progress.bare.worst
    found.push({
      goal: `1,000 progress messages ${name}: none lost, none later than 10 ms more than by bare`,
      measured: ms(late),
      isMet: late <= 10,
    })
  }
  if (idleMemory !== undefined) {
    found.push({
      goal: 'idle memory with 20 connections: at most 90 MB',
      measured: megabytes(idleMemory),
      isMet: idleMemory <= 90 * 1024 * 1024,
    })
  }
  found.push({
    goal: 'from start to ready: at most 400 ms',
    measured: ms(readyMs),
    isMet: readyMs <= 400,
  })
  return found
}

/** The measurements and the goals as tables for a person. */
export function describe(measured: Measured): string {
  const { throughput, largeResult, burst, paced } = measured
  const header = ['', 'direct', 'bare proxy', 'bridge', 'bridge / bare']
  const rows = throughput.flatMap(({ inFlight, ways, ratio }) => [
    [
      `calls/s, ${inFlight} in flight`,
      number(ways.direct.callsPerSecond),
      number(ways.bare.callsPerSecond),
      number(ways.bridge.callsPerSecond),
      number(ratio.callsPerSecond, 2),
    ],
    [`  p50`, ms(ways.direct.p50), ms(ways.bare.p50), ms(ways.bridge.p50), number(ratio.p50, 2)],
    [`  p99`, ms(ways.direct.p99), ms(ways.bare.p99), ms(ways.bridge.p99), number(ratio.p99, 2)],
  ])
  const times = largeResult.ms
  rows.push([
    'result of 10 MB',
    ms(times.direct),
    ms(times.bare),
    ms(times.bridge),
    number(times.bridge / times.bare, 2),
  ])
  for (const [name, progress] of [
    ['burst', burst],
    ['paced', paced],
  ] as const) {
    const { direct, bare, bridge } = progress
    rows.push(
      [`1,000 messages, ${name}: late`, ms(direct.median), ms(bare.median), ms(bridge.median), ''],
      ['  the latest', ms(direct.worst), ms(bare.worst), ms(bridge.worst), ''],
    )
  }
  const { rise } = largeResult
  const memory = rise
    ? `peak memory of the bridge above idle: ${megabytes(rise.of1)} with results of 1 MB, ${megabytes(rise.of10)} with 10 MB\n\n`
    : ''
  const judged = goals(measured).map(({ goal, measured: value, isMet }) => [
    goal,
    value,
    isMet ? 'yes' : 'NO',
  ])
  return `${table([header, ...rows])}\n\n${memory}${table([['goal', 'measured', 'met'], ...judged])}\n`
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
  return rows.map(line).join('\n')
}
