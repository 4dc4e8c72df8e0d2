import { elementsOf, findMembers, type Place } from '../channel/json-bytes.ts'
import { errorCodeOf } from '../channel/error-messages.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { missingCapability } from './era.ts'
import { json, rawId, requestOf, withMembers } from './splice.ts'

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

/**
 * What a client of the current era gets instead that does not say that it can be asked: the older code is not to be seen by it any more.
 * @see [MCP 2026-07-28, Per-request protocol fields](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#_meta)
 */
export function elicitationMissing({ id = 'null' }: RpcMessage): Buffer {
  const error = {
    code: missingCapability,
    message: 'A person has to go to an address first, which this client does not say it can show',
    data: { requiredCapabilities: { elicitation: { url: {} } } },
  }
  return withMembers(Buffer.alloc(0), undefined, { jsonrpc: json('2.0'), id: rawId(id), error: json(error) })
}

function member(bytes: Buffer, place: Place, name: string): Place | undefined {
  return findMembers(bytes, place.start, [name])?.places[0]
}
