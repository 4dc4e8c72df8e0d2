import { z } from 'zod'
import type { Channel, Json, PendingRequest } from '../channel/channel.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'

/** How many bytes of requests a state holds, to be made again by another bridge. */
const mostRepeatedBytes = 256 * 1024

const State = z.strictObject({
  v: z.literal(1),
  session: z.json(),
  pending: z.array(
    z.union([z.strictObject({ id: z.string().optional() }), z.strictObject({ line: z.string() })]),
  ),
  /** Within a line that is too long to be kept: what follows is the rest of it. */
  cut: z.boolean(),
})

/** When a state is taken: within a line, and as the last one of a bridge that begins nothing any more. */
interface Moment {
  readonly isWithinLine: boolean
  readonly isLast: boolean
}

/**
 * What a bridge leaves with the shim, for the one after it. A call that waits here may begin right after any state but the last, and then the next
 * bridge must not make it again.
 */
export function stateOf(channel: Channel, { isWithinLine, isLast }: Moment): Buffer {
  let left = mostRepeatedBytes
  const pending = channel.pending().map(({ message, id }) => {
    left -= message?.bytes.length ?? 0
    const mayBeRepeated = isLast || isRepeatableMethod(message?.method)
    return message && mayBeRepeated && left >= 0
      ? { line: message.bytes.toString('latin1') }
      : { id: message ? message.id : id }
  })
  const state: z.infer<typeof State> = {
    v: 1,
    session: channel.session() as z.infer<typeof State>['session'],
    pending,
    cut: isWithinLine,
  }
  return Buffer.from(JSON.stringify(state))
}

/** What a shim brings from the bridge before. */
export interface Legacy {
  /** What the last state says of the session. */
  readonly session: Json
  /** Requests that have not been answered. */
  readonly pending: PendingRequest[]
  /** Other messages of the client that the bridge before may not have seen to, and that do no harm a second time. */
  readonly notes: RpcMessage[]
}

/**
 * Works out what was under way: what the state says, and the lines since then, without what has been answered since then. Undefined where
 * that cannot be known: a state of another version, or one within a line that is lost.
 */
export function readLegacy(state: Buffer, heard: Buffer, said: readonly Buffer[]): Legacy | undefined {
  const read = state.length === 0 ? undefined : parseState(state)
  if (state.length > 0 && (!read || read.cut)) return undefined
  const pending: PendingRequest[] = (read?.pending ?? []).flatMap((one): PendingRequest[] => {
    if (!('line' in one)) return [one]
    const message = readMessage(Buffer.from(one.line, 'latin1'))
    return message ? [{ message }] : []
  })
  const notes: RpcMessage[] = []
  for (const line of said) {
    const message = readMessage(line)
    const mayBeRepeated = message?.kind === 'answer' || isRepeatableMethod(message?.method)
    if (message?.kind === 'request') pending.push(mayBeRepeated ? { message } : { id: message.id })
    else if (message && message.kind !== 'invalid' && mayBeRepeated) notes.push(message)
  }
  for (const answer of linesOf(heard)) {
    const message = readMessage(answer)
    if (message?.kind !== 'answer') continue
    const index = pending.findIndex(({ message: asked, id }) => isSameId(asked?.id ?? id, message.id))
    if (index >= 0) pending.splice(index, 1)
  }
  return { session: (read?.session ?? null) as Json, pending, notes }
}

function parseState(state: Buffer): z.infer<typeof State> | undefined {
  try {
    return State.safeParse(JSON.parse(state.toString())).data
  } catch {
    return undefined
  }
}

/** The complete lines; what comes after the last line feed was cut off in the middle. */
function linesOf(text: Buffer): Buffer[] {
  const lines: Buffer[] = []
  let start = 0
  for (let end = text.indexOf(0x0a); end >= 0; end = text.indexOf(0x0a, start)) {
    lines.push(text.subarray(start, end))
    start = end + 1
  }
  return lines
}
