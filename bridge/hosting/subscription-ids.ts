import { findMembers, type Place } from '../channel/json-bytes.ts'
import { isSameId, readMessage, withId } from '../channel/rpc-message.ts'

const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

/**
 * A server's message about a request that went out under another id, `sentId`, as if it had gone out under its own: the id of an answer, the
 * request that a cancellation names, and the subscription that a message belongs to. Ids are as they are written.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#receiving-notifications)
 */
export function withOwnId(bytes: Buffer, sentId = '', ownId = ''): Buffer {
  const message = readMessage(bytes)
  if (!message) return bytes
  const { kind, paramsPlace, resultPlace } = message
  const body = resultPlace ?? paramsPlace
  const [metaPlace, requestPlace] =
    (body && findMembers(bytes, body.start, ['_meta', 'requestId'])?.places) ?? []
  const subscriptionPlace = metaPlace && findMembers(bytes, metaPlace.start, [subscriptionKey])?.places[0]
  const places = [subscriptionPlace, paramsPlace && requestPlace]
    .filter((place) => place !== undefined)
    .filter((place) => isSameId(textOf(bytes, place), sentId))
    // The last one first, so that the others stay where they are.
    .toSorted((one, other) => other.start - one.start)
  const named = places.reduce((all, place) => replaced(all, place, ownId), bytes)
  const answer = kind === 'answer' ? readMessage(named) : undefined
  return answer ? withId(answer, ownId) : named
}

function textOf(bytes: Buffer, { start, end }: Place): string {
  return bytes.toString('latin1', start, end)
}

function replaced(bytes: Buffer, { start, end }: Place, text: string): Buffer {
  return Buffer.concat([bytes.subarray(0, start), Buffer.from(text, 'latin1'), bytes.subarray(end)])
}
