import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { TemporaryHome } from './temporary-home.ts'

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))

/** A message as a test reads it. */
interface Line {
  readonly jsonrpc?: string
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any }
}

export interface StdioClientOptions {
  readonly args?: readonly string[]
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  /** Instead of the built shim: its command line. */
  readonly command?: readonly string[]
}

/** A client app that spawned the built shim. It knows nothing of MCP but what the test says. */
export interface StdioClient {
  readonly child: ChildProcess
  /** Every line of stdout, as it came. */
  readonly lines: readonly string[]
  readonly errors: () => string
  /** Writes one message, or the text as it is. */
  send(message: object | string): void
  /** Sends a request and resolves with its answer. */
  ask(method: string, params?: object, id?: unknown): Promise<Line>
  /** The first line, past or to come, that fits. Rejects when stdout ends without one. */
  find(fits: (line: Line) => boolean): Promise<Line>
  /** Starts an era: the old handshake. */
  initialize(capabilities?: object): Promise<Line>
  /** Closes stdin and resolves with the exit code. */
  end(): Promise<number | null>
  kill(): Promise<void>
}

let lastId = 0

/** Spawns the shim for a connection, in the home of a bridge. */
export function startStdioClient(
  home: TemporaryHome,
  connection: string | undefined,
  { args = [], env = {}, cwd, command = [shim] }: StdioClientOptions = {},
): StdioClient {
  const child = spawn(
    process.execPath,
    [...command, ...(connection === undefined ? [] : [connection]), ...args],
    {
      env: { ...home.env, ...env },
      cwd,
      stdio: ['pipe', 'pipe', 'pipe'],
    },
  )
  const exited = once(child, 'close')
  const lines: string[] = []
  const waiting = new Set<() => void>()
  let hasEnded = false
  let rest = ''
  let errors = ''
  child.stdin.on('error', () => undefined)
  child.stderr.on('data', (piece: Buffer) => (errors += piece.toString()))
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    const pieces = (rest + piece).split('\n')
    rest = pieces.pop() ?? ''
    lines.push(...pieces)
    for (const look of waiting) look()
  })
  void exited.then(() => {
    hasEnded = true
    for (const look of waiting) look()
  })

  const send: StdioClient['send'] = (message) =>
    void child.stdin.write(typeof message === 'string' ? message : `${JSON.stringify(message)}\n`)
  const find: StdioClient['find'] = (fits) =>
    new Promise((resolve, reject) => {
      let next = 0
      const look = (): void => {
        for (; next < lines.length; next++) {
          const line = parse(lines[next] ?? '')
          if (!line || !fits(line)) continue
          waiting.delete(look)
          return resolve(line)
        }
        if (hasEnded) reject(new Error(`stdout ended; stderr said: ${errors}`))
      }
      waiting.add(look)
      look()
    })
  const ask: StdioClient['ask'] = async (method, params = {}, id = `test-${++lastId}`) => {
    send({ jsonrpc: '2.0', id, method, params })
    return await find((line) => line.method === undefined && line.id === id)
  }
  return {
    child,
    lines,
    errors: () => errors,
    send,
    ask,
    find,
    async initialize(capabilities = {}) {
      const answer = await ask('initialize', {
        protocolVersion: '2025-11-25',
        capabilities,
        clientInfo: { name: 'test', version: '1' },
      })
      send({ jsonrpc: '2.0', method: 'notifications/initialized' })
      return answer
    },
    async end() {
      child.stdin.end()
      await exited
      return child.exitCode
    },
    async kill() {
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** What a request of the current revision says of itself. */
export function modern(params: object = {}): object {
  return {
    ...params,
    _meta: {
      'io.modelcontextprotocol/protocolVersion': '2026-07-28',
      'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
      'io.modelcontextprotocol/clientCapabilities': {},
      ...(params as { _meta?: object })._meta,
    },
  }
}

function parse(line: string): Line | undefined {
  try {
    return JSON.parse(line) as Line
  } catch {
    return undefined
  }
}
