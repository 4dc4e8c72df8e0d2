import { Argument, Command, Help } from 'commander'
import { version } from '../version.ts'
import { describeAccess } from './access-commands.ts'
import type { ActivityOptions } from './commands/activity.ts'
import type { AddOptions } from './commands/add.ts'
import type { ChangeOptions } from './commands/clients.ts'
import type { ImportOptions } from './commands/clients-import.ts'
import type { ConnectOptions } from './commands/connect.ts'
import type { UiOptions } from './commands/ui.ts'
import type { Face } from './face.ts'
import type { FailureShape } from './failure.ts'

/** What a command does with its face; a number is its exit code. */
type Run = (face: Face) => Promise<number | void>

interface Hooks {
  readonly execute: (run: Run, shape: FailureShape) => Promise<void>
  readonly showHelp: (help: string) => void
}

/**
 * The commands with their words, options and help. What a command does is loaded when it is asked for, since the start of
 * a command is felt.
 */
export function describeCommands({ execute, showHelp }: Hooks): Command {
  const program = new Command('bridgekeeper')
    .description('Signs in to remote MCP servers once and serves them to every MCP client on this machine.')
    .version(version)
    .option('--json', 'print JSON: one value, or one event a line')
    // Options after a subcommand are that one's, such as --project of `clients add`.
    .enablePositionalOptions()
    .exitOverride()
    // Errors are reported like all other failures, in words or JSON.
    .configureOutput({ writeOut: showHelp, writeErr: () => undefined })
    // Without `[options]`, which all have: so that a narrow terminal has room for what the commands do.
    .configureHelp({
      subcommandTerm: (command) => new Help().subcommandTerm(command).replace(' [options]', ''),
    })
    .helpCommand('help [command...]', 'explains a command')
  describeConnections(program, execute)
  describeUse(program, execute)
  describeClients(program, execute)
  describeAccess(program, execute, command)
  describeActivity(program, execute)
  describeBridge(program, execute)
  return program
}

function describeConnections(program: Command, execute: Hooks['execute']): void {
  command(program, 'add <url>', 'adds a connection to a server and says what it will ask for', [
    'add https://mcp.linear.app/mcp',
    "add https://api.example.com/mcp --id work --header 'X-Api-Key: 1234'",
    'add https://api.example.com/mcp --bearer-stdin < token.txt',
  ])
    .option('--id <id>', 'the name of the connection; else one is made from the URL')
    .option('--client-id <id>', 'a client that you registered at the authorization server')
    .option('--client-secret-stdin', 'read the secret of that client from stdin')
    .option('--metadata-url <url>', 'the address of a client metadata document')
    .option('--scope <scope>', 'a scope to ask for; may be repeated', collect)
    .option('--header <header>', "a header to send, 'Name: value'; may be repeated", collect)
    .option('--bearer-stdin', 'read a token of your own from stdin')
    .option('--allow-missing-pkce', 'sign in although the server does not say that it supports PKCE')
    .action((url: string, options: AddOptions) =>
      execute(async (face) => (await import('./commands/add.ts')).add(face, url, options), 'error'),
    )
  command(program, 'connect <id>', 'signs in, or allows the scopes that a call was refused for', [
    'connect linear',
    'connect linear --no-browser',
    "connect linear --callback-url 'http://127.0.0.1:47330/oauth/callback?code=…&state=…'",
  ])
    .option('--scope <scope>', 'a scope to ask for instead of the server’s own; may be repeated', collect)
    .option('--no-browser', 'show the address instead of opening it')
    .option('--callback-url <url>', 'finish a pending sign-in with the address that the browser ended at')
    .action((id: string, options: ConnectOptions) =>
      execute(async (face) => (await import('./commands/connect.ts')).connect(face, id, options), 'event'),
    )
  command(program, 'list', 'lists the connections', ['list', 'list --json']).action(() =>
    execute(async (face) => (await import('./commands/connections.ts')).list(face), 'error'),
  )
  command(program, 'status <id>', 'shows a connection, and what to do where something is to be done', [
    'status linear',
  ]).action((id: string) =>
    execute(async (face) => (await import('./commands/connections.ts')).status(face, id), 'error'),
  )
  command(program, 'trace <id>', 'shows the last sign-in step by step', ['trace linear']).action(
    (id: string) =>
      execute(async (face) => (await import('./commands/connections.ts')).trace(face, id), 'error'),
  )
  command(program, 'revoke <id>', 'ends the access at the server and says what it confirmed', [
    'revoke linear',
  ]).action((id: string) =>
    execute(async (face) => (await import('./commands/revoke.ts')).revoke(face, id), 'error'),
  )
  command(program, 'remove <id>', 'revokes what there is and forgets the connection', [
    'remove linear',
  ]).action((id: string) =>
    execute(async (face) => (await import('./commands/revoke.ts')).remove(face, id), 'error'),
  )
}

