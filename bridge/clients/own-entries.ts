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

const path = /^\/[A-Za-z0-9_-]{16,}(?:\/([a-z0-9-]+))?\/mcp$/

/**
 * Knows our entries by the local address of the bridge (any client key, any of the ports it listens or listened on) and by
 * the shim's file name followed by `stdio`, wherever it is installed.
 */
export function ownEntries(bridge: { ports: readonly number[]; shim: string }): OwnEntries {
  const fileOf = (path: string): string | undefined => path.split(/[/\\]/).at(-1)
  return {
    byAddress(address) {
      if (!URL.canParse(address)) return undefined
      const url = new URL(address)
      const isLocal = url.protocol === 'http:' && /^(127\.0\.0\.1|localhost|\[::1\])$/.test(url.hostname)
      const match = isLocal && bridge.ports.includes(Number(url.port)) ? path.exec(url.pathname) : null
      return match ? owned(match[1]) : undefined
    },
    byProgram(command, args) {
      const words = [command, ...args]
      const at = words.findIndex((word, index) => {
        const file = fileOf(word)
        const isOurs = file === fileOf(bridge.shim) || /^bridgekeeper(\.exe|\.cmd)?$/.test(file ?? '')
        return isOurs && words[index + 1] === 'stdio'
      })
      return at < 0 ? undefined : owned(words.slice(at + 2).find((word) => !word.startsWith('-')))
    },
  }
}

function owned(name: string | undefined): OwnEntry | undefined {
  if (name === undefined) return { connection: undefined }
  const id = ConnectionId.safeParse(name)
  return id.success ? { connection: id.data } : undefined
}
