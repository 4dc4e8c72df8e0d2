import { randomBytes } from 'node:crypto'
import { readMessage, findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { membersAt, messageOf, valueAt, withValue, writtenAt } from './splicing.ts'

/** The revision without sessions that is spoken here, and the older ones, the newest first. */
export const modernVersion = '2026-07-28'
const legacyVersions: readonly string[] = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05']

const metaPrefix = 'io.modelcontextprotocol/'

/** What a request of the current revision says of itself. */
export interface Said {
  readonly version: string
  /** Whether it says what the client can do, as it must. */
  readonly isComplete: boolean
}

/** What a request says of itself; undefined for one of the older era. */
export function saidBy(request: RpcMessage): Said | undefined {
  const names = [`${metaPrefix}protocolVersion`, `${metaPrefix}clientCapabilities`]
  const [version, capabilities] = membersAt(request.bytes, findParams(request, ['_meta'])?.[0], names) ?? []
  const text = stringAt(request.bytes, version)
  return text === undefined ? undefined : { version: text, isComplete: capabilities !== undefined }
}

/** What a client of the older era began with, as far as it matters to the servers. */
export class Handshake {
  /** The client's `initialize`, asking for the version that was agreed on. */
  readonly request: RpcMessage
  readonly version: string

  constructor(request: RpcMessage) {
    const place = findParams(request, ['protocolVersion'])?.[0]
    const asked = stringAt(request.bytes, place)
    const isKnown = asked !== undefined && legacyVersions.includes(asked)
    this.version = isKnown ? asked : (legacyVersions[0] as string)
    this.request = isKnown || !place ? request : withValue(request, place, JSON.stringify(this.version))
  }

  toJson(): string {
    return this.request.bytes.toString('latin1')
  }

  /** Reads back what `toJson` gave; undefined for anything else. */
  static from(text: string): Handshake | undefined {
    const request = readMessage(Buffer.from(text, 'latin1'))
    return request?.method === 'initialize' ? new Handshake(request) : undefined
  }
}

/** A request of the bridge's own to one server, in the era of the client's `like`. */
export function ownRequest(
  method: string,
  params: Record<string, unknown>,
  like: RpcMessage | undefined,
): RpcMessage {
  const meta = like && commonMeta(like)
  const all = meta ? { ...params, _meta: meta } : params
  return messageOf({ jsonrpc: '2.0', id: nextOwnId(), method, params: all })
}

/** Sessions outlive a bridge, and an id is used once in a session. */
const run = randomBytes(6).toString('base64url')
let lastOwnId = 0

/** An id that no client uses, nor another bridge. */
export function nextOwnId(): string {
  return `bridgekeeper/${run}/${++lastOwnId}`
}

/** What the client's requests have in common: version, client and capabilities. */
function commonMeta(request: RpcMessage): Record<string, unknown> | undefined {
  const place = findParams(request, ['_meta'])?.[0]
  const meta = valueAt(request.bytes, place)
  if (typeof meta !== 'object' || meta === null) return undefined
  const common = ['protocolVersion', 'clientInfo', 'clientCapabilities'].map((name) => metaPrefix + name)
  return Object.fromEntries(Object.entries(meta).filter(([name]) => common.includes(name)))
}

/** The notification that a client of the older era sends once it is ready. */
export const initializedNote = messageOf({ jsonrpc: '2.0', method: 'notifications/initialized' })

/** The JSON of a request's id, for an answer of ours. */
export function idOf({ bytes, idPlace }: RpcMessage): string {
  return idPlace ? writtenAt(bytes, idPlace) : 'null'
}

/** An answer of ours with a result. */
export function resultAnswer(request: RpcMessage, result: object): Buffer {
  return Buffer.from(`{"jsonrpc":"2.0","id":${idOf(request)},"result":${JSON.stringify(result)}}`)
}

/** An answer of ours with an error that the protocol has a code for. */
export function protocolError(request: RpcMessage, code: number, message: string, data?: object): Buffer {
  const error = JSON.stringify(data ? { code, message, data } : { code, message })
  return Buffer.from(`{"jsonrpc":"2.0","id":${idOf(request)},"error":${error}}`)
}
