import { z } from 'zod'
import type { Json } from '../channel/channel.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { Handshake } from './era.ts'

/** Messages are written as Latin-1, so that every byte comes back. */
const Line = z.string().max(64 * 1024)
const Stored = z.strictObject({
  handshake: Line.optional(),
  isInitialized: z.boolean(),
  level: Line.optional(),
  uris: z.array(z.tuple([z.string(), z.string()])),
  children: z.array(z.tuple([z.string(), z.json()])),
})

/** What another bridge needs to go on with a client. */
export interface AllState {
  readonly handshake: Handshake | undefined
  readonly isInitialized: boolean
  /** The client's last `logging/setLevel`. */
  readonly level: RpcMessage | undefined
  /** By origin: the connection whose uris the client knows without a mark. */
  readonly uris: readonly (readonly [string, string])[]
  /** By connection: its channel's own. */
  readonly children: readonly (readonly [string, Json])[]
}

/** The state as JSON. */
export function writeState({ handshake, isInitialized, level, uris, children }: AllState): Json {
  return {
    ...(handshake ? { handshake: handshake.toJson() } : {}),
    isInitialized,
    ...(level ? { level: level.bytes.toString('latin1') } : {}),
    uris,
    children: children.filter(([, session]) => session !== null),
  }
}

/** Reads back what `writeState` gave, and null for a client that has not said anything; undefined for anything else. */
export function readState(json: Json): AllState | undefined {
  const nothing = { isInitialized: false, uris: [], children: [] }
  const { data } = Stored.safeParse(json ?? nothing)
  if (!data) return undefined
  const handshake = data.handshake === undefined ? undefined : Handshake.from(data.handshake)
  const level = data.level === undefined ? undefined : readMessage(Buffer.from(data.level, 'latin1'))
  return {
    handshake,
    isInitialized: data.isInitialized,
    level,
    uris: data.uris,
    children: data.children as unknown as AllState['children'],
  }
}
