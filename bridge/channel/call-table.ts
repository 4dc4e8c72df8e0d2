import type { RpcMessage } from './rpc-message.ts'

/** How many ids are remembered of requests that are over. */
const mostFinished = 128

/**
 * Requests under way whose answers come on one stream, so that ids alone tell them apart. Ids are compared by value, as `isSameId` does; of
 * several requests with one id, the one with the same spelling is meant, else the oldest.
 */
export class CallTable<Call extends { readonly request: RpcMessage }> {
  readonly #byId = new Map<string, Call[]>()
  readonly #finished: string[] = []
  #nextFinished = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  add(call: Call): void {
    const key = keyOf(call.request.id)
    const same = this.#byId.get(key)
    if (same) same.push(call)
    else this.#byId.set(key, [call])
    this.#size++
  }

  find(id: string | undefined): Call | undefined {
    const same = this.#byId.get(keyOf(id))
    return same?.find(({ request }) => request.id === id) ?? same?.[0]
  }

  remove(call: Call): void {
    const key = keyOf(call.request.id)
    const same = this.#byId.get(key)
    const index = same?.indexOf(call) ?? -1
    if (!same || index < 0) return
    same.splice(index, 1)
    if (same.length === 0) this.#byId.delete(key)
    this.#size--
    this.#finished[this.#nextFinished] = key
    this.#nextFinished = (this.#nextFinished + 1) % mostFinished
  }

  /** Whether a request with this id was under way not long ago. */
  hasFinished(id: string | undefined): boolean {
    return this.#finished.includes(keyOf(id))
  }

  all(): Call[] {
    return [...this.#byId.values()].flat()
  }
}

/** One text for all spellings of an id. */
export function keyOf(id: string | undefined): string {
  if (id === undefined || /^(?:0|-?[1-9]\d{0,14}|"[^"\\]*")$/.test(id)) return id ?? ''
  const value = JSON.parse(Buffer.from(id, 'latin1').toString()) as unknown
  const text = typeof value === 'number' ? String(value) : JSON.stringify(value)
  return Buffer.from(text).toString('latin1')
}
