import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectControl } from '../bridge/control/client.ts'
import { systemPaths } from '../bridge/paths.ts'
import { startBridgeProcess } from '../test/support/bridge-process.ts'
import { createTemporaryHome } from '../test/support/temporary-home.ts'
import {
  burst,
  call,
  initialize,
  load,
  memoryOf,
  start,
  startClient,
  type Client,
  type Place,
} from './stdio/client.ts'
import { findPeer } from './stdio/peer.ts'
import { describe, type Name, type Row } from './stdio/report.ts'

/*
 * The stdio face beside the least that does the same, a bare Node shim that pipes to a bare node:http daemon, and beside mcp-remote. All run at
 * the same time and take turns, and what counts is the ratio within a round.
 */

const token = 'benchmark-token'
const authorization = `Bearer ${token}`
const rounds = Number(process.argv[2] ?? 9)
const roundMs = 1_000
const messages = 1_000

type Names<T> = Partial<Record<Name, T>>

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))
const rows: Row[] = []
/** What must be ended and removed, the latest first. */
const leftovers: (() => Promise<unknown>)[] = []

interface Upstream {
  readonly url: string
  readonly child: ChildProcess
}

async function startUpstream(delayMs: number): Promise<Upstream> {
  const child = fork(fileOf('stdio/upstream.cjs'), [authorization, String(delayMs)], { execArgv: [] })
  leftovers.push(async () => void child.kill('SIGKILL'))
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { url, child }
}

/** How many requests the upstream has seen. */
async function requestsAt({ child }: Upstream): Promise<number> {
  child.send('count')
  const [{ requests }] = (await once(child, 'message')) as [{ requests: number }]
  return requests
}

async function startDaemon(path: string, url: string): Promise<void> {
  const child = fork(fileOf('stdio/bare-daemon.cjs'), [path, url, authorization], { execArgv: [] })
  leftovers.push(async () => void child.kill('SIGKILL'))
  await once(child, 'message')
}

/** Measures all of them in turns. The first round warms up. */
async function inTurns<T>(
  names: readonly Name[],
  times: number,
  measure: (name: Name) => Promise<T>,
): Promise<Record<Name, T[]>> {
  const found: Record<Name, T[]> = { bare: [], ours: [], peer: [] }
  for (let round = -1; round < times; round++) {
    for (const name of round % 2 === 0 ? names : names.toReversed()) {
      const value = await measure(name)
      if (round >= 0) found[name].push(value)
    }
  }
  return found
}

/** One number of each measurement. */
function pick<T>(found: Record<Name, T[]>, value: (measured: T) => number): Record<Name, number[]> {
  const { bare, ours, peer } = found
  return { bare: bare.map(value), ours: ours.map(value), peer: peer.map(value) }
}

async function measureStarts(
  what: string,
  places: Names<Place>,
  upstream: Upstream,
  times: number,
): Promise<void> {
  const names = Object.keys(places) as Name[]
  const requests: Record<Name, number[]> = { bare: [], ours: [], peer: [] }
  const found = await inTurns(names, times, async (name) => {
    const before = await requestsAt(upstream)
    return await start(places[name] as Place, async () => {
      requests[name].push((await requestsAt(upstream)) - before)
    })
  })
  rows.push({
    what: `spawn → initialize answered, ${what}`,
    unit: 'ms',
    figures: found,
    goal: { of: 'ratio', atMost: 1.15 },
  })
  rows.push({
    what: '  requests at the server by then',
    unit: '',
    figures: requests,
    goal: { of: 'figure', atMost: 1 },
  })
}

function measureMemory(when: string, clients: Names<Client>): void {
  const found: Record<'own' | 'resident', Names<number[]>> = { own: {}, resident: {} }
  for (const [name, client] of Object.entries(clients) as [Name, Client][]) {
    const memory = memoryOf(client)
    if (!memory) return
    found.own[name] = [memory.own]
    found.resident[name] = [memory.resident]
  }
  const goals = when === 'at rest' ? { own: 8, resident: 42 } : undefined
  const goalOf = (most: number | undefined): Pick<Row, 'goal'> =>
    most === undefined ? {} : { goal: { of: 'figure', atMost: most } }
  rows.push({
    what: `private memory of a shim, ${when}`,
    unit: 'MB',
    figures: found.own,
    ...goalOf(goals?.own),
  })
  rows.push({
    what: `resident memory of a shim, ${when}`,
    unit: 'MB',
    figures: found.resident,
    ...goalOf(goals?.resident),
  })
}

