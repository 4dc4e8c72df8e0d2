import type { Failure } from '../../shared/errors.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import { Child, type ChildOptions } from './child.ts'
import type { Handshake } from './era.ts'
import type { Memory } from './memory.ts'

/** What children are opened with. */
export interface ChildrenOptions extends Pick<ChildOptions, 'pass' | 'sessionChanged' | 'greeted'> {
  readonly client: string
  readonly memory: Memory
  connections(): readonly string[]
  open(connection: string, client: ChannelClient): Channel | Failure
}

/** The connections that a client may use, each opened when it is first asked for something. */
export class Children {
  readonly #options: ChildrenOptions
  readonly #children = new Map<string, Child>()
  #connections: readonly string[]
  #handshake: Handshake | undefined
  #isPaused = false

  constructor(options: ChildrenOptions) {
    this.#options = options
    this.#connections = options.connections()
  }

  get connections(): readonly string[] {
    return this.#connections
  }

  /** One that the client may use. */
  get(connection: string): Child | undefined {
    if (!this.#connections.includes(connection)) return undefined
    const known = this.#children.get(connection)
    if (known) return known
    const options = this.#options
    const { client, memory } = options
    const child = new Child({
      connection,
      client,
      handshake: this.#handshake,
      open: (own) => options.open(connection, own),
      pass: (...message) => options.pass(...message),
      sessionChanged: () => options.sessionChanged(),
      greeted: (one) => options.greeted(one),
    })
    child.greeting = memory.greeting(client, connection)
    if (this.#isPaused) child.pause()
    this.#children.set(connection, child)
    return child
  }

  all(): Child[] {
    return this.#connections.flatMap((connection) => this.get(connection) ?? [])
  }

  /** Those that have been asked for something. */
  opened(): Child[] {
    return [...this.#children.values()]
  }

  /** Begins anew, with a client of the older era or of the current one. */
  begin(handshake: Handshake | undefined): Child[] {
    const before = this.opened()
    this.#children.clear()
    this.#handshake = handshake
    return before
  }

  /** Looks which connections there are now, and gives those that the client may not use any more. Whether there are others is in `isChanged`. */
  refresh(): { readonly gone: readonly Child[]; readonly isChanged: boolean } {
    const before = this.#connections
    const now = this.#options.connections()
    this.#connections = now
    const gone = this.opened().filter(({ connection }) => !now.includes(connection))
    for (const { connection } of gone) this.#children.delete(connection)
    const isChanged = now.length !== before.length || now.some((connection) => !before.includes(connection))
    return { gone, isChanged }
  }

  /** Those that a person has mended since they were last tried; each is given once. */
  recovered(troubleOf: (connection: string) => Failure | undefined): readonly Child[] {
    const recovered = this.opened().filter(
      ({ connection, needsPerson }) => needsPerson && !troubleOf(connection),
    )
    for (const child of recovered) child.failure = undefined
    return recovered
  }

  pause(): void {
    this.#isPaused = true
    for (const child of this.opened()) child.pause()
  }

  resume(): void {
    this.#isPaused = false
    for (const child of this.opened()) child.resume()
  }
}
