import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath, pathToFileURL } from 'node:url'

/** How a process ended. */
interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/** Lines of one output as they come, read from the start by everyone who asks. */
interface Lines {
  readonly all: readonly string[]
  text(): string
  /** The first line that fits, past or to come. Rejects when the output ends without one. */
  find(fits: (line: string) => boolean): Promise<string>
}

/** A process under test. */
export interface RunningProcess {
  readonly pid: number
  readonly stdout: Lines
  readonly stderr: Lines
  /** Resolves when it has ended and all its output has been read. */
  readonly exited: Promise<Exit>
  /** The first line of stdout that is a JSON object and fits. Rejects, with stderr in the message, when there is none. */
  json<T extends object>(fits?: (value: Record<string, unknown>) => boolean): Promise<T>
  write(text: string): void
  endInput(): void
  /** Sends a signal, SIGKILL by default, and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<Exit>
}

export interface ProcessOptions {
  readonly env: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** Starts Node with these arguments and nothing of this process's environment but what `env` says. */
export function startNode(args: readonly string[], { env, cwd }: ProcessOptions): RunningProcess {
  const child = spawn(process.execPath, args, { env, cwd, stdio: 'pipe' })
  const { pid } = child
  if (pid === undefined) throw new Error('the process could not be started')
  const stdout = readLines(child.stdout)
  const stderr = readLines(child.stderr)
  const exited = once(child, 'close').then(([code, signal]): Exit => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
  }))
  // The process may be gone before it has read what it is given.
  child.stdin.on('error', () => {})

  return {
    pid,
    stdout,
    stderr,
    exited,
    async json<T extends object>(fits: (value: Record<string, unknown>) => boolean = () => true) {
      const isWanted = (line: string): boolean => {
        const value = parseObject(line)
        return value !== undefined && fits(value)
      }
      const line = await stdout.find(isWanted).catch(() => {
        throw new Error(`the process ended without the expected line; it said:\n${stderr.text()}`)
      })
      return parseObject(line) as T
    },
    write: (text) => void child.stdin.write(text),
    endInput: () => void child.stdin.end(),
    async kill(signal = 'SIGKILL') {
      child.kill(signal)
      return exited
    },
  }
}

/** For `node --import`: lets Node run the TypeScript of this repository from any working directory. */
export const typescriptLoader = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

/** Starts a TypeScript file of this repository. */
export function startScript(
  file: string | URL,
  args: readonly string[],
  options: ProcessOptions,
): RunningProcess {
  const path = typeof file === 'string' ? file : fileURLToPath(file)
  return startNode(['--import', typescriptLoader, path, ...args], options)
}

function readLines(stream: Readable): Lines {
  const all: string[] = []
  const waiting = new Set<(line: string | undefined) => void>()
  let ended = false
  createInterface({ input: stream, crlfDelay: Infinity })
    .on('line', (line) => {
      all.push(line)
      for (const tell of waiting) tell(line)
    })
    .on('close', () => {
      ended = true
      for (const tell of waiting) tell(undefined)
    })
  return {
    all,
    text: () => all.join('\n'),
    find: (fits) =>
      new Promise((resolve, reject) => {
        const past = all.find(fits)
        if (past !== undefined) return resolve(past)
        const tell = (line: string | undefined): void => {
          if (line !== undefined && !fits(line)) return
          waiting.delete(tell)
          if (line === undefined) reject(new Error('the output ended'))
          else resolve(line)
        }
        if (ended) tell(undefined)
        else waiting.add(tell)
      }),
  }
}

function parseObject(line: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}
