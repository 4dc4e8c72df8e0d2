import { fork, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { connectControl } from '../bridge/control/client.ts'
import { systemPaths } from '../bridge/paths.ts'
import { startBridgeProcess } from '../test/support/bridge-process.ts'
import { createTemporaryHome } from '../test/support/temporary-home.ts'

/*
 * The stdio face beside the least that does the same: a bare Node shim that pipes to a bare node:http daemon. Both run at the same time and take
 * turns, and what counts is the ratio within a round.
 */

const authorization = 'Bearer benchmark-token'
const rounds = Number(process.argv[2] ?? 9)
const roundMs = 1_000

const fileOf = (name: string): string => fileURLToPath(new URL(name, import.meta.url))

/** A client app with its shim. */
interface Client {
  readonly child: ChildProcess
  ask(message: object): Promise<{ result?: unknown; error?: unknown }>
  progress: number
  stop(): void
}

let lastId = 0

function startClient(command: readonly string[], env: NodeJS.ProcessEnv): Client {
  const child = spawn(process.execPath, command, { env, stdio: ['pipe', 'pipe', 'inherit'] })
  const waiting = new Map<number, (message: { result?: unknown; error?: unknown }) => void>()
  let rest = ''
  const client: Client = {
    child,
    progress: 0,
    ask(message) {
      const id = ++lastId
      child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', id, ...message })}\n`)
      return new Promise((resolve) => waiting.set(id, resolve))
    },
    stop: () => void child.kill('SIGKILL'),
  }
  child.stdout.setEncoding('latin1').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as { id?: number; result?: unknown; error?: unknown }
      if (message.id === undefined) client.progress++
      else {
        waiting.get(message.id)?.(message)
        waiting.delete(message.id)
      }
    }
  })
  return client
}

function call(name: string, args: object = { text: 'The quick brown fox jumps over the lazy dog.' }): object {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...(name === 'burst' ? { progressToken: 'p' } : {}),
  }
  return { method: 'tools/call', params: { name, arguments: args, _meta } }
}

const initialize = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  },
}

/** Calls with so many in flight; calls per second and the median time of one in milliseconds. */
async function load(client: Client, inFlight: number): Promise<{ perSecond: number; p50: number }> {
  const took: number[] = []
  const start = performance.now()
  const worker = async (): Promise<void> => {
    for (let begun = performance.now(); begun - start < roundMs;) {
      const { error } = await client.ask(call('echo'))
      if (error) throw new Error(JSON.stringify(error))
      const ended = performance.now()
      took.push(ended - begun)
      begun = ended
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  return { perSecond: (took.length * 1000) / (performance.now() - start), p50: median(took) }
}

async function burst(client: Client, count: number): Promise<number> {
  client.progress = 0
  const start = performance.now()
  await client.ask(call('burst', { count }))
  const ms = performance.now() - start
  if (client.progress !== count) throw new Error(`${client.progress} of ${count} progress messages came`)
  return ms
}

/** Milliseconds from the spawn to the answer to `initialize`. */
async function start(place: Place): Promise<number> {
  const begun = performance.now()
  const client = startClient(place.command, place.env)
  await client.ask(initialize)
  const ms = performance.now() - begun
  client.stop()
  await once(client.child, 'exit')
  return ms
}

interface Place {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

function memoryOf({ child }: Client): { privateMb: number; residentMb: number } {
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1])
  return {
    privateMb: (kilobytes('Private_Clean') + kilobytes('Private_Dirty')) / 1024,
    residentMb: kilobytes('Rss') / 1024,
  }
}

function median(values: number[]): number {
  values.sort((a, b) => a - b)
  return values[values.length >> 1] ?? Number.NaN
}

/** Measures both in turns, and prints both and the median of their ratios. */
async function compare(
  name: string,
  unit: string,
  goal: string,
  measure: (which: 'bare' | 'ours') => Promise<number>,
  times = rounds,
): Promise<void> {
  const values = { bare: [] as number[], ours: [] as number[] }
  const ratios: number[] = []
  for (let round = -1; round < times; round++) {
    const order = round % 2 === 0 ? (['bare', 'ours'] as const) : (['ours', 'bare'] as const)
    const measured = { bare: 0, ours: 0 }
    for (const which of order) measured[which] = await measure(which)
    // The first round warms up.
    if (round < 0) continue
    values.bare.push(measured.bare)
    values.ours.push(measured.ours)
    ratios.push(measured.ours / measured.bare)
  }
  const shown = (value: number): string => value.toFixed(value < 100 ? 2 : 0)
  console.log(
    `${name.padEnd(44)} bare ${shown(median(values.bare)).padStart(8)} ${unit}  ours ${shown(median(values.ours)).padStart(8)} ${unit}` +
      `  ratio ${median(ratios).toFixed(3)}  (goal ${goal})`,
  )
}

async function startUpstream(delayMs: number): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(fileOf('stdio/upstream.cjs'), [authorization, String(delayMs)], { execArgv: [] })
  const [{ url }] = (await once(child, 'message')) as [{ url: string }]
  return { url, child }
}

