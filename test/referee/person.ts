import type { ControlClient } from '../../bridge/control/client.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import { createPretendBrowser } from '../support/browser.ts'

/** Who sits before the bridge: clicks Connect and lets the browser follow where it is sent. */
export interface Person {
  /** Clicks Connect and resolves when the sign-in is done. Rejects with the bridge's error. */
  signIn(): Promise<void>
  /** Resolves when the bridge has said that a new sign-in is needed. */
  readonly isAskedToSignIn: Promise<void>
  /** Stops watching the bridge's events. */
  leave(): void
}

/**
 * A person who clicks Connect whenever the bridge says that a call asks for more scopes, for ever: what ends a loop must be the bridge.
 */
export async function seatPerson(control: ControlClient, id: ConnectionId): Promise<Person> {
  const left = new AbortController()
  const events = await control.events({}, { signal: left.signal })
  let hear!: () => void
  const isAskedToSignIn = new Promise<void>((resolve) => (hear = resolve))

  async function signIn(): Promise<void> {
    for await (const event of await control.connections.signIn({ id, openBrowser: false })) {
      if (event.event === 'failed') throw new BridgeError(event.code, event.detail)
      // Not waited for: how it ended is for the bridge to say.
      if (event.event === 'authorize') void visit(event.url)
    }
  }

  async function visit(page: string): Promise<void> {
    const isBack = await createPretendBrowser()
      .visit(page)
      .then(({ url }) => url.pathname === '/oauth/callback')
      .catch(() => false)
    // The server showed an error page of its own; a person gives up.
    if (!isBack) await control.connections.cancelSignIn({ id })
  }

  async function watch(): Promise<void> {
    for await (const event of events) {
      if (event.event === 'sign-in-needed') hear()
      // A sign-in that fails ends the held call with its reason, which the client then shows.
      if (event.event === 'step-up-asked') await signIn().catch(() => undefined)
    }
  }

  watch().catch(() => undefined)
  return { signIn, isAskedToSignIn, leave: () => left.abort() }
}
