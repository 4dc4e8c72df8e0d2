import { elementsOf, findMembers, type Place } from '../channel/json-bytes.ts'
import { errorCodeOf } from '../channel/error-messages.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { requestOf } from './splice.ts'

/** By this code a server of 2025-11-25 says that a person has to go to an address before the call is made again. */
const elicitationRequired = -32_042

/**
 * What a client has to do before it makes a call again; undefined where the error says nothing of the kind.
 * @see [MCP 2025-11-25, URL Elicitation Required Error](https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-elicitation-required-error)
 */
export function elicitationsIn(bytes: Buffer): RpcMessage[] | undefined {
  const answer = readMessage(bytes)
  if (!answer?.errorPlace || errorCodeOf(answer) !== elicitationRequired) return undefined
  const data = member(bytes, answer.errorPlace, 'data')
  const list = data && member(bytes, data, 'elicitations')
  const elements = list && elementsOf(bytes, list.start)
  const isUsable = elements && elements.length > 0 && elements.every(({ start }) => bytes[start] === 0x7b)
  return isUsable
    ? elements.map(({ start, end }) => requestOf('0', 'elicitation/create', bytes.subarray(start, end)))
    : undefined
}

function member(bytes: Buffer, place: Place, name: string): Place | undefined {
  return findMembers(bytes, place.start, [name])?.places[0]
}
