import type { CallEnd, PendingRequest } from '../channel/channel.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import type { Child } from './child.ts'
import type { Mapping } from './mapping.ts'
import type { Route } from './router.ts'

/** What calls tell. */
export interface CallsOwner {
  readonly mapping: Mapping
  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void
  dropped(request: RpcMessage): void
}

/** The requests of a client that one server each sees to. */
export class Calls {
  readonly #owner: CallsOwner
  readonly #calls = new Map<RpcMessage, { readonly child: Child; readonly sent: RpcMessage }>()

  constructor(owner: CallsOwner) {
    this.#owner = owner
  }

  get size(): number {
    return this.#calls.size
  }

  pending(): PendingRequest[] {
    const unsent = new Set(
      [...new Set([...this.#calls.values()].map(({ child }) => child))].flatMap((child) => child.unsent()),
    )
    return [...this.#calls].map(([request, { sent }]) =>
      isRepeatableMethod(request.method) || unsent.has(sent) ? { message: request } : { id: request.id },
    )
  }

  /** Makes a call at the server that it was found to be for. */
  make(request: RpcMessage, { child, request: sent, uri }: Route): void {
    const { mapping } = this.#owner
    if (uri && request.method === 'resources/subscribe') {
      mapping.subscribe(child.connection, uri.own, uri.client)
    } else if (uri && request.method === 'resources/unsubscribe') {
      mapping.unsubscribe(child.connection, uri.own)
    }
    this.#calls.set(request, { child, sent })
    child.ask(sent, {
      request,
      answered: (bytes, end) => {
        if (!this.#calls.delete(request)) return
        this.#owner.answer(request, mapping.answer(child.connection, bytes), end)
      },
      dropped: () => {
        if (this.#calls.delete(request)) this.#owner.dropped(request)
      },
    })
  }

  /** Cancels the calls that `isMeant` picks; the note says so in the client's words. */
  cancel(note: RpcMessage, isMeant: (request: RpcMessage) => boolean): void {
    for (const [request, { child, sent }] of this.#calls) if (isMeant(request)) child.cancel(sent, note)
  }

  /** Nobody waits any more. */
  clear(): void {
    this.#calls.clear()
  }
}
