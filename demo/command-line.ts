import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

const cli = fileURLToPath(new URL('../dist/cli.js', import.meta.url))

/** The `bridgekeeper` command as a person would type it. */
export interface CommandLine {
  /** Runs a command and gives its stdout. Rejects, with stderr, when it fails. */
  run(...args: string[]): Promise<string>
  /** Runs `connect --no-browser` and lets `browse` go where a browser would. Resolves with the last event. */
  connect(id: string, browse: (url: string) => Promise<unknown>): Promise<Record<string, unknown>>
  /** Runs a command with JSON output until `find` finds something in it. */
  poll<T>(args: string[], find: (output: Record<string, unknown>) => T | undefined): Promise<T>
  /** Ends the bridge, without a word and whatever state it is in. */
  end(): Promise<void>
}

/** Commands on a bridge that lives in `home`, on any free port. `announce` gets each command before it runs. */
export function createCommandLine(home: string, announce: (line: string) => void): CommandLine {
  const env = { ...process.env, BRIDGEKEEPER_HOME: home, BRIDGEKEEPER_PORT: '0' }
  const start = (args: string[]) =>
    spawn(process.execPath, [cli, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] })

  const run = (args: string[]): Promise<string> =>
    new Promise((resolve, reject) => {
      const child = start(args)
      let out = ''
      let err = ''
      child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
      child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
      child.on('close', (code) => (code === 0 ? resolve(out) : reject(new Error(err || `exit code ${code}`))))
    })

  async function* events(args: string[]): AsyncGenerator<Record<string, unknown>> {
    const child = start(args)
    try {
      for await (const line of createInterface(child.stdout))
        yield JSON.parse(line) as Record<string, unknown>
    } finally {
      child.kill()
    }
  }

  return {
    run(...args) {
      announce(`bridgekeeper ${args.join(' ')}`)
      return run(args)
    },
    async connect(id, browse) {
      let last: Record<string, unknown> = {}
      const args = ['connect', id, '--no-browser', '--json']
      announce(`bridgekeeper ${args.join(' ')}`)
      for await (const event of events(args)) {
        last = event
        if (event['event'] === 'authorize') await browse(String(event['url']))
      }
      return last
    },
    async poll(args, find) {
      announce(`bridgekeeper ${args.join(' ')}`)
      for (let tries = 0; tries < 50; tries += 1) {
        const found = find(JSON.parse(await run(args)) as Record<string, unknown>)
        if (found !== undefined) return found
        await sleep(100)
      }
      throw new Error(`nothing found in the output of ${args.join(' ')}`)
    },
    async end() {
      await run(['stop']).catch(() => undefined)
    },
  }
}
