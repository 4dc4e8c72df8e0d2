import { elementsOf, findMembers, skipSpace, textAt, valueEnd, type Place } from '../channel/json-bytes.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'

/** Members by their names: the bytes of the new value, or undefined to leave the member out. */
export type Changes = Readonly<Record<string, Buffer | undefined>>

interface Member {
  readonly name: string
  readonly start: number
  readonly end: number
}

/** The object at a place with some members changed and all others byte for byte as they are; one of the new members alone where there is no object. */
export function withMembers(bytes: Buffer, place: Place | undefined, changes: Changes): Buffer {
  const left = new Map(Object.entries(changes))
  const pieces: Buffer[] = []
  const push = (name: string, value: Buffer | undefined): void => {
    if (value) pieces.push(comma(pieces), Buffer.from(`${JSON.stringify(name)}:`), value)
  }
  for (const { name, start, end } of place ? membersOf(bytes, place.start) : []) {
    if (!Object.hasOwn(changes, name)) pieces.push(comma(pieces), bytes.subarray(start, end))
    else if (left.has(name)) {
      push(name, left.get(name))
      left.delete(name)
    }
  }
  for (const [name, value] of left) push(name, value)
  return Buffer.concat([Buffer.from('{'), ...pieces, Buffer.from('}')])
}

/** The members of the valid object whose brace is at `at`, each from its name to the end of its value. */
function* membersOf(bytes: Buffer, at: number): Generator<Member> {
  if (bytes[at] !== 0x7b) return
  at = skipSpace(bytes, at + 1)
  while (bytes[at] === 0x22) {
    const nameEnd = valueEnd(bytes, at)
    const end = valueEnd(bytes, skipSpace(bytes, nameEnd) + 1)
    yield { name: textAt(bytes, at, nameEnd), start: at, end }
    at = skipSpace(bytes, end)
    if (bytes[at] === 0x2c) at = skipSpace(bytes, at + 1)
  }
}

/** The values of an object's members by name; none where there is no object. */
export function entriesOf(bytes: Buffer, place: Place | undefined): Map<string, Buffer> {
  const entries = new Map<string, Buffer>()
  if (!place) return entries
  for (const { name, start, end } of membersOf(bytes, place.start)) {
    const valueStart = skipSpace(bytes, skipSpace(bytes, valueEnd(bytes, start)) + 1)
    entries.set(name, bytes.subarray(valueStart, end))
  }
  return entries
}

function comma(before: readonly Buffer[]): Buffer {
  return Buffer.from(before.length > 0 ? ',' : '')
}

/** The message with some of its members changed. */
export function changed(message: RpcMessage, changes: Changes): RpcMessage {
  const { bytes } = message
  const root = { start: skipSpace(bytes, 0), end: bytes.length }
  return readMessage(withMembers(bytes, root, changes)) as RpcMessage
}

/** An array with each of its elements changed. */
export function withElements(
  bytes: Buffer,
  place: Place,
  change: (element: Place) => Buffer | undefined,
): Buffer {
  const pieces = (elementsOf(bytes, place.start) ?? []).map(
    (element) => change(element) ?? bytes.subarray(element.start, element.end),
  )
  return Buffer.concat([
    Buffer.from('['),
    ...pieces.flatMap((piece, index) => (index > 0 ? [Buffer.from(','), piece] : [piece])),
    Buffer.from(']'),
  ])
}

/** The bytes of members of the object at a place, by their names in the order asked. */
export function valuesAt(
  bytes: Buffer,
  place: Place | undefined,
  names: readonly string[],
): (Buffer | undefined)[] {
  const found = place && findMembers(bytes, place.start, names)
  return names.map((_, index) => {
    const value = found?.places[index]
    return value && bytes.subarray(value.start, value.end)
  })
}

/** A value of ours as bytes. */
export function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}

/** The value that some bytes of a valid message are. */
export function parsed(bytes: Buffer | undefined): unknown {
  return bytes && (JSON.parse(bytes.toString()) as unknown)
}

/** A member that is an object, or an empty one. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}

/** The bytes of an id as it is written. */
export function rawId(id: string): Buffer {
  return Buffer.from(id, 'latin1')
}

/** A request of ours; `id` as it is written. */
export function requestOf(id: string, method: string, params: Buffer): RpcMessage {
  return built({ id: rawId(id), method: json(method), params })
}

export function notificationOf(method: string, params?: Buffer): RpcMessage {
  return built({ method: json(method), params })
}

/** An answer of ours; `id` as it is written. */
export function resultOf(id: string, result: Buffer): RpcMessage {
  return built({ id: rawId(id), result })
}

/** An answer with the id of this request. */
export function named(answer: Buffer, { id = 'null' }: RpcMessage): Buffer {
  const message = readMessage(answer)
  return message ? changed(message, { id: rawId(id) }).bytes : answer
}

function built(members: Changes): RpcMessage {
  const all = { jsonrpc: json('2.0'), ...members }
  return readMessage(withMembers(Buffer.alloc(0), undefined, all)) as RpcMessage
}
