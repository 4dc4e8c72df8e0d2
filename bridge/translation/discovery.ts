import type { Json } from '../channel/channel.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import type { ListWishes } from './change-stream.ts'
import { modernVersion, versionKey } from './era.ts'
import { json, parsed, record, valuesAt, withMembers } from './splice.ts'
import {
  capabilitiesKey,
  infoKey,
  levelKey,
  listChanges,
  olderVersions,
  serverInfoKey,
} from './vocabulary.ts'

const none = Buffer.alloc(0)

/** What a client of the older era has said of itself at its start, and what of it every request says to a server of the current one. */
export interface Profile {
  /** The version that the client asked for. */
  readonly version: string | undefined
  /** Members of `_meta`. */
  readonly meta: Record<string, Buffer>
  withLevel(level: string): Profile
  toJson(): Json
}

/** Reads the request that a client of the older era begins with. */
export function profileOf(initialize: RpcMessage, level?: string): Profile {
  const { bytes, paramsPlace } = initialize
  const names = ['protocolVersion', 'clientInfo', 'capabilities']
  const [version, info, capabilities] = valuesAt(bytes, paramsPlace, names)
  const asked = parsed(version)
  return {
    version: typeof asked === 'string' ? asked : undefined,
    meta: {
      [versionKey]: json(modernVersion),
      ...(info ? { [infoKey]: info } : {}),
      [capabilitiesKey]: capabilities ?? json({}),
      ...(level === undefined ? {} : { [levelKey]: json(level) }),
    },
    withLevel: (other) => profileOf(initialize, other),
    toJson: () => ({ initialize: bytes.toString('latin1'), ...(level === undefined ? {} : { level }) }),
  }
}

/** What client and server have in common. */
export interface Agreement {
  /** The result of `initialize`. */
  readonly result: Buffer
  /** The lists of whose changes the server tells. */
  readonly changes: ListWishes
}

/**
 * What `initialize` is answered with, by the server's answer to `server/discover`; undefined where that is none, or names no revision that is
 * spoken here.
 * @see [MCP 2026-07-28, Discovery](https://modelcontextprotocol.io/specification/2026-07-28/server/discover)
 * @see [MCP 2025-11-25, Initialization](https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle#initialization)
 */
export function agreementFor(
  { bytes, resultPlace }: RpcMessage,
  { version }: Profile,
): Agreement | undefined {
  const names = ['supportedVersions', 'capabilities', 'instructions', '_meta', 'serverInfo']
  const [supported, capabilities, instructions, meta, info] = valuesAt(bytes, resultPlace, names)
  const versions = parsed(supported)
  if (!Array.isArray(versions) || !versions.includes(modernVersion)) return undefined
  const isKnown = olderVersions.some((known) => known === version)
  const [named] = valuesAt(meta ?? none, meta && { start: 0, end: meta.length }, [serverInfoKey])
  const result = withMembers(none, undefined, {
    protocolVersion: json(isKnown ? version : olderVersions[0]),
    capabilities: capabilities ?? json({}),
    serverInfo: named ?? info ?? json({ name: 'unknown', version: 'unknown' }),
    instructions,
  })
  return { result, changes: changesIn(record(parsed(capabilities))) }
}

function changesIn(capabilities: Readonly<Record<string, unknown>>): ListWishes {
  const wished = listChanges.filter(
    ({ capability }) => record(capabilities[capability])['listChanged'] === true,
  )
  return Object.fromEntries(wished.map(({ wish }) => [wish, true] as const))
}
