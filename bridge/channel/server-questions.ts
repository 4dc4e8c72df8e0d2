import { keyOf } from './call-table.ts'
import { cancelledId, readMessage, type RpcMessage } from './rpc-message.ts'

/** The requests of a server that its client has not answered, in one session of the two. */
export class ServerQuestions {
  /** By key: the ids as they are written. */
  readonly #open = new Map<string, string>()

  /** Notes a message of the server. */
  note(message: RpcMessage): void {
    const { kind, id } = message
    if (kind === 'request' && id !== undefined) this.#open.set(keyOf(id), id)
    else if (message.method === 'notifications/cancelled') this.#open.delete(keyOf(cancelledId(message)))
  }

  /** Whether the server waits for this answer of the client; from now on it does not. */
  settle({ id }: RpcMessage): boolean {
    return this.#open.delete(keyOf(id))
  }

  /** Forgets them all, and gives what tells the client that nobody waits any more. */
  withdraw(): RpcMessage[] {
    const ids = [...this.#open.values()]
    this.#open.clear()
    return ids.map(cancellation)
  }
}

function cancellation(id: string): RpcMessage {
  const reason = 'the server has ended its session'
  const text = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id},"reason":"${reason}"}}`
  return readMessage(Buffer.from(text, 'latin1')) as RpcMessage
}
