import type { BareProxyQuestions } from './bare-proxy-process.ts'
import { addConnection, createBridgeHome, startBridge } from './bridge.ts'
import { build } from './build.ts'
import { startChild } from './child.ts'
import type { LoadQuestions } from './load-process.ts'
import {
  measureIdleMemory,
  measureLargeResult,
  measureProgress,
  measureStart,
  measureThroughput,
  prepareHome,
  type Places,
} from './measures.ts'
import { describe, goals, type Measured } from './report.ts'
import type { UpstreamQuestions } from './upstream-process.ts'

/** What must be ended and removed, the latest first. */
const leftovers: (() => Promise<unknown>)[] = []

/**
 * Measures the bridge beside a bare proxy and the direct way, in one run, each in its own process, on loopback. Rejects when a call fails or a
 * message is lost, and never because of a number.
 */
async function measure(): Promise<Measured> {
  await build()
  const upstream = startChild<UpstreamQuestions>('upstream-process')
  const bare = startChild<BareProxyQuestions>('bare-proxy-process')
  const client = startChild<LoadQuestions>('load-process')
  for (const child of [upstream, bare, client]) leftovers.push(() => child.stop())
  const { url: direct } = await upstream.ask('start', undefined)
  const { url: proxied } = await bare.ask('start', { upstream: direct })

  const home = await createBridgeHome()
  leftovers.push(() => home.remove())
  const bridge = await startBridge(home)
  leftovers.push(() => bridge.end())
  const places: Places = {
    direct: { url: direct, isDirect: true },
    bare: { url: proxied, isDirect: false },
    bridge: { url: await addConnection(bridge.control, direct, 'bench'), isDirect: false },
  }
  // Memory first, while the bridge is young; start and idle memory last, when nothing else runs.
  const largeResult = await measureLargeResult(client, places, bridge.pid)
  const throughput = [await measureThroughput(client, places, 1), await measureThroughput(client, places, 32)]
  const burst = await measureProgress(client, places, 'burst')
  const paced = await measureProgress(client, places, 'paced')
  await bridge.end()

  const crowded = await prepareHome(direct)
  leftovers.push(() => crowded.remove())
  const readyMs = await measureStart(crowded)
  const idleMemory = await measureIdleMemory(crowded)
  return { throughput, largeResult, burst, paced, readyMs, idleMemory }
}

try {
  const measured = await measure()
  const asJson = process.argv.includes('--json')
  process.stdout.write(
    asJson ? `${JSON.stringify({ ...measured, goals: goals(measured) }, null, 2)}\n` : describe(measured),
  )
} finally {
  for (const end of leftovers.toReversed()) await end()
}
