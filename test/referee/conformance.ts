import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { delimiter, dirname, join, sep } from 'node:path'
import { z } from 'zod'
import { Ending } from './ending.ts'

/** One thing the referee looked at. */
export const Check = z.object({
  id: z.string(),
  name: z.string(),
  description: z.string(),
  status: z.enum(['SUCCESS', 'FAILURE', 'WARNING', 'SKIPPED', 'INFO']),
  errorMessage: z.string().optional(),
})
export type Check = z.infer<typeof Check>

/** What the referee saw in one scenario. It has no checks where the scenario could not be run. */
export interface Scenario {
  readonly name: string
  readonly checks: readonly Check[]
  /** How the client ended, where a client was judged and ended by itself. */
  readonly ending?: Ending
}

export type Leg = 'client' | 'server'

/** The scenarios of a revision of the specification that count, and those that are only run. */
export interface Requirements {
  readonly required: readonly string[]
  readonly unscored: readonly string[]
}

/** The referee as a program. */
export interface Referee {
  requirements(revision: string, leg: Leg): Promise<Requirements>
  /** Runs it with these arguments, such as `['client', '--suite', 'backcompat']`, and reads all that it wrote down. */
  judge(args: readonly [Leg, ...string[]], env?: Readonly<Record<string, string>>): Promise<Scenario[]>
}

const require = createRequire(import.meta.url)

const judgeMs = 10 * 60_000

/** The referee on this Node; it writes below `folder`, which is also the working directory of the clients it starts. */
export function createReferee(node: string, folder: string): Referee {
  const program = require.resolve('@modelcontextprotocol/conformance/dist/index.js')

  function run(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<string> {
    // Clients are started as `node …` and run on this Node, as users' do, and not on the referee's.
    const path = [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter)
    return new Promise((resolve, reject) => {
      execFile(
        node,
        [program, ...args],
        { cwd: folder, env: { ...process.env, PATH: path, ...env }, timeout: judgeMs, maxBuffer: 2 ** 28 },
        (error, stdout) => {
          // It exits with 1 where a scenario failed; what it wrote down says which.
          if (error && error.code !== 1)
            reject(new Error(`the referee ended with ${error.code ?? error.signal}`))
          else resolve(stdout)
        },
      )
    })
  }

  return {
    async requirements(revision, leg) {
      return readRequirements(await run(['list', '--requirements', revision]), leg)
    },
    async judge(args, env) {
      const results = await mkdtemp(join(folder, 'results-'))
      await run([...args, '--output-dir', results], env)
      return await readResults(results, args[0])
    },
  }
}

/** Reads the list that the referee prints: a heading for each leg, then what is run and never scored. */
function readRequirements(list: string, leg: Leg): Requirements {
  const [scored = '', unscored = ''] = list.split(/^Run and reported, but never scored:$/m)
  const heading = leg === 'client' ? 'Client scenarios' : 'Server scenarios'
  const section = scored.split(/^(?=\w.*:$)/m).find((text) => text.startsWith(heading)) ?? ''
  return {
    required: [...section.matchAll(/^ +- (\S+)$/gm)].map(([, name]) => name as string),
    unscored: [...unscored.matchAll(/^ +- (\S+) \[(\w+)\]$/gm)]
      .filter(([, , of]) => of === leg)
      .map(([, name]) => name as string),
  }
}

/** Reads the folders of the scenarios: their name, and the time they began. */
async function readResults(folder: string, leg: Leg): Promise<Scenario[]> {
  const prefix = leg === 'server' ? 'server-' : ''
  const entries = await readdir(folder, { recursive: true })
  const scenarios = entries.flatMap((path) => {
    const named = /^(.+)-\d{4}-\d\d-\d\dT[\d-]+Z$/.exec(path.split(sep).join('/'))?.[1]
    return named?.startsWith(prefix) ? [{ path, name: named.slice(prefix.length) }] : []
  })
  return await Promise.all(scenarios.map(({ path, name }) => readScenario(join(folder, path), name)))
}

async function readScenario(folder: string, name: string): Promise<Scenario> {
  const read = (file: string): Promise<string> => readFile(join(folder, file), 'utf8').catch(() => '')
  const checks = await read('checks.json')
  const [lastLine = ''] = (await read('stdout.txt')).trimEnd().split('\n').slice(-1)
  const ending = lastLine.startsWith('{') ? Ending.parse(JSON.parse(lastLine)) : undefined
  return {
    name,
    checks: checks === '' ? [] : z.array(Check).parse(JSON.parse(checks)),
    ...(ending ? { ending } : {}),
  }
}
