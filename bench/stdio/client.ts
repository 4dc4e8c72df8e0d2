import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { median } from '../statistics.ts'

/** What a client app spawns. */
export interface Place {
  readonly command: readonly string[]
  readonly env: NodeJS.ProcessEnv
}

/** What comes of a line of the server. */
interface Answer {
  readonly result?: unknown
  readonly error?: unknown
}

/** A client app with its shim. */
export interface Client {
  readonly child: ChildProcess
  ask(message: object): Promise<Answer>
  say(message: object): void
  /** How many progress messages have come. */
  progress: number
  stop(): Promise<void>
}

let lastId = 0

/** Spawns the shim of a client app. An answer that does not come for so long ends it, and what waits for one fails. */
export function startClient({ command, env }: Place): Client {
  const child = spawn(process.execPath, command, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  const waiting = new Map<number, (message: Answer) => void>()
  const exited = once(child, 'exit')
  let rest = ''
  // The shim may be gone before it has read what it is told.
  child.stdin.on('error', () => undefined)
  void exited.then(() => {
    for (const settle of waiting.values()) settle({ error: 'the shim ended' })
  })
  child.stdout.setEncoding('latin1').on('data', (piece: string) => {
    const lines = (rest + piece).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const message = JSON.parse(line) as { id?: number } & Answer
      if (message.id === undefined) client.progress++
      else {
        waiting.get(message.id)?.(message)
        waiting.delete(message.id)
      }
    }
  })
  const say = (message: object): void =>
    void child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`)
  const client: Client = {
    child,
    progress: 0,
    say,
    ask(message) {
      const id = ++lastId
      say({ id, ...message })
      return new Promise((resolve) => waiting.set(id, resolve))
    },
    async stop() {
      child.kill('SIGKILL')
      await exited
    },
  }
  return client
}

/** A call of a tool as the current revision makes it. */
export function call(
  name: string,
  args: object = { text: 'The quick brown fox jumps over the lazy dog.' },
): object {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'bench', version: '1.0.0' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...(name === 'burst' ? { progressToken: 'p' } : {}),
  }
  return { method: 'tools/call', params: { name, arguments: args, _meta } }
}

/** The first request of the older era, which every client app and every tool speaks. */
export const initialize = {
  method: 'initialize',
  params: {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'bench', version: '1.0.0' },
  },
}

/** Calls with so many in flight for so long; calls per second and the median time of one in milliseconds. */
export async function load(
  client: Client,
  inFlight: number,
  ms: number,
): Promise<{ perSecond: number; p50: number }> {
  const took: number[] = []
  const start = performance.now()
  const callOnAndOn = async (): Promise<void> => {
    for (let begun = performance.now(); begun - start < ms;) {
      const { error } = await client.ask(call('echo'))
      if (error !== undefined) throw new Error(JSON.stringify(error))
      const ended = performance.now()
      took.push(ended - begun)
      begun = ended
    }
  }
  await Promise.all(Array.from({ length: inFlight }, callOnAndOn))
  return { perSecond: (took.length * 1000) / (performance.now() - start), p50: median(took) }
}

/** How long what is late may take to count as lost, in milliseconds. */
const graceMs = 200

/** One call with so many progress messages; the milliseconds until its answer, and how many messages never came. */
export async function burst(client: Client, count: number): Promise<{ ms: number; lost: number }> {
  client.progress = 0
  const start = performance.now()
  await client.ask(call('burst', { count }))
  const ms = performance.now() - start
  if (client.progress < count) await sleep(graceMs)
  return { ms, lost: count - client.progress }
}

/** The milliseconds from the spawn to the answer to `initialize`. `answered` is called then, and waited for. */
export async function start(place: Place, answered: () => Promise<void>): Promise<number> {
  const begun = performance.now()
  const client = startClient(place)
  const { error } = await client.ask(initialize)
  const ms = performance.now() - begun
  await answered()
  await client.stop()
  if (error !== undefined) throw new Error(JSON.stringify(error))
  return ms
}

/** The memory of a client's shim in megabytes; undefined on systems that do not tell. */
export function memoryOf({ child }: Client): { own: number; resident: number } | undefined {
  if (process.platform !== 'linux') return undefined
  const rollup = readFileSync(`/proc/${child.pid}/smaps_rollup`, 'utf8')
  const kilobytes = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(rollup)?.[1])
  return {
    own: (kilobytes('Private_Clean') + kilobytes('Private_Dirty')) / 1024,
    resident: kilobytes('Rss') / 1024,
  }
}
