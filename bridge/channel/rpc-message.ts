import { elementsOf, findMembers, skipSpace, textAt, valueEnd, type Place } from './json-bytes.ts'

/**
 * A JSON-RPC message as the bytes it came in, with the places of its members. What is not asked for is not decoded.
 * @see [JSON-RPC 2.0](https://www.jsonrpc.org/specification)
 */
export interface RpcMessage {
  /** One whole message, without a line feed at its end. */
  readonly bytes: Buffer
  /** `invalid`: an object that is none of the three, or that says a thing twice. */
  readonly kind: 'request' | 'notification' | 'answer' | 'invalid'
  /** The id exactly as it is written, such as `1`, `1.0` or `"a"`, its bytes as Latin-1. */
  readonly id: string | undefined
  readonly method: string | undefined
  readonly idPlace: Place | undefined
  readonly paramsPlace: Place | undefined
  readonly resultPlace: Place | undefined
  readonly errorPlace: Place | undefined
}

const members = ['id', 'method', 'params', 'result', 'error']

/** Reads the message that the bytes are; undefined where they are not one JSON object. */
export function readMessage(bytes: Buffer): RpcMessage | undefined {
  const found = findMembers(bytes, skipSpace(bytes, 0), members)
  if (!found || skipSpace(bytes, found.end) !== bytes.length) return undefined
  const [idPlace, methodPlace, paramsPlace, resultPlace, errorPlace] = found.places
  const id = idPlace && bytes.toString('latin1', idPlace.start, idPlace.end)
  const method = stringAt(bytes, methodPlace)
  const hasOutcome = resultPlace !== undefined || errorPlace !== undefined
  const kind =
    found.isAmbiguous || (methodPlace === undefined) !== hasOutcome || (methodPlace && method === undefined)
      ? 'invalid'
      : kindOf(method, id)
  return { bytes, kind, id, method, idPlace, paramsPlace, resultPlace, errorPlace }
}

function kindOf(method: string | undefined, id: string | undefined): RpcMessage['kind'] {
  if (method === undefined) return 'answer'
  return id === undefined ? 'notification' : 'request'
}

/** The bytes of the messages in a batch; undefined where the bytes are not one JSON array. */
export function readBatch(bytes: Buffer): Buffer[] | undefined {
  const start = skipSpace(bytes, 0)
  if (bytes[start] !== 0x5b || skipSpace(bytes, valueEnd(bytes, start)) !== bytes.length) return undefined
  return elementsOf(bytes, start)?.map((place) => bytes.subarray(place.start, place.end))
}

/** Whether two ids, as they are written, are the same value: `1` and `1.0` are one, `1` and `"1"` are two. */
export function isSameId(one: string | undefined, other: string | undefined): boolean {
  return one === other || (one !== undefined && other !== undefined && decode(one) === decode(other))
}

function decode(raw: string): unknown {
  return JSON.parse(Buffer.from(raw, 'latin1').toString()) as unknown
}

/** The message with another id, as that is written. */
export function withId({ bytes, idPlace }: RpcMessage, id: string): Buffer {
  if (!idPlace) return bytes
  const { start, end } = idPlace
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(id, 'latin1'), bytes.subarray(end)])
}

/** Members of `params` by their names; undefined where there are no such params, or where one of the names is said twice. */
export function findParams(
  { bytes, paramsPlace }: RpcMessage,
  names: readonly string[],
): readonly (Place | undefined)[] | undefined {
  const found = paramsPlace && findMembers(bytes, paramsPlace.start, names)
  return found && !found.isAmbiguous ? found.places : undefined
}

/** The string at a place; undefined where there is none. */
export function stringAt(bytes: Buffer, place: Place | undefined): string | undefined {
  return place && bytes[place.start] === 0x22 ? textAt(bytes, place.start, place.end) : undefined
}

/** The id of the request that a `notifications/cancelled` means, as it is written. */
export function cancelledId(message: RpcMessage): string | undefined {
  const place = findParams(message, ['requestId'])?.[0]
  return place && message.bytes.toString('latin1', place.start, place.end)
}