function describeUse(program: Command, execute: Hooks['execute']): void {
  command(
    program,
    'endpoint [id]',
    'shows the local URL of a connection, or of all of them, for a client app',
    ['endpoint linear --client cursor', 'endpoint --client cursor'],
  )
    .option('--client <name>', 'the client app; each has a key of its own', 'default')
    .action((id: string | undefined, options: { client: string }) =>
      execute(async (face) => (await import('./commands/use.ts')).endpoint(face, id, options), 'error'),
    )
  command(program, 'tools <id>', 'lists the tools of a connection', ['tools linear']).action((id: string) =>
    execute(async (face) => (await import('./commands/use.ts')).tools(face, id), 'error'),
  )
  command(
    program,
    'call <id> <tool> [arguments]',
    'calls a tool; ends with 1 when the tool itself reports an error',
    [`call linear list_issues '{"limit": 5}'`, 'call linear create_issue - < issue.json'],
  ).action((id: string, tool: string, typed: string | undefined) =>
    execute(async (face) => (await import('./commands/use.ts')).call(face, id, tool, typed ?? '{}'), 'error'),
  )
}

function describeClients(program: Command, execute: Hooks['execute']): void {
  const project = ['--project <folder>', 'the settings of a project, and not your own'] as const
  const yes = ['--yes', 'do not ask'] as const
  const clients = command(program, 'clients', 'lists the client apps of this machine and what each has', [
    'clients',
    'clients add cursor',
  ])
    .helpCommand('help [command]', 'explains a command')
    .option(...project)
    .action((options: ChangeOptions) =>
      execute(async (face) => (await import('./commands/clients.ts')).listClients(face, options), 'error'),
    )
  command(
    clients,
    'add <app> [connections...]',
    'points a client app at the connections named, or at all with one entry; shows the change and asks',
    [
      'clients add cursor linear',
      'clients add claude-code --all --yes',
      'clients add vscode linear --project .',
    ],
  )
    .option('--all', 'all connections, now and later, with one entry; as when none is named')
    .option(...project)
    .option('--link', 'print a link that makes the app offer the server, and change no file')
    .option(...yes)
    .action((app: string, ids: string[], options: ChangeOptions) =>
      execute(
        async (face) => (await import('./commands/clients.ts')).addToClient(face, app, ids, options),
        'error',
      ),
    )
  command(clients, 'remove <app> [connections...]', 'takes connections out of a client app again, or all', [
    'clients remove cursor',
    'clients remove cursor linear',
  ])
    .option(...project)
    .option(...yes)
    .action((app: string, ids: string[], options: ChangeOptions) =>
      execute(
        async (face) => (await import('./commands/clients.ts')).removeFromClient(face, app, ids, options),
        'error',
      ),
    )
  command(clients, 'undo', 'takes the latest change of a client app back', ['clients undo'])
    .option(...yes)
    .action((options: ChangeOptions) =>
      execute(async (face) => (await import('./commands/clients.ts')).undoClients(face, options), 'error'),
    )
  command(clients, 'key <app>', 'gives a client app a new key; the old one is refused at once', [
    'clients key cursor --rotate',
  ])
    .requiredOption('--rotate', 'make a new key')
    .option(...project)
    .action((app: string, options: ChangeOptions) =>
      execute(
        async (face) => (await import('./commands/clients.ts')).rotateClientKey(face, app, options),
        'error',
      ),
    )
  command(
    clients,
    'import [app]',
    'turns servers of client apps into connections; shows each step and asks',
    ['clients import', 'clients import claude-desktop'],
  )
    .option('--no-browser', 'show the address of a sign-in instead of opening it')
    .option(...yes)
    .action((app: string | undefined, options: ImportOptions) =>
      execute(
        async (face) => (await import('./commands/clients-import.ts')).importFromClients(face, app, options),
        'event',
      ),
    )
}

