import { Argument, type Command } from 'commander'
import type { AllowOptions, WatchOptions } from './commands/approvals.ts'
import type { Face } from './face.ts'
import type { FailureShape } from './failure.ts'

type Execute = (run: (face: Face) => Promise<number | void>, shape: FailureShape) => Promise<void>
type Describe = (program: Command, usage: string, description: string, examples: string[]) => Command

/** The commands for who may use what, and for calls that wait for a person. */
export function describeAccess(program: Command, execute: Execute, command: Describe): void {
  const access = command(program, 'access', 'shows what the client apps, or one of them, may use', [
    'access',
    'access cursor',
    'access set cursor linear ask --tool "delete_*"',
  ])
    .argument('[app]', 'the client app')
    .helpCommand('help [command]', 'explains a command')
    .action((app: string | undefined) =>
      execute(async (face) => (await import('./commands/access.ts')).showAccess(face, app), 'error'),
    )
  command(
    access,
    'set',
    'allows tools of a connection to a client app, asks before each call, or denies them; the most specific rule counts',
    [
      'access set cursor linear deny --tool delete_issue',
      'access set cursor linear ask --tool "delete_*"',
      'access set cursor linear deny',
      'access set cursor linear default --tool delete_issue',
    ],
  )
    .argument('<app>', 'the client app')
    .argument('<connection>', 'the id of the connection')
    .addArgument(
      new Argument('<verdict>', 'what becomes of calls; default takes a rule out again').choices([
        'allow',
        'ask',
        'deny',
        'default',
      ]),
    )
    .option(
      '--tool <name>',
      'a tool, or tools with * for any characters; else all that no other rule is about',
      '*',
    )
    .action((app: string, connection: string, verdict: string, { tool }: { tool: string }) =>
      execute(
        async (face) => (await import('./commands/access.ts')).setRule(face, app, connection, verdict, tool),
        'error',
      ),
    )
  command(access, 'connections', 'says which connections a client app may use', [
    'access connections cursor linear github',
    'access connections cursor --all',
    'access connections cursor --none',
  ])
    .argument('<app>', 'the client app')
    .argument('[ids...]', 'the connections; it may use no other')
    .option('--all', 'all connections, also those that are added later')
    .option('--none', 'no connection')
    .action((app: string, ids: string[], options: { all?: true; none?: true }) =>
      execute(
        async (face) => (await import('./commands/access.ts')).setConnections(face, app, ids, options),
        'error',
      ),
    )

  const approvals = command(program, 'approvals', 'shows the calls that wait for you', [
    'approvals',
    'approvals --watch',
    'approvals allow 7 --session',
  ])
    .helpCommand('help [command]', 'explains a command')
    .option('--watch', 'shows each call as it comes and asks at once')
    .action((options: WatchOptions) =>
      execute(
        async (face) => (await import('./commands/approvals.ts')).showApprovals(face, options),
        'event',
      ),
    )
  command(approvals, 'allow', 'lets a call go on', ['approvals allow 7', 'approvals allow 7 --always'])
    .argument('<id>', 'the number of the call')
    .option('--session', 'and all calls of this tool as long as the app runs')
    .option('--always', 'and all calls of this tool from now on, by a rule')
    .action((id: string, options: AllowOptions) =>
      execute(
        async (face) => (await import('./commands/approvals.ts')).allowCall(face, id, options),
        'error',
      ),
    )
  command(approvals, 'deny', 'refuses a call', ['approvals deny 7', 'approvals deny 7 --always'])
    .argument('<id>', 'the number of the call')
    .option('--always', 'and all calls of this tool from now on, by a rule')
    .action((id: string, { always }: { always?: true }) =>
      execute(async (face) => (await import('./commands/approvals.ts')).denyCall(face, id, always), 'error'),
    )
}
