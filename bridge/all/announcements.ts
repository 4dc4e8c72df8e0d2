import type { Clock } from '../ports.ts'

/** How long changes are collected before the client is told, in milliseconds: a server that starts anew changes all of its lists. */
const collectMs = 50

/** Tells of changes, each kind once for however many come together. */
export class Announcements {
  readonly #clock: Clock
  readonly #tell: (changed: string) => void
  readonly #planned = new Set<string>()
  #cancel: (() => void) | undefined

  constructor(clock: Clock, tell: (changed: string) => void) {
    this.#clock = clock
    this.#tell = tell
  }

  /** Plans the notification of this method. */
  plan(changed: string): void {
    this.#planned.add(changed)
    this.#cancel ??= this.#clock.after(collectMs, () => {
      this.#cancel = undefined
      const planned = [...this.#planned]
      this.#planned.clear()
      for (const one of planned) this.#tell(one)
    })
  }

  close(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

/** Calls `run` at the end of this turn, once for however often it was asked for. */
export function onceSoon(run: () => void): () => void {
  let isPlanned = false
  return () => {
    if (isPlanned) return
    isPlanned = true
    queueMicrotask(() => {
      isPlanned = false
      run()
    })
  }
}
