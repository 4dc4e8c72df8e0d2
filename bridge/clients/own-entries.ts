import { ConnectionId } from '../../shared/connection.ts'

/** What an entry of ours leads to: one connection, or all of them. */
interface OwnEntry {
  readonly connection: ConnectionId | undefined
}

/** Tells our own entries from those of others. A key that was rotated or a port that was left makes an entry no less ours. */
export interface OwnEntries {
  byAddress(url: string): OwnEntry | undefined
  byProgram(command: string, args: readonly string[]): OwnEntry | undefined
}

const path = /^\/([A-Za-z0-9_-]{16,})(?:\/([a-z0-9-]+))?\/mcp$/

/** The option of the shim that says for which client app it is started. */
export const shimClientOption = '--client='

/** By what our entries are told from those of others. */
interface Marks {
  /** Those that the bridge listens on or usually does. */
  readonly ports: readonly number[]
  /** Whether a client key is one of ours, so that it is known on a port of before too. */
  readonly knowsKey: (key: string) => boolean
  readonly shim: string
}

/**
 * Knows our entries by the local address of the bridge (any client key on its ports, or one of our keys on any port) and by
 * the shim's file name with the option for the client app, wherever it is installed.
 */
export function ownEntries(bridge: Marks): OwnEntries {
  const fileOf = (path: string): string | undefined => path.split(/[/\\]/).at(-1)
  return {
    byAddress(address) {
      if (!URL.canParse(address)) return undefined
      const url = new URL(address)
      const isLocal = url.protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname)
      const [, key, connection] = (isLocal && path.exec(url.pathname)) || []
      if (key === undefined) return undefined
      return bridge.ports.includes(Number(url.port)) || bridge.knowsKey(key) ? owned(connection) : undefined
    },
    byProgram(command, args) {
      const words = [command, ...args]
      const at = words.findIndex((word, index) => {
        const file = fileOf(word) ?? ''
        if (/^bridgekeeper(\.exe|\.cmd)?$/.test(file)) return words[index + 1] === 'stdio'
        return file === fileOf(bridge.shim) && words.some((other) => other.startsWith(shimClientOption))
      })
      if (at < 0) return undefined
      const rest = words.slice(fileOf(words[at] ?? '') === fileOf(bridge.shim) ? at + 1 : at + 2)
      return owned(rest.find((word) => !word.startsWith('-')))
    },
  }
}

function owned(name: string | undefined): OwnEntry | undefined {
  if (name === undefined) return { connection: undefined }
  const id = ConnectionId.safeParse(name)
  return id.success ? { connection: id.data } : undefined
}