async function startDaemon(path: string, url: string): Promise<ChildProcess> {
  const child = fork(fileOf('stdio/bare-daemon.cjs'), [path, url, authorization], { execArgv: [] })
  await once(child, 'message')
  return child
}

const home = await createTemporaryHome()
const children: ChildProcess[] = []
const bridge = await startBridgeProcess(home, { BRIDGEKEEPER_PASSPHRASE: 'benchmark' })
try {
  const control = connectControl(systemPaths({ BRIDGEKEEPER_HOME: home.bridge }).socket)
  const places: Record<string, { bare: Place; ours: Place }> = {}
  for (const [name, delayMs] of [
    ['near', 0],
    ['far', 50],
  ] as const) {
    const { url, child } = await startUpstream(delayMs)
    const path = join(home.folder, `${name}.sock`)
    children.push(child, await startDaemon(path, url))
    await control.connections.add({ url, id: name, bearer: 'benchmark-token' })
    places[name] = {
      bare: { command: [fileOf('stdio/bare-shim.cjs'), path], env: home.env },
      ours: { command: [fileOf('../dist/stdio.cjs'), name], env: home.env },
    }
  }
  const { near, far } = places
  if (!near || !far) throw new Error('no place')

  const clients = {
    bare: startClient(near.bare.command, near.bare.env),
    ours: startClient(near.ours.command, near.ours.env),
  }
  for (const client of Object.values(clients)) await client.ask(call('echo'))
  for (const which of ['bare', 'ours'] as const) {
    const { privateMb, residentMb } = memoryOf(clients[which])
    console.log(
      `memory of a shim, at rest, ${which}: ${privateMb.toFixed(1)} MB private, ${residentMb.toFixed(1)} MB resident`,
    )
  }
  const latest = { bare: { perSecond: 0, p50: 0 }, ours: { perSecond: 0, p50: 0 } }
  for (const inFlight of [32, 1]) {
    const p50s: number[] = []
    await compare(
      `calls per second, ${inFlight} in flight`,
      '/s',
      inFlight === 32 ? '≥ 0.85' : '-',
      async (which) => {
        latest[which] = await load(clients[which], inFlight)
        p50s.push(latest.ours.p50 / latest.bare.p50)
        return latest[which].perSecond
      },
    )
    console.log(
      `${`p50, ${inFlight} in flight`.padEnd(44)} ratio ${median(p50s.slice(3)).toFixed(3)}  (goal ≤ 1.3)`,
    )
  }
  await compare(
    '1,000 progress messages in a burst',
    'ms',
    '≤ 1.3',
    (which) => burst(clients[which], 1_000),
    rounds * 3,
  )
  for (const which of ['bare', 'ours'] as const) {
    const { privateMb, residentMb } = memoryOf(clients[which])
    console.log(
      `memory of a shim, after load, ${which}: ${privateMb.toFixed(1)} MB private, ${residentMb.toFixed(1)} MB resident`,
    )
  }
  for (const client of Object.values(clients)) client.stop()
  await compare(
    'spawn → initialize answered, loopback',
    'ms',
    '≤ 1.15',
    (which) => start(near[which]),
    rounds * 3,
  )
  await compare(
    'spawn → initialize answered, 50 ms away',
    'ms',
    '≤ 1.15',
    (which) => start(far[which]),
    rounds * 2,
  )
} finally {
  for (const child of children) child.kill('SIGKILL')
  await bridge.kill()
  await home.remove()
}