function describeActivity(program: Command, execute: Hooks['execute']): void {
  const connection = ['--connection <id>', 'calls of this connection alone'] as const
  const activity = command(program, 'activity', 'shows what was called, by whom, and how it ended', [
    'activity --since 1h',
    'activity --follow --client cursor',
    'activity payloads linear on',
  ])
    .helpCommand('help [command]', 'explains a command')
    .option('--client <app>', 'calls of this client app alone')
    .option(...connection)
    .option('--since <time>', 'not older than a span such as 15m, 1h or 7d, or than a date')
    .option('--limit <number>', 'how many at most, up to 10000; 50 where nothing is said')
    .option('--follow', 'calls from now on, as they end')
    .action((options: ActivityOptions) =>
      execute(async (face) => (await import('./commands/activity.ts')).activity(face, options), 'error'),
    )
  command(
    activity,
    'payloads [connection] [state]',
    'shows for which connections arguments and results are kept too, or changes it',
    ['activity payloads', 'activity payloads linear on'],
  ).action((id: string | undefined, state: string | undefined) =>
    execute(async (face) => (await import('./commands/activity.ts')).payloads(face, id, state), 'error'),
  )
  command(activity, 'clear', 'deletes the record, or the calls of one connection', [
    'activity clear --connection linear',
  ])
    .option(...connection)
    .action((options: ActivityOptions) =>
      execute(async (face) => (await import('./commands/activity.ts')).clear(face, options), 'error'),
    )
}

function describeBridge(program: Command, execute: Hooks['execute']): void {
  command(program, 'serve', 'runs the bridge in the foreground', ['serve', 'serve --port 0 --json'])
    .option('--port <port>', 'the port of the local endpoint; 0 takes any')
    .action((options: { port?: string }) =>
      execute(async (face) => (await import('./commands/serve.ts')).serve(face, options), 'event'),
    )
  // Taken by the small program in front of this one, which client apps start often; it stands here for its help.
  command(
    program,
    'stdio',
    'serves a connection, or all, to the client app that starts it, over stdin and stdout',
    ['stdio --client claude-desktop', 'stdio linear --client claude-desktop'],
  )
    .argument('[connection]', 'the id of one connection')
    .option('--client <name>', 'the client app')
    .action(() => undefined)
  command(program, 'ui', 'opens the page of Bridgekeeper in a browser', ['ui', 'ui --no-browser'])
    .option('--no-browser', 'show the address instead of opening it')
    .action((options: UiOptions) =>
      execute(async (face) => (await import('./commands/ui.ts')).ui(face, options), 'error'),
    )
  command(program, 'events', 'shows the events of the bridge as they happen', ['events --json']).action(() =>
    execute(async (face) => (await import('./commands/events.ts')).events(face), 'error'),
  )
  command(program, 'settings', 'shows or changes the settings; an empty value returns to the default', [
    'settings',
    'settings get port',
    'settings set port 47331',
  ])
    .addArgument(new Argument('[action]', 'what to do').choices(['get', 'set']).default('get'))
    .argument('[key]', 'the name of a setting')
    .argument('[value]', 'what to set it to')
    .action(
      (
        action: 'get' | 'set',
        key: string | undefined,
        value: string | undefined,
        _: object,
        self: Command,
      ) => {
        if (action === 'get' && value !== undefined) self.error('error: get takes one key')
        if (action === 'set' && (key === undefined || value === undefined))
          self.error('error: set takes a key and a value')
        return execute(async (face) => {
          const { getSettings, setSetting } = await import('./commands/settings.ts')
          return action === 'set' ? setSetting(face, key ?? '', value ?? '') : getSettings(face, key)
        }, 'error')
      },
    )
  command(
    program,
    'doctor [target]',
    'checks this machine, a connection or a server, and says who fixes what',
    ['doctor', 'doctor linear', 'doctor https://mcp.linear.app/mcp'],
  ).action((target: string | undefined) =>
    execute(async (face) => (await import('./commands/doctor.ts')).doctor(face, target), 'error'),
  )
  command(program, 'stop', 'ends the bridge', ['stop']).action(() =>
    execute(async (face) => (await import('./commands/stop.ts')).stop(face), 'error'),
  )
}

function command(program: Command, usage: string, description: string, examples: string[]): Command {
  const lines = examples.map((example) => `  $ bridgekeeper ${example}`)
  return program
    .command(usage)
    .description(description)
    .option('--json', 'print JSON')
    .addHelpText('after', `\nExamples:\n${lines.join('\n')}\n`)
}

function collect(value: string, before: string[] | undefined): string[] {
  return [...(before ?? []), value]
}
