import type { Failure } from '../../shared/errors.ts'
import { listKinds, type ListedItem } from './items.ts'

/** What a server has said of itself. */
export interface Greeting {
  /** The names of its capabilities; undefined where it did not say. */
  readonly capabilities: readonly string[] | undefined
  readonly instructions: string | undefined
}

/** How many lists and greetings are remembered, and how many bytes of lists, for all client apps together. */
const mostRemembered = 2_000
const mostBytes = 64 * 1024 * 1024

/**
 * What the servers have said last to each client app, so that the next process of an app has its lists at once. Nothing of it outlives the bridge.
 */
export class Memory {
  readonly #lists = new Map<string, { readonly items: readonly ListedItem[]; readonly bytes: number }>()
  readonly #greetings = new Map<string, Greeting>()
  readonly #failures = new Map<string, Failure>()

  list(owner: string, connection: string, method: string): readonly ListedItem[] | undefined {
    return this.#lists.get(keyOf(owner, connection, method))?.items
  }

  keepList(owner: string, connection: string, method: string, items: readonly ListedItem[]): void {
    const bytes = items.reduce((sum, item) => sum + item.bytes.length, 0)
    keep(this.#lists, keyOf(owner, connection, method), { items, bytes })
    let all = 0
    for (const [key, list] of [...this.#lists].toReversed()) {
      all += list.bytes
      if (all > mostBytes) this.#lists.delete(key)
    }
  }

  greeting(owner: string, connection: string): Greeting | undefined {
    return this.#greetings.get(keyOf(owner, connection, ''))
  }

  keepGreeting(owner: string, connection: string, greeting: Greeting): void {
    keep(this.#greetings, keyOf(owner, connection, ''), greeting)
  }

  /** Why one of the lists of a connection could not be had when it was last asked for. */
  failure(owner: string, connection: string): Failure | undefined {
    const keys = [...listKinds.keys()].map((method) => keyOf(owner, connection, method))
    return keys.map((key) => this.#failures.get(key)).find((failure) => failure)
  }

  keepFailure(owner: string, connection: string, method: string, failure: Failure | undefined): void {
    const key = keyOf(owner, connection, method)
    if (failure) keep(this.#failures, key, failure)
    else this.#failures.delete(key)
  }

  /** Forgets all of connections that there are no more: another one may get the id. */
  keepOnly(connections: readonly string[]): void {
    for (const known of [this.#lists, this.#greetings, this.#failures]) {
      for (const key of known.keys()) if (!connections.includes(connectionIn(key))) known.delete(key)
    }
  }
}

function keep<Value>(known: Map<string, Value>, key: string, value: Value): void {
  known.delete(key)
  known.set(key, value)
  const [oldest] = known.keys()
  if (known.size > mostRemembered && oldest !== undefined) known.delete(oldest)
}

/** The owner is last, since it is the one part that somebody else chose. */
function keyOf(owner: string, connection: string, method: string): string {
  return `${connection}\n${method}\n${owner}`
}

function connectionIn(key: string): string {
  return key.slice(0, key.indexOf('\n'))
}
