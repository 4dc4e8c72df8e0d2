import { spawn, type ChildProcess } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { endings } from './app.ts'

/** A process of plain Node, as one that Electron starts behaves to the one that started it. */
class UtilityProcess extends EventEmitter {
  readonly #child: ChildProcess

  constructor(child: ChildProcess) {
    super()
    this.#child = child
    child.once('spawn', () => this.emit('spawn'))
    child.once('exit', (code) => this.emit('exit', code ?? 1))
    // It never outlives the app.
    endings.push(async () => void child.kill('SIGKILL'))
    process.once('exit', () => child.kill('SIGKILL'))
  }

  get pid(): number | undefined {
    return this.#child.pid
  }
  get stdout(): NodeJS.ReadableStream | null {
    return this.#child.stdout
  }
  get stderr(): NodeJS.ReadableStream | null {
    return this.#child.stderr
  }
  kill(): boolean {
    return this.#child.kill()
  }
}

const world = new URL('./utility-world.mjs', import.meta.url).href

export const utilityProcess = {
  fork(
    file: string,
    args: readonly string[] = [],
    { env, stdio }: Electron.ForkOptions = {},
  ): UtilityProcess {
    const pipes = Array.isArray(stdio) ? stdio : (['ignore', 'pipe', 'pipe'] as const)
    return new UtilityProcess(
      spawn(process.execPath, ['--import', world, file, ...args], {
        env: env as NodeJS.ProcessEnv,
        stdio: [...pipes] as ('ignore' | 'pipe' | 'inherit')[],
      }),
    )
  },
}
