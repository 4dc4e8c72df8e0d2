import { Secret } from '../secret.ts'
import { isRecord } from './formats/format.ts'
import { folderFrom, inHome, type Machine, pathsOf } from './machine.ts'

/** A file in the folder of `mcp-remote`. */
export interface McpAuthFile {
  readonly path: string
  /** The name it was stored under, a hash of what tells sessions apart. */
  readonly stored: string
  readonly kind: 'tokens' | 'client' | 'verifier' | 'log' | 'other'
}

/** What `mcp-remote` has stored under one name. */
export interface McpAuthRecord {
  readonly stored: string
  readonly files: readonly McpAuthFile[]
  readonly accessToken: Secret | undefined
  readonly refreshToken: Secret | undefined
  readonly clientId: string | undefined
  readonly clientSecret: Secret | undefined
  readonly issuer: string | undefined
}

/** Where `mcp-remote` keeps its tokens, in plain text; an entry may name another folder in its variables. */
export function mcpAuthFolder(machine: Machine, variable?: string): string {
  return variable ?? folderFrom(machine, 'MCP_REMOTE_CONFIG_DIR') ?? inHome(machine, '.mcp-auth')
}

/**
 * The files below the folder that are known to be of `mcp-remote`: in `mcp-remote-v1`, in the `mcp-remote-0.x.y` that older
 * versions left behind one by one, and in the folder itself, where debug logs and the oldest versions write.
 */
export function mcpAuthFiles(machine: Machine, folder: string): readonly McpAuthFile[] {
  const paths = pathsOf(machine)
  const inner = (machine.list(folder) ?? []).filter((name) =>
    /^mcp-remote-(v\d+|\d+\.\d+\.\d+.*)$/.test(name),
  )
  return [folder, ...inner.map((name) => paths.join(folder, name))].flatMap((place) =>
    (machine.list(place) ?? []).flatMap((name) => {
      const [, stored, rest] = /^([0-9a-f]{32})_(.+)$/.exec(name) ?? []
      return stored === undefined || rest === undefined
        ? []
        : [{ path: paths.join(place, name), stored, kind: kindOf(rest) }]
    }),
  )
}

/** What lies under each name. `texts` gives the content of a file; one that cannot be understood still counts as a file. */
export function mcpAuthRecords(
  files: readonly McpAuthFile[],
  texts: (path: string) => string | undefined,
): readonly McpAuthRecord[] {
  return [...new Set(files.map(({ stored }) => stored))].map((stored) => {
    const own = files.filter((file) => file.stored === stored)
    const value = (kind: McpAuthFile['kind'], key: string): string | undefined =>
      own
        .filter((file) => file.kind === kind)
        .map((file) => jsonOf(texts(file.path))[key])
        .find((value): value is string => typeof value === 'string')
    const secret = (kind: McpAuthFile['kind'], key: string): Secret | undefined => {
      const text = value(kind, key)
      return text === undefined ? undefined : new Secret(text)
    }
    return {
      stored,
      files: own,
      accessToken: secret('tokens', 'access_token'),
      refreshToken: secret('tokens', 'refresh_token'),
      clientId: value('client', 'client_id'),
      clientSecret: secret('client', 'client_secret'),
      issuer: value('tokens', 'issuer') ?? value('client', 'issuer'),
    }
  })
}

function kindOf(name: string): McpAuthFile['kind'] {
  if (name === 'tokens.json') return 'tokens'
  if (name === 'client_info.json') return 'client'
  if (name.startsWith('code_verifier')) return 'verifier'
  return name.endsWith('.log') ? 'log' : 'other'
}

function jsonOf(text: string | undefined): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text ?? '')
    return isRecord(value) ? value : {}
  } catch {
    return {}
  }
}
