import { findMembers } from '../channel/json-bytes.ts'
import { findParams, isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import type { ListName } from './knowledge.ts'

/** By list: the word for it in a subscription's filter, and the notification that says that it changed. */
const notices: Readonly<Record<ListName, { readonly filter: string; readonly method: string }>> = {
  tools: { filter: 'toolsListChanged', method: 'notifications/tools/list_changed' },
  prompts: { filter: 'promptsListChanged', method: 'notifications/prompts/list_changed' },
  resources: { filter: 'resourcesListChanged', method: 'notifications/resources/list_changed' },
  resourceTemplates: { filter: 'resourcesListChanged', method: 'notifications/resources/list_changed' },
}

const acknowledgement = 'notifications/subscriptions/acknowledged'
const subscriptionKey = 'io.modelcontextprotocol/subscriptionId'

/** The notification of the older era that a list is another one now. */
export function listChanged(name: ListName): RpcMessage {
  return readMessage(Buffer.from(`{"jsonrpc":"2.0","method":"${notices[name].method}"}`)) as RpcMessage
}

/**
 * The subscriptions of one client that were held open here while its server was not there.
 * @see [MCP 2026-07-28, Subscriptions](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/subscriptions)
 */
export class HeldListens {
  /** Whether the server has it, and whether the client was told that it stands. */
  readonly #all = new Map<RpcMessage, { isHeld: boolean; isAcknowledged: boolean }>()

  /** Keeps a subscription open. Gives the acknowledgement that its client still has to get. */
  hold(request: RpcMessage): RpcMessage | undefined {
    const before = this.#all.get(request)
    this.#all.set(request, { isHeld: true, isAcknowledged: true })
    if (before?.isAcknowledged) return undefined
    const place = findParams(request, ['notifications'])?.[0]
    const filter = place ? request.bytes.toString('latin1', place.start, place.end) : '{}'
    return about(request, acknowledgement, `"notifications":${filter},`)
  }

  /** Those that wait for the server, which has them from now on. */
  release(): RpcMessage[] {
    const held = this.waiting
    for (const request of held) this.#all.set(request, { isHeld: false, isAcknowledged: true })
    return held
  }

  /** Those that wait for the server. */
  get waiting(): RpcMessage[] {
    return [...this.#all].filter(([, { isHeld }]) => isHeld).map(([request]) => request)
  }

  /** Whether a message of the server tells the client what it was told already. */
  isRepeated(message: RpcMessage, request: RpcMessage | undefined): boolean {
    return request !== undefined && message.method === acknowledgement && this.#all.has(request)
  }

  /** It was answered, or dropped. */
  end(request: RpcMessage): void {
    this.#all.delete(request)
  }

  /** Ends the one that waits with this id, because its client cancelled it. */
  cancel(id: string): RpcMessage | undefined {
    const request = this.waiting.find((one) => isSameId(one.id, id))
    if (request) this.#all.delete(request)
    return request
  }

  /** What tells each client that asked for it that a list is another one now. */
  noticesOf(name: ListName): { readonly request: RpcMessage; readonly notice: RpcMessage }[] {
    const { filter, method } = notices[name]
    return [...this.#all.keys()]
      .filter((request) => asksFor(request, filter))
      .map((request) => ({ request, notice: about(request, method) }))
  }
}

function asksFor(request: RpcMessage, filter: string): boolean {
  const { bytes } = request
  const place = findParams(request, ['notifications'])?.[0]
  const wanted = place && findMembers(bytes, place.start, [filter])?.places[0]
  return wanted !== undefined && bytes.toString('latin1', wanted.start, wanted.end) === 'true'
}

/** A notification on the stream of a subscription. `params` are members of it before the metadata, each with a comma after it. */
function about({ id }: RpcMessage, method: string, params = ''): RpcMessage {
  const text = `{"jsonrpc":"2.0","method":"${method}","params":{${params}"_meta":{"${subscriptionKey}":${id}}}}`
  return readMessage(Buffer.from(text, 'latin1')) as RpcMessage
}
