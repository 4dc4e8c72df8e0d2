import type { Connection, ConnectionId } from '../../../shared/connection.ts'
import { BridgeError } from '../../../shared/errors.ts'
import type { SignInEvent } from '../../../shared/events.ts'
import type { ControlClient } from '../../control/client.ts'
import { accessPhrase, stepUpPhrase } from '../describe.ts'
import type { Face } from '../face.ts'
import { parseId, parseScopes } from '../parse.ts'
import { opensPage } from '../open-page.ts'
import { text } from '../text.ts'

/** The options of `connect` as typed. */
export interface ConnectOptions {
  readonly scope?: string[]
  readonly browser: boolean
  readonly callbackUrl?: string
}

/** How long a cancelled sign-in may take to say so, in milliseconds. */
const CANCEL_LIMIT = 3000

/** Signs in and says how it goes. Ctrl-C cancels the sign-in; a reader of the output that goes away leaves it pending. */
export async function connect(face: Face, typedId: string, options: ConnectOptions): Promise<void> {
  const id = parseId(typedId)
  const scopes = parseScopes(options.scope)
  const control = await face.control()
  if (options.callbackUrl !== undefined) {
    const connection = await control.connections.finishSignIn({ id, callbackUrl: options.callbackUrl })
    say(face, { event: 'connected', connection })
    return
  }
  if (!face.terminal.json) await announce(face, await control.connections.get({ id }))
  await signIn(face, control, { id, scopes }, options.browser)
}

/** One sign-in, with what it says on the way. Rejects with what it fails for; Ctrl-C cancels it. */
export async function signIn(
  face: Face,
  control: ControlClient,
  request: { id: ConnectionId; scopes: string[] | undefined },
  browser: boolean,
): Promise<void> {
  const giveUp = new AbortController()
  const interrupted = face.interruption()
  interrupted.addEventListener('abort', () => {
    const limit = { signal: AbortSignal.timeout(CANCEL_LIMIT) }
    // Whatever becomes of it, the command ends now.
    const cancelled = control.connections.cancelSignIn({ id: request.id }, limit).catch(() => undefined)
    void cancelled.then(() => giveUp.abort())
  })
  const left = AbortSignal.any([giveUp.signal, face.terminal.closed])
  try {
    const events = await control.connections.signIn({ ...request, openBrowser: false }, { signal: left })
    for await (const event of events) {
      if (event.event === 'failed') throw new BridgeError(event.code, event.detail)
      if (event.event === 'connected') return say(face, event)
      const opened = browser && (await opensPage(face, control, event.url))
      say(face, { ...event, opened })
      explain(face, request.id, opened)
    }
  } catch (thrown) {
    if (interrupted.aborted) throw new BridgeError('oauth.cancelled')
    if (left.aborted) return
    throw thrown
  }
  throw new BridgeError('bridge.unreachable', 'it ended during the sign-in, which may still be pending')
}

async function announce({ terminal }: Face, { id, stepUp }: Connection): Promise<void> {
  if (!stepUp) return
  terminal.line(text`${id} is asked for more: ${stepUpPhrase(stepUp, Date.now())}`)
}

function say({ terminal }: Face, event: Exclude<SignInEvent, { event: 'failed' }>): void {
  terminal.answer(event, () => {
    if (event.event === 'authorize') {
      return event.opened
        ? [text`The browser opens for the sign-in. If it does not, open this address:`, text`  ${event.url}`]
        : [text`Open this address in a browser to sign in:`, text`  ${event.url}`]
    }
    const { connection } = event
    const account = connection.account ? ` as ${connection.account}` : ''
    const scopes = connection.scopes.granted.join(' ')
    return [
      text`Connected: ${connection.id}${account}`,
      ...(scopes ? [text`  scopes  ${scopes}`] : []),
      text`  access  ${accessPhrase(connection, Date.now())}`,
    ]
  })
}

function explain({ terminal }: Face, id: ConnectionId, opened: boolean): void {
  terminal.note(text`Waiting for you to finish it there; Ctrl-C cancels it.`)
  if (opened) return
  terminal.note(
    text`If that browser is on another machine, it ends at an address that does not load. Give it in another terminal:`,
  )
  terminal.note(text`  bridgekeeper connect ${id} --callback-url 'ADDRESS'`)
}