async function measureLoad(clients: Names<Client>, inFlight: number): Promise<void> {
  const names = Object.keys(clients) as Name[]
  const found = await inTurns(names, rounds, (name) => load(clients[name] as Client, inFlight, roundMs))
  const isCrowded = inFlight > 1
  rows.push({
    what: `calls per second, ${inFlight} in flight`,
    unit: '/s',
    figures: pick(found, ({ perSecond }) => perSecond),
    ...(isCrowded ? { goal: { of: 'ratio', atLeast: 0.85 } } : {}),
  })
  rows.push({
    what: `  p50`,
    unit: 'ms',
    figures: pick(found, ({ p50 }) => p50),
    goal: { of: 'ratio', atMost: 1.3 },
  })
}

async function measureBurst(clients: Names<Client>): Promise<void> {
  const names = Object.keys(clients) as Name[]
  const found = await inTurns(names, rounds * 3, (name) => burst(clients[name] as Client, messages))
  rows.push({
    what: `${messages.toLocaleString('en')} progress messages in a burst`,
    unit: 'ms',
    figures: pick(found, ({ ms }) => ms),
    goal: { of: 'ratio', atMost: 1.3 },
  })
  // The worst of all rounds.
  const worst = pick(found, ({ lost }) => lost)
  const figures = Object.fromEntries(names.map((name) => [name, [Math.max(...worst[name])]]))
  rows.push({ what: '  lost, at worst', unit: '', figures, goal: { of: 'figure', atMost: 0 } })
}

try {
  const peer = await findPeer()
  const home = await createTemporaryHome()
  leftovers.push(() => home.remove())
  const bridge = await startBridgeProcess(home, { BRIDGEKEEPER_PASSPHRASE: 'benchmark' })
  leftovers.push(() => bridge.kill())
  const control = connectControl(systemPaths({ BRIDGEKEEPER_HOME: home.bridge }).socket)

  const prepare = async (
    name: string,
    delayMs: number,
  ): Promise<{ upstream: Upstream; places: Names<Place> }> => {
    const upstream = await startUpstream(delayMs)
    const { url } = upstream
    const path = join(home.folder, `${name}.sock`)
    await startDaemon(path, url)
    await control.connections.add({ url, id: name, bearer: token })
    const { env } = home
    const places: Names<Place> = {
      bare: { command: [fileOf('stdio/bare-shim.cjs'), path], env },
      ours: { command: [fileOf('../dist/stdio.cjs'), name], env },
    }
    if ('path' in peer) {
      const flags = ['--allow-http', '--transport', 'http-only', '--header', `Authorization:${authorization}`]
      places.peer = { command: [peer.path, url, ...flags], env }
    }
    return { upstream, places }
  }
  const near = await prepare('near', 0)
  const far = await prepare('far', 50)

  await measureStarts('near', near.places, near.upstream, rounds)
  await measureStarts('50 ms away', far.places, far.upstream, rounds)

  const clients: Names<Client> = {}
  for (const [name, place] of Object.entries(near.places) as [Name, Place][]) {
    const client = startClient(place)
    leftovers.push(() => client.stop())
    clients[name] = client
    // Ours and the bare one serve the current revision without it; mcp-remote sends nothing before.
    if (name === 'peer') {
      await client.ask(initialize)
      client.say({ method: 'notifications/initialized' })
    }
    await client.ask(call('echo'))
  }
  measureMemory('at rest', clients)
  await measureLoad(clients, 32)
  await measureLoad(clients, 1)
  await measureBurst(clients)
  measureMemory('after load', clients)
  process.stdout.write(describe(rows, 'missing' in peer ? peer.missing : undefined))
} finally {
  for (const end of leftovers.toReversed()) await end()
}
