import { EventEmitter } from 'node:events'

/** Where messages from pages arrive. */
export const ipcMain = new EventEmitter()

/** The main process's end of a channel whose other end is in a page. */
export class MessagePortMain extends EventEmitter {
  #isStarted = false
  #isClosed = false
  readonly #early: unknown[] = []
  #outgoing: unknown[] = []
  #wake = (): void => undefined

  start(): void {
    this.#isStarted = true
    for (const data of this.#early.splice(0)) this.emit('message', { data, ports: [] })
  }

  postMessage(message: unknown): void {
    if (this.#isClosed) return
    this.#outgoing.push(structuredClone(message))
    this.#wake()
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#wake()
    this.emit('close')
  }

  /** A message came from the page. */
  receive(data: unknown): void {
    if (this.#isClosed) return
    if (this.#isStarted) this.emit('message', { data, ports: [] })
    else this.#early.push(data)
  }

  /** What the page gets next; undefined when the port is closed. */
  async next(): Promise<readonly unknown[] | undefined> {
    while (this.#outgoing.length === 0) {
      if (this.#isClosed) return undefined
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
    const messages = this.#outgoing
    this.#outgoing = []
    return messages
  }
}
