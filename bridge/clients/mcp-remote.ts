import { createHash } from 'node:crypto'

/** A command line of `mcp-remote` (0.15.1 and older) or of a package with the same arguments, taken apart. */
export interface McpRemoteLine {
  readonly url: string
  /** The port of its callback, if it was given. */
  readonly port?: number
  /** Headers as written, before variables are filled in. */
  readonly headers: ReadonlyMap<string, string>
  readonly headerFiles: readonly string[]
  /** Every other option, without its dashes, with all values it was given; switches have none. */
  readonly options: ReadonlyMap<string, readonly string[]>
}

const valued = new Set(
  `header header-file transport protocol host callback-path auth-success-url static-oauth-client-metadata
  static-oauth-client-info client-metadata-url token-endpoint resource authorize-param ignore-tool auth-timeout
  connect-timeout headers-timeout body-timeout ping-interval`.split(/\s+/),
)

const switches = new Set(
  `allow-http debug silent ipv4 enable-proxy keep-alive disable-cookies device-code client-credentials use-id-token
  disable-resource-parameter`.split(/\s+/),
)

/** Whether `mcp-remote` has an option of this name. */
export function isKnownOption(name: string): boolean {
  return valued.has(name) || switches.has(name)
}

/** Whether a package is `mcp-remote`, or by its name one that takes a remote server's address as it does. */
export function isRemoteWrapper(packageName: string): boolean {
  return packageName === 'mcp-remote' || /^@[^/]+\/(.*-)?remote$/.test(packageName)
}

/** Takes a command line apart; undefined when no address is in it. */
export function mcpRemoteLineOf(args: readonly string[]): McpRemoteLine | undefined {
  const headers = new Map<string, string>()
  const options = new Map<string, readonly string[]>()
  const plain: string[] = []
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? ''
    const [, name, joined] = /^--([a-z0-9-]+)(?:=(.*))?$/s.exec(word) ?? []
    if (name === undefined) {
      plain.push(word)
      continue
    }
    let value = joined
    if (value === undefined && valued.has(name)) {
      at += 1
      value = args[at]
    }
    if (name === 'header') {
      const [, header, text] = /^([A-Za-z0-9_-]+):\s*(.*)$/s.exec(value ?? '') ?? []
      if (header !== undefined && text !== undefined) headers.set(header, text)
    } else {
      options.set(name, [...(options.get(name) ?? []), ...(value === undefined ? [] : [value])])
    }
  }
  const [url, port] = plain
  if (url === undefined || !/^https?:\/\//i.test(url) || !URL.canParse(url)) return undefined
  return {
    url,
    ...(port !== undefined && /^\d{1,5}$/.test(port) ? { port: Number(port) } : {}),
    headers,
    headerFiles: options.get('header-file') ?? [],
    options,
  }
}

/** The headers of a header file: one `Name: value` in a line, `#` begins a comment. */
export function headersOfFile(text: string): ReadonlyMap<string, string> {
  const lines = text.split(/\r?\n/).map((line) => /^([A-Za-z0-9_-]+):\s*(.*)$/.exec(line.trim()))
  return new Map(lines.flatMap((match) => (match ? [[match[1] ?? '', match[2] ?? ''] as const] : [])))
}

/** Fills in `${NAME}` from an entry's variables; what they do not hold stays as it is, as `mcp-remote` does. */
export function filledIn(text: string, env: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\$\{([^}]+)\}/g, (all, name: string) => env.get(name) ?? all)
}

/**
 * The names under which `mcp-remote` may have stored what belongs to a command line: a hash over the address and over
 * what tells sessions apart. Older versions hashed fewer of these, or the headers after variables were filled in.
 */
export function storedNamesOf(line: McpRemoteLine, env: ReadonlyMap<string, string>): readonly string[] {
  const option = (name: string): string | undefined => line.options.get(name)?.[0]?.trim() || undefined
  const resource = line.options.has('disable-resource-parameter') ? undefined : option('resource')
  const parameters = new Map(
    (line.options.get('authorize-param') ?? []).flatMap((text) => {
      const at = text.indexOf('=')
      return at < 1 ? [] : [[text.slice(0, at).trim(), text.slice(at + 1)] as const]
    }),
  )
  const filled = new Map([...line.headers].map(([name, value]) => [name, filledIn(value, env)] as const))
  const later = [option('client-metadata-url'), option('token-endpoint')]
  const variants = [line.headers, filled].map((headers) => [
    line.url,
    resource,
    sorted(parameters),
    sorted(headers),
    ...later,
  ])
  return [...new Set([...variants, [line.url, resource, sorted(line.headers)], [line.url]].map(hashOf))]
}

function sorted(map: ReadonlyMap<string, string>): string | undefined {
  return map.size === 0
    ? undefined
    : JSON.stringify(Object.fromEntries([...map].sort(([a], [b]) => (a < b ? -1 : 1))))
}

/** Not a protection of anything: it is the name that another program gave to its files. */
function hashOf(parts: readonly (string | undefined)[]): string {
  return createHash('md5')
    .update(parts.filter((part) => part !== undefined).join('|'))
    .digest('hex')
}
