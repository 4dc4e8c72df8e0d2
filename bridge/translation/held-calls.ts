import { randomBytes } from 'node:crypto'
import type { RpcMessage } from '../channel/rpc-message.ts'
import type { ModernCall } from './modern-call.ts'
import { json, withMembers } from './splice.ts'

/** How long a client may take to gather input, in milliseconds, and for how many calls at once. */
const holdMs = 10 * 60 * 1000
const mostHeld = 64

/**
 * Calls that wait at the server until their client comes back with input. What names one is random and works once, for the client that it
 * was given to.
 * @see [MCP 2026-07-28, Server Requirements](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr#server-requirements-basic-workflow)
 */
export class HeldCalls {
  readonly #held = new Map<string, { readonly call: ModernCall; readonly timer: NodeJS.Timeout }>()
  readonly #abandon: (call: ModernCall) => void

  /** `abandon` ends a call that nobody came back for. */
  constructor(abandon: (call: ModernCall) => void) {
    this.#abandon = abandon
  }

  /** Holds a call and gives the result that asks its client for input. */
  hold(call: ModernCall): Buffer {
    const [oldest] = this.#held
    if (oldest && this.#held.size >= mostHeld) this.#expire(oldest[0])
    const state = randomBytes(24).toString('base64url')
    const timer = setTimeout(() => this.#expire(state), holdMs).unref()
    this.#held.set(state, { call, timer })
    return withMembers(Buffer.alloc(0), undefined, {
      resultType: json('input_required'),
      inputRequests: call.takeQuestions(),
      requestState: json(state),
    })
  }

  /** The call that this request brings input for. */
  take(state: string, request: RpcMessage): ModernCall | undefined {
    const held = this.#held.get(state)
    if (!held?.call.isFor(request)) return undefined
    clearTimeout(held.timer)
    this.#held.delete(state)
    return held.call
  }

  #expire(state: string): void {
    const held = this.#held.get(state)
    if (!held) return
    clearTimeout(held.timer)
    this.#held.delete(state)
    this.#abandon(held.call)
  }

  close(): void {
    for (const { timer } of this.#held.values()) clearTimeout(timer)
    this.#held.clear()
  }
}
