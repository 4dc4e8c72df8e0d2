import { sentence, type Failure } from '../../shared/errors.ts'
import { version } from '../version.ts'
import { modernVersion } from './era.ts'

/** One connection as the instructions tell of it. */
export interface Introduced {
  readonly connection: string
  readonly trouble: Failure | undefined
  /** Why one of its lists is not there, or not as it is now. */
  readonly gap: Failure | undefined
  /** What the server says of its use, where it is known. */
  readonly instructions: string | undefined
}

/** The longest that one server's own instructions may be, and all of them together, in characters. */
const mostOfOne = 600
const mostOfAll = 4_000

const serverInfo = { name: 'bridgekeeper', title: 'Bridgekeeper', version }

/** What can be joined, whether or not a server offers it: none has been asked when this is said. */
const capabilities = {
  completions: {},
  logging: {},
  prompts: { listChanged: true },
  resources: { listChanged: true, subscribe: true },
  tools: { listChanged: true },
}

/**
 * The result of `initialize`.
 * @see [MCP 2025-11-25, Lifecycle](https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization)
 */
export function initializeResult(protocolVersion: string, connections: readonly Introduced[]): object {
  return { protocolVersion, capabilities, serverInfo, instructions: instructionsFor(connections) }
}

/**
 * The result of `server/discover`.
 * @see [MCP 2026-07-28, Discovery](https://modelcontextprotocol.io/specification/2026-07-28/server/discover)
 */
export function discoverResult(connections: readonly Introduced[]): object {
  return {
    resultType: 'complete',
    supportedVersions: [modernVersion],
    capabilities: { ...capabilities, extensions: { 'io.modelcontextprotocol/tasks': {} } },
    instructions: instructionsFor(connections),
    ttlMs: 0,
    cacheScope: 'private',
    _meta: { 'io.modelcontextprotocol/serverInfo': serverInfo },
  }
}

function instructionsFor(connections: readonly Introduced[]): string {
  if (connections.length === 0) {
    return 'Bridgekeeper joins remote MCP servers, but this client app may use none yet.'
  }
  const lines = connections.map(({ connection, trouble, gap }) => {
    if (trouble) return `- ${connection}: cannot be used now. ${sentence(trouble)}`
    return gap ? `- ${connection}: not all of it could be listed. ${sentence(gap)}` : `- ${connection}`
  })
  let left = mostOfAll
  const own = connections.flatMap(({ connection, instructions }) => {
    const text = shortened(instructions?.trim() ?? '', Math.min(mostOfOne, left))
    left -= text.length
    return text.length > 0 ? [`\nThe server of ${connection} says:\n${text}`] : []
  })
  return [
    'Bridgekeeper joins these MCP servers. A tool or a prompt of a server has its id and two underscores before its name.',
    ...lines,
    ...own,
  ].join('\n')
}

function shortened(text: string, most: number): string {
  if (text.length <= most) return text
  // Not in the middle of a character that takes two places.
  const end = /[\uD800-\uDBFF]/.test(text[most - 2] ?? '') ? most - 2 : most - 1
  return most < 2 ? '' : `${text.slice(0, end)}…`
}
