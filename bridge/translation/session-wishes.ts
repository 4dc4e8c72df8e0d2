import type { RpcMessage } from '../channel/rpc-message.ts'
import { json, requestOf } from './splice.ts'
import { levels } from './vocabulary.ts'

export interface SessionWishesOptions {
  readonly nextId: () => string
  take(message: RpcMessage): void
  /** Whether the server logs at all. */
  canLog(): boolean
}

/** What one session wants of its server on behalf of all its calls and streams: the log level, and news of resources. */
export class SessionWishes {
  /** The severity from which the server logs; undefined where it was never told. */
  level: number | undefined
  readonly #options: SessionWishesOptions
  readonly #asked = new Map<RpcMessage, (isDone: boolean) => void>()
  readonly #subscriptions = new Map<string, { count: number; readonly isDone: Promise<boolean> }>()
  #levelSet: Promise<unknown> | undefined

  constructor(options: SessionWishesOptions) {
    this.#options = options
  }

  /** Whether this was the answer to a request of ours. */
  answered(request: RpcMessage, isDone: boolean): boolean {
    const settle = this.#asked.get(request)
    this.#asked.delete(request)
    settle?.(isDone)
    return settle !== undefined
  }

  /** Sees to it that the server says what is as severe as this, and resolves when it has been told; undefined where there is nothing to wait for. */
  raiseLevel(severity: number): Promise<unknown> | undefined {
    if (!this.#options.canLog()) return undefined
    if (this.level !== undefined && severity >= this.level) return this.#levelSet
    this.level = severity
    const set = this.#ask('logging/setLevel', { level: levels[severity] }).then(() => {
      if (this.#levelSet === set) this.#levelSet = undefined
    })
    this.#levelSet = set
    return set
  }

  /** Resolves with whether the server will tell of this resource. */
  subscribe(uri: string): Promise<boolean> {
    const known = this.#subscriptions.get(uri)
    if (known) {
      known.count++
      return known.isDone
    }
    const isDone = this.#ask('resources/subscribe', { uri })
    this.#subscriptions.set(uri, { count: 1, isDone })
    return isDone
  }

  unsubscribe(uri: string): void {
    const known = this.#subscriptions.get(uri)
    if (!known || --known.count > 0) return
    this.#subscriptions.delete(uri)
    void this.#ask('resources/unsubscribe', { uri })
  }

  #ask(method: string, params: object): Promise<boolean> {
    const request = requestOf(this.#options.nextId(), method, json(params))
    return new Promise((resolve) => {
      this.#asked.set(request, resolve)
      this.#options.take(request)
    })
  }
}
