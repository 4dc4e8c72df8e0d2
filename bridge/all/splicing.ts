import { findMembers, type Place } from '../channel/json-bytes.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'

/** A value in place of another one. */
export interface Edit {
  readonly place: Place
  /** JSON, as it is to be written. */
  readonly json: string
}

/** The bytes with other values at some places, which are in order and do not overlap. */
export function splice(bytes: Buffer, edits: readonly Edit[]): Buffer {
  if (edits.length === 0) return bytes
  const pieces: Buffer[] = []
  let at = 0
  for (const { place, json } of edits) {
    pieces.push(bytes.subarray(at, place.start), Buffer.from(json))
    at = place.end
  }
  pieces.push(bytes.subarray(at))
  return Buffer.concat(pieces)
}

/** A message with another value at a place. */
export function withValue(message: RpcMessage, place: Place, json: string): RpcMessage {
  return messageOf(splice(message.bytes, [{ place, json }]))
}

/** A message of our own making. */
export function messageOf(message: Buffer | object): RpcMessage {
  const read = readMessage(Buffer.isBuffer(message) ? message : Buffer.from(JSON.stringify(message)))
  if (!read) throw new Error('what was put together is no message')
  return read
}

/** Members of the object at a place, by their names; undefined where there is no object. */
export function membersAt(
  bytes: Buffer,
  place: Place | undefined,
  names: readonly string[],
): readonly (Place | undefined)[] | undefined {
  return place && findMembers(bytes, place.start, names)?.places
}

/** The value at a place, decoded. */
export function valueAt(bytes: Buffer, place: Place | undefined): unknown {
  return place && (JSON.parse(bytes.toString('utf8', place.start, place.end)) as unknown)
}

/** An id, a token or any other value of one server, marked as that of its connection, so that those of two servers never meet. */
export function foreignValue(connection: string, json: string): string {
  return JSON.stringify(`${connection}:${json}`)
}

/** Reads a marked value back, as it was written; undefined for one without such a mark. */
export function readForeignValue(value: unknown): { connection: string; json: string } | undefined {
  if (typeof value !== 'string') return undefined
  const at = value.indexOf(':')
  return at < 0 ? undefined : { connection: value.slice(0, at), json: value.slice(at + 1) }
}

/** The text of the value at a place, as it is written. */
export function writtenAt(bytes: Buffer, place: Place): string {
  return bytes.toString('utf8', place.start, place.end)
}
