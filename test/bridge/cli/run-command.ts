import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { runCommandLine } from '../../../bridge/cli/program.ts'
import { startControl } from '../control/start-control.ts'
import type { handlersWith } from '../control/handlers.ts'

/** What a command line said. */
export interface Said {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs command lines against a bridge with the given implementation, over its real socket. */
export async function startCommands(parts: Parameters<typeof handlersWith>[0] = {}) {
  const { home } = await startControl(parts)
  return {
    home,
    run: (words: string[], input?: string) => runCommand(words, { env: { BRIDGEKEEPER_HOME: home }, input }),
    json: async (words: string[], input?: string): Promise<unknown> =>
      JSON.parse((await runCommand([...words, '--json'], { env: { BRIDGEKEEPER_HOME: home }, input })).out),
  }
}

/** Runs one command line in this process. A bridge that it wants to start is one that does not exist. */
export async function runCommand(
  words: string[],
  options: { env: NodeJS.ProcessEnv; input?: string | undefined },
): Promise<Said> {
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const said = Promise.all([text(stdout), text(stderr)])
  stdin.end(options.input ?? '')
  const bridge = new URL('no-bridge.js', import.meta.url)
  const code = await runCommandLine(words, { env: options.env, stdin, stdout, stderr, bridge })
  stdout.end()
  stderr.end()
  const [out, err] = await said
  return { code, out, err }
}
