import { useSyncExternalStore } from 'react'
import type { ConnectionId } from '../../shared/connection.ts'
import type { Failure } from '../../shared/errors.ts'
import { failureOf } from '../bridge/failure.ts'
import type { BridgeClient } from '../bridge/client.ts'

/** A sign-in as this window follows it. */
export interface SignInState {
  /** Where the person signs in, once it is known. */
  readonly url?: string
  readonly failure?: Failure
}

/** Opens a page outside of this window. */
export type OpenPage = (url: URL) => void

const idle: SignInState = {}

/** The sign-ins that this window began or joined. One that is under way goes on in the bridge, whatever becomes of the window. */
export class SignIns {
  readonly #bridge: BridgeClient
  readonly #openPage: OpenPage
  readonly #ended: (id: ConnectionId) => void
  readonly #states = new Map<ConnectionId, SignInState>()
  readonly #following = new Map<ConnectionId, AbortController>()
  readonly #listeners = new Set<() => void>()

  /** `ended` is told of every sign-in that is over, when all that it left behind can be read. */
  constructor(bridge: BridgeClient, openPage: OpenPage, ended: (id: ConnectionId) => void) {
    this.#bridge = bridge
    this.#openPage = openPage
    this.#ended = ended
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => void this.#listeners.delete(listener)
  }

  stateOf(id: ConnectionId): SignInState {
    return this.#states.get(id) ?? idle
  }

  /** Begins a sign-in, with exactly these scopes where they are given, and opens the browser. It must come from a click. */
  begin(id: ConnectionId, scopes?: readonly string[]): void {
    this.#following.get(id)?.abort()
    this.#follow(id, scopes, true)
  }

  /** Follows the sign-in that is under way already, without opening anything. */
  join(id: ConnectionId): void {
    if (!this.#following.has(id)) this.#follow(id, undefined, false)
  }

  openAgain(id: ConnectionId): void {
    const { url } = this.stateOf(id)
    if (url !== undefined) this.#openPage(new URL(url))
  }

  close(): void {
    for (const following of this.#following.values()) following.abort()
  }

  #follow(id: ConnectionId, scopes: readonly string[] | undefined, opens: boolean): void {
    const following = new AbortController()
    this.#following.set(id, following)
    this.#set(id, idle)
    void this.#run(id, scopes, opens, following.signal).finally(() => {
      if (this.#following.get(id) === following) this.#following.delete(id)
    })
  }

  async #run(
    id: ConnectionId,
    scopes: readonly string[] | undefined,
    opens: boolean,
    signal: AbortSignal,
  ): Promise<void> {
    const wish = { id, openBrowser: false, ...(scopes ? { scopes: [...scopes] } : {}) }
    try {
      for await (const event of await this.#bridge.connections.signIn(wish, { signal })) {
        if (event.event === 'authorize') {
          this.#set(id, { url: event.url })
          if (opens) this.#openPage(new URL(event.url))
        } else if (event.event === 'failed') {
          const { code, detail } = event
          this.#set(id, { failure: { code, ...(detail === undefined ? {} : { detail }) } })
        } else this.#set(id, idle)
      }
      this.#ended(id)
    } catch (thrown) {
      if (!signal.aborted) this.#set(id, { failure: failureOf(thrown) })
    }
  }

  #set(id: ConnectionId, state: SignInState): void {
    this.#states.set(id, state)
    for (const listener of this.#listeners) listener()
  }
}

/** The sign-in of a connection, as it goes on. */
export function useSignIn(signIns: SignIns, id: ConnectionId): SignInState {
  return useSyncExternalStore(signIns.subscribe, () => signIns.stateOf(id))
}
