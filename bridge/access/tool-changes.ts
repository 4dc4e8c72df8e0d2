import { findMembers, type Place } from '../channel/json-bytes.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'

/**
 * What tells a client that the list of tools is another one; in the current revision to the subscription with this id, as it is written.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#receiving-notifications)
 */
export function toolsChanged(subscription?: string): RpcMessage {
  const meta = `"_meta":{"io.modelcontextprotocol/subscriptionId":${subscription}}`
  const params = subscription === undefined ? '' : `,"params":{${meta}}`
  const text = `{"jsonrpc":"2.0","method":"notifications/tools/list_changed"${params}}`
  return readMessage(Buffer.from(text, 'latin1')) as RpcMessage
}

/**
 * Whether a server's answer to `initialize` says that its tools may change.
 * @see [MCP 2025-11-25, Tools, Capabilities](https://modelcontextprotocol.io/specification/2025-11-25/server/tools#capabilities)
 */
export function saysThatToolsChange(answer: Buffer): boolean {
  const result = readMessage(answer)?.resultPlace
  return result !== undefined && isTrueAt(answer, result, ['capabilities', 'tools', 'listChanged'])
}

/**
 * Whether an acknowledgment says that the subscription will hear of changed tools.
 * @see [MCP 2026-07-28, Subscriptions, Acknowledgment](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions#acknowledgment)
 */
export function agreesToTools({ bytes, paramsPlace }: RpcMessage): boolean {
  return paramsPlace !== undefined && isTrueAt(bytes, paramsPlace, ['notifications', 'toolsListChanged'])
}

/** What tells a client on the stream of its own request that the tools are others; undefined where it does not listen for that. */
export function noteOfTools(request: Buffer): RpcMessage | undefined {
  const message = readMessage(request)
  if (message?.method !== 'subscriptions/listen' || !message.paramsPlace) return undefined
  const isAsked = isTrueAt(request, message.paramsPlace, ['notifications', 'toolsListChanged'])
  return isAsked ? toolsChanged(message.id) : undefined
}

function isTrueAt(bytes: Buffer, object: Place, path: readonly string[]): boolean {
  let place: Place | undefined = object
  for (const name of path) place = place && findMembers(bytes, place.start, [name])?.places[0]
  return place !== undefined && bytes.toString('latin1', place.start, place.end) === 'true'
}
