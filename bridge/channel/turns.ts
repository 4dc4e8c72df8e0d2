import type { Call } from './call.ts'

/**
 * How many messages of one client are on their way at once. A client that reads none of its answers keeps a connection for each, and must leave
 * enough of them to others.
 */
export const mostAtOnce = 128

/** Lets the calls of one client begin in their order, so many at once. */
export class Turns {
  /** Those that have not begun. */
  #waiting: Call[] = []
  #begun = 0
  #isBeginning = false

  take(call: Call): void {
    if (this.#begun < mostAtOnce) this.#begin(call)
    else this.#waiting.push(call)
  }

  /** To be told of every call that is over. */
  left({ hasBegun }: Call): void {
    if (hasBegun) this.#begun--
    // A call that fails as it begins would come back here, once for each that waits.
    if (this.#waiting.length === 0 || this.#isBeginning) return
    this.#isBeginning = true
    while (this.#begun < mostAtOnce) {
      const next = this.#waiting.shift()
      if (!next) break
      if (next.isCancelled) next.abandon()
      else if (!next.isOver) this.#begin(next)
    }
    this.#isBeginning = false
  }

  /** Nobody has a turn any more. */
  clear(): void {
    this.#waiting = []
  }

  #begin(call: Call): void {
    this.#begun++
    call.begin()
  }
}
