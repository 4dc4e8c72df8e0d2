import { fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connectControl } from '../../bridge/control/client.ts'
import { bridgePaths } from '../../bridge/paths.ts'
import { startBridgeProcess } from '../support/bridge-process.ts'
import { typescriptLoader } from '../support/process.ts'
import { createTemporaryHome } from '../support/temporary-home.ts'
import { startHttpClient, startShim, type LoadClient } from './clients.ts'
import type { ServerRecord } from './questions.ts'

/** What is asked of the bridge. */
export interface LoadOptions {
  /** How many shims, and as many HTTP clients; half of each speak the older era. */
  readonly pairs: number
  /** The same for the measure that they are compared with. */
  readonly fewPairs: number
  /** Calls of all clients together in one round, and of the few. */
  readonly calls: number
  readonly fewCalls: number
  readonly rounds: number
  /** When everything is ended, whatever has come by then, in milliseconds. */
  readonly limitMs: number
}

/** What came of it. */
export interface LoadResult {
  readonly made: number
  /** Calls that got no answer until the limit. */
  readonly lost: number
  /** Answers and messages that were not what was asked for, in words. */
  readonly faults: readonly string[]
  readonly server: ServerRecord
  /** Of the few clients and of all, round by round. */
  readonly few: readonly Round[]
  readonly all: readonly Round[]
}

/** What was measured in one round. */
export interface Round {
  readonly perSecond: number
  /** What the bridge itself needed for a call, in microseconds of a processor; undefined on systems that do not tell. */
  readonly bridgeMicros: number | undefined
}

/** Calls of one client that are under way at any time, and every how many-th wants progress messages. */
const inFlight = 4
const progressEvery = 10
/** How many names the client apps have among them. */
const apps = 10

/** Starts a bridge with a server and all its clients, and lets them call in turns: a few of them, then all. Ends all it started. */
export async function runLoad(options: LoadOptions): Promise<LoadResult> {
  const ends: (() => Promise<unknown>)[] = []
  const token = 'load-token'
  const faults: string[] = []
  let limit: NodeJS.Timeout | undefined
  try {
    const upstream = fork(
      fileURLToPath(new URL('upstream-process.ts', import.meta.url)),
      [`Bearer ${token}`],
      { execArgv: ['--import', typescriptLoader] },
    )
    ends.unshift(async () => void upstream.kill('SIGKILL'))
    const [url] = (await once(upstream, 'message')) as [string]
    const home = await createTemporaryHome()
    ends.unshift(() => home.remove())
    const bridge = await startBridgeProcess(home)
    ends.unshift(() => bridge.kill())
    const paths = bridgePaths({
      platform: process.platform,
      userHome: home.folder,
      user: 'test',
      home: home.bridge,
    })
    const control = connectControl(paths.socket)
    const {
      connection: { id },
    } = await control.connections.add({ url, id: 'load', bearer: token })
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }

    const clients: LoadClient[] = []
    for (let n = 0; n < options.pairs; n++) {
      const era = n % 2 === 0 ? 'older' : 'current'
      const app = `app-${n % apps}`
      const endpoint = await control.connections.endpoint({ id, client: app })
      const shim = startShim({ name: `shim-${n}`, era, faults }, { connection: id, app, env })
      const http = startHttpClient({ name: `http-${n}`, era, faults }, endpoint.url)
      for (const client of [shim, http]) ends.unshift(() => client.stop())
      clients.push(shim, http)
    }
    const isOver = new Promise<'over'>((resolve) => (limit = setTimeout(resolve, options.limitMs, 'over')))
    const few: Round[] = []
    const all: Round[] = []
    const measure = async (): Promise<void> => {
      await Promise.all(clients.map((client) => client.open()))
      for (let round = 0; round < options.rounds; round++) {
        few.push(await callAll(clients.slice(0, 2 * options.fewPairs), options.fewCalls, bridge.pid))
        all.push(await callAll(clients, options.calls, bridge.pid))
      }
    }
    await Promise.race([measure(), isOver])
    const made = all.length * options.calls + few.length * options.fewCalls
    const lost = clients.reduce((sum, { account }) => sum + account.lost, 0)
    upstream.send('record')
    const [server] = (await once(upstream, 'message')) as [ServerRecord]
    return { made, lost, faults, server, few, all }
  } finally {
    clearTimeout(limit)
    for (const end of ends) await end()
  }
}

/** So many calls by these clients together. */
async function callAll(clients: readonly LoadClient[], calls: number, bridge: number): Promise<Round> {
  let begun = 0
  const start = performance.now()
  const before = processorMicros(bridge)
  const callOnAndOn = async (client: LoadClient): Promise<void> => {
    while (begun < calls) await client.call(++begun % progressEvery === 0)
  }
  const workers = clients.flatMap((client) => Array.from({ length: inFlight }, () => callOnAndOn(client)))
  await Promise.all(workers)
  const after = processorMicros(bridge)
  return {
    perSecond: (calls * 1000) / (performance.now() - start),
    bridgeMicros: after === undefined || before === undefined ? undefined : (after - before) / calls,
  }
}

/** How long all threads of a process have run. */
function processorMicros(pid: number): number | undefined {
  if (process.platform !== 'linux') return undefined
  const times = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ', 1)[0]),
  )
  return times.reduce((sum, nanoseconds) => sum + nanoseconds / 1000, 0)
}
