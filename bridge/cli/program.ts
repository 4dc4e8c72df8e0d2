import { CommanderError } from 'commander'
import { BridgeError } from '../../shared/errors.ts'
import { describeCommands } from './commands.ts'
import { openFace, type Face } from './face.ts'
import { reportFailure, type FailureShape } from './failure.ts'
import { openTerminal, type Output } from './terminal.ts'

/** What a command line runs in. */
export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: Face['stdin']
  readonly stdout: Output
  readonly stderr: Output
  /** The file that runs the bridge, for when none runs yet. */
  readonly bridge: URL
}

/** Runs one command line, given without the program's own name, and resolves with its exit code. Never rejects. */
export async function runCommandLine(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { env, stdin, stdout, stderr, bridge } = surroundings
  const terminal = openTerminal({ out: stdout, err: stderr, env, json: asksForJson(words) })
  let shape: FailureShape = 'error'
  let exitCode = 0
  const program = describeCommands({
    showHelp: (help) => stdout.write(help),
    async execute(run, failureShape) {
      shape = failureShape
      const face = openFace({ terminal, env, stdin, bridge })
      try {
        exitCode = (await run(face)) ?? 0
      } finally {
        face.close()
      }
    },
  })
  try {
    if (words.length === 0) program.outputHelp()
    else await program.parseAsync(withNestedHelp(words), { from: 'user' })
    return exitCode
  } catch (thrown) {
    if (!(thrown instanceof CommanderError)) return reportFailure(thrown, terminal, shape)
    // Help and version end the parsing by a throw as well.
    return thrown.exitCode === 0 ? 0 : reportFailure(usageError(thrown), terminal, shape)
  }
}

/** `help clients add` as the parser knows it: its own `help` takes one word and would explain `clients`. */
function withNestedHelp(words: readonly string[]): readonly string[] {
  const [first, ...names] = words.filter((word) => !word.startsWith('-'))
  return first === 'help' && words[0] === 'help' && names.length > 1 ? [...names, '--help'] : words
}

/** Known before the words are understood, since a failure to understand them must be said in JSON too. */
function asksForJson(words: readonly string[]): boolean {
  const end = words.indexOf('--')
  return (end < 0 ? words : words.slice(0, end)).includes('--json')
}

/** What the parser says, without the values of options, which may be secrets typed in the wrong place. */
function usageError({ code, message }: CommanderError): BridgeError {
  if (code === 'commander.help') return new BridgeError('cli.usage', 'there is no such command')
  const detail = message
    .replace(/^error: /, '')
    .replaceAll(/(--[\w-]+)=[^']*/g, '$1')
    .replaceAll(/\s+/g, ' ')
  return new BridgeError('cli.usage', detail)
}
