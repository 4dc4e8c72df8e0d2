import { isRecord } from './formats/format.ts'

/** How an entry reaches its server, whatever the client app calls the fields. */
export interface Launch {
  readonly enabled: boolean
  readonly url?: string
  /** Header values as written, placeholders and all. */
  readonly headers: ReadonlyMap<string, string>
  readonly command?: string
  readonly args: readonly string[]
  readonly env: ReadonlyMap<string, string>
}

/** Every field that says how a server is reached, in any of the apps; the others are the person's own settings of it. */
export const launchFields: readonly string[] =
  `type transport transportType source url serverUrl httpUrl uri headers
  http_headers env_http_headers requestInit requestOptions apiKey bearer_token bearer_token_env_var oauth oauthClient
  auth authProviderType client_id client_secret_key scopes command cmd args env envs env_keys environment envFile
  cwd`.split(/\s+/)

/** Reads an entry of any client app. What is not a string where one belongs is passed over. */
export function launchOf(entry: Record<string, unknown>): Launch {
  const inner = isRecord(entry['transport']) ? { ...entry, ...entry['transport'] } : entry
  const { command, args } = commandOf(inner['command'] ?? inner['cmd'], inner['args'])
  const url = ['url', 'serverUrl', 'httpUrl', 'uri'].map((key) => inner[key]).find(isText)
  return {
    enabled: inner['enabled'] !== false && inner['disabled'] !== true,
    ...(url === undefined ? {} : { url }),
    headers: headersOf(inner),
    ...(command === undefined ? {} : { command }),
    args,
    env: new Map([inner['env'], inner['envs'], inner['environment']].flatMap(texts)),
  }
}

function headersOf(entry: Record<string, unknown>): ReadonlyMap<string, string> {
  const within = (key: string): unknown => (isRecord(entry[key]) ? entry[key]['headers'] : undefined)
  const key = entry['apiKey'] ?? entry['bearer_token']
  const variable = entry['bearer_token_env_var']
  return new Map([
    ...[entry['headers'], entry['http_headers'], within('requestInit'), within('requestOptions')].flatMap(
      texts,
    ),
    ...texts(entry['env_http_headers']).map(([name, from]) => [name, `\${${from}}`] as const),
    ...(isText(key) ? [['Authorization', `Bearer ${key}`] as const] : []),
    ...(isText(variable) ? [['Authorization', `Bearer \${${variable}}`] as const] : []),
  ])
}

/** A command is a string, a list of words (opencode), or an object with a path (older versions of Zed). */
function commandOf(command: unknown, args: unknown): { command?: string; args: readonly string[] } {
  const words = Array.isArray(args) ? args.filter(isText) : []
  if (isRecord(command)) return commandOf(command['path'], command['args'])
  if (Array.isArray(command)) {
    const [first, ...rest] = command.filter(isText)
    return first === undefined ? { args: [] } : { command: first, args: rest }
  }
  if (!isText(command)) return { args: [] }
  if (words.length > 0 || !/^(npx|bunx|pnpm|yarn|npm)\s/.test(command)) return { command, args: words }
  const [first = command, ...rest] = splitWords(command)
  return { command: first, args: rest }
}

/** The package that a command runs with a package runner, and its arguments; undefined when it runs something else. */
export function packageOf(
  command: string,
  args: readonly string[],
): { name: string; args: readonly string[] } | undefined {
  const program =
    command
      .split(/[/\\]/)
      .at(-1)
      ?.replace(/\.(cmd|exe|ps1)$/i, '') ?? ''
  const [first = '', ...rest] = args
  switch (program) {
    case 'cmd':
      return /^\/[ck]$/i.test(first) && rest[0] !== undefined ? packageOf(rest[0], rest.slice(1)) : undefined
    case 'wsl':
    case 'env': {
      const [inner, ...words] = args.filter((word, index) => index > 0 || !word.includes('='))
      return inner === undefined ? undefined : packageOf(inner, words)
    }
    case 'sh':
    case 'bash':
    case 'zsh': {
      const [inner, ...words] = /^-[a-z]*c$/.test(first)
        ? splitWords((rest[0] ?? '').replace(/^exec\s+/, ''))
        : []
      return inner === undefined ? undefined : packageOf(inner, words)
    }
    case 'npx':
    case 'bunx':
      return runPackage(args)
    case 'npm':
    case 'pnpm':
    case 'yarn':
    case 'bun':
      return /^(exec|x|dlx)$/.test(first) ? runPackage(rest) : undefined
    case 'node': {
      const script = args.find((word) => !word.startsWith('-'))
      const name = /[/\\]node_modules[/\\]((?:@[^/\\]+[/\\])?[^/\\]+)[/\\]/.exec(script ?? '')?.[1]
      return script === undefined || name === undefined
        ? undefined
        : { name: name.replace('\\', '/'), args: args.slice(args.indexOf(script) + 1) }
    }
    default:
      return program === 'mcp-remote' ? { name: program, args } : undefined
  }
}

function runPackage(args: readonly string[]): { name: string; args: readonly string[] } | undefined {
  let named: string | undefined
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? ''
    if (word === '-p' || word === '--package') {
      at += 1
      named = args[at]
    } else if (word.startsWith('--package=')) {
      named = word.slice('--package='.length)
    } else if (!word.startsWith('-')) {
      return { name: withoutVersion(named ?? word), args: args.slice(at + 1) }
    }
  }
  return undefined
}

function withoutVersion(name: string): string {
  return name.replace(/(?<=.)@[^/]*$/, '')
}

/** Splits a line as a shell does, as far as plain words and quotes go. */
function splitWords(line: string): readonly string[] {
  return [...line.matchAll(/(?:"((?:[^"\\]|\\.)*)"|'([^']*)'|((?:[^\s"'\\]|\\.)+))+/g)].map((match) =>
    match[0].replaceAll(
      /"((?:[^"\\]|\\.)*)"|'([^']*)'|\\(.)/g,
      (_, double?: string, single?: string, escaped?: string) =>
        double === undefined ? (single ?? escaped ?? '') : double.replaceAll(/\\(["\\$`])/g, '$1'),
    ),
  )
}

function texts(value: unknown): readonly (readonly [string, string])[] {
  if (!isRecord(value)) return []
  return Object.entries(value).flatMap(([name, text]) =>
    isText(text) ? [[name, text] as const] : typeof text === 'number' ? [[name, String(text)] as const] : [],
  )
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
