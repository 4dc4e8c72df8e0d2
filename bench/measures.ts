import { setTimeout as sleep } from 'node:timers/promises'
import { addConnection, createBridgeHome, startBridge } from './bridge.ts'
import type { TemporaryHome } from '../test/support/temporary-home.ts'
import type { Child } from './child.ts'
import type { Lateness, Load, LoadQuestions } from './load-process.ts'
import { memoryOf } from './memory.ts'
import type { Place } from './scenario.ts'
import { median, ratios } from './statistics.ts'

/** The three ways to the same server. */
const ways = ['direct', 'bare', 'bridge'] as const
type Way = (typeof ways)[number]
export type Places = Readonly<Record<Way, Place>>
type Client = Child<LoadQuestions>

/** Rounds of one measurement, and the length of one window in milliseconds. */
const rounds = 12
const windowMs = 400

/** Calls with so many in flight: the median of all rounds, and the median of the rounds' ratios. */
export interface Throughput {
  readonly inFlight: number
  readonly ways: Readonly<Record<Way, Load>>
  /** The bridge's number divided by the bare proxy's, each round for itself. */
  readonly ratio: Load
}

/**
 * Calls by all ways in turns, so that whatever else the machine does touches all of them alike. The first round warms up and does not count.
 */
export async function measureThroughput(
  client: Client,
  places: Places,
  inFlight: number,
): Promise<Throughput> {
  const loads: Record<Way, Load[]> = { direct: [], bare: [], bridge: [] }
  for (let round = 0; round <= rounds; round++) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const load = await client.ask('load', { ...places[way], inFlight, ms: windowMs })
      if (round > 0) loads[way].push(load)
    }
  }
  const middle = (all: readonly Load[]): Load => ({
    callsPerSecond: median(all.map((one) => one.callsPerSecond)),
    p50: median(all.map((one) => one.p50)),
    p99: median(all.map((one) => one.p99)),
  })
  return {
    inFlight,
    ways: { direct: middle(loads.direct), bare: middle(loads.bare), bridge: middle(loads.bridge) },
    ratio: middle(ratios(loads.bridge, loads.bare)),
  }
}

/** A large result: milliseconds by each way, and what the bridge's memory rose to above what it was before, in bytes. */
export interface LargeResult {
  readonly ms: Readonly<Record<Way, number>>
  readonly rise: { readonly of1: number; readonly of10: number } | undefined
}

/**
 * Fetches 100 MB in results of 1 MB, then as much in results of 10 MB. Both leave the same garbage, so that the second rise is larger only if
 * memory depends on the size.
 */
export async function measureLargeResult(
  client: Client,
  places: Places,
  bridge: number,
): Promise<LargeResult> {
  const before = await memoryOf(bridge)
  const riseOf = async (tool: 'result-1' | 'result-10', times: number): Promise<number> => {
    for (let i = 0; i < times; i++) await client.ask('result', { ...places.bridge, tool })
    const after = await memoryOf(bridge)
    return before && after ? after.peak - before.now : Number.NaN
  }
  const of1 = await riseOf('result-1', 100)
  const of10 = await riseOf('result-10', 10)
  const times: Record<Way, number[]> = { direct: [], bare: [], bridge: [] }
  for (let i = 0; i < 10; i++) {
    for (const way of ways)
      times[way].push((await client.ask('result', { ...places[way], tool: 'result-10' })).ms)
  }
  return {
    ms: { direct: median(times.direct), bare: median(times.bare), bridge: median(times.bridge) },
    rise: before && { of1, of10 },
  }
}

/** How late progress messages are by each way: medians of several calls. */
export type Progress = Readonly<Record<Way, Lateness>>

/** Receives a thousand messages several times by each way. Rejects when one is lost or out of order. */
export async function measureProgress(
  client: Client,
  places: Places,
  tool: 'burst' | 'paced',
): Promise<Progress> {
  const all: Record<Way, Lateness[]> = { direct: [], bare: [], bridge: [] }
  for (let i = 0; i < (tool === 'burst' ? 15 : 3); i++) {
    for (const way of ways) all[way].push(await client.ask('progress', { ...places[way], tool }))
  }
  const middle = (some: readonly Lateness[]): Lateness => ({
    median: median(some.map((one) => one.median)),
    worst: median(some.map((one) => one.worst)),
  })
  return { direct: middle(all.direct), bare: middle(all.bare), bridge: middle(all.bridge) }
}

/** A home with the vault of a bridge that has twenty connections. */
export async function prepareHome(upstream: string): Promise<TemporaryHome> {
  const home = await createBridgeHome()
  const bridge = await startBridge(home)
  for (let i = 1; i <= 20; i++) await addConnection(bridge.control, upstream, `connection-${i}`)
  await bridge.end()
  return home
}

/** Starts the bridge again and again: milliseconds from the start of its process to the line that says it is ready. */
export async function measureStart(home: TemporaryHome): Promise<number> {
  const ready: number[] = []
  for (let i = 0; i < 7; i++) {
    const bridge = await startBridge(home)
    ready.push(bridge.readyAfterMs)
    await bridge.end()
  }
  return median(ready)
}

/** The resident memory, in bytes, of a bridge that was left alone for a while; undefined where the system does not tell. */
export async function measureIdleMemory(home: TemporaryHome): Promise<number | undefined> {
  const bridge = await startBridge(home)
  await sleep(3_000)
  const memory = await memoryOf(bridge.pid)
  await bridge.end()
  return memory?.now
}
