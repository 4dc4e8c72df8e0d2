import type { IncomingMessage, ServerResponse } from 'node:http'
import { BridgeError, sentence, toFailure, type Failure } from '../../shared/errors.ts'
import { escaped, servePage } from '../page.ts'

/** Where every sign-in ends, on the bridge's own port. */
export const callbackPath = '/oauth/callback'

/** Takes the parameters of an authorization response; resolves when the sign-in is finished, rejects with why it failed. */
type CallbackReceiver = (parameters: URLSearchParams) => Promise<void>

/** All sign-ins that wait for the browser, told apart by `state`. */
export interface Callbacks {
  /** Waits for the answer with this `state`. The returned function stops waiting. */
  expect(state: string, receive: CallbackReceiver): () => void
  /** Answers the browser. The page says how the sign-in ended, once that is known. */
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
  /** Takes the address of the callback as text, for a browser on another machine. Rejects with why it failed. */
  deliver(address: string, state: string): Promise<void>
}

/**
 * The receiving end of authorization responses. A `state` is good for one answer: it is forgotten before the answer is looked at,
 * so that no second answer can race the first.
 * @see [RFC 6749 §4.1.2](https://www.rfc-editor.org/rfc/rfc6749.html#section-4.1.2), §10.12
 */
export function createCallbacks(): Callbacks {
  const waiting = new Map<string, CallbackReceiver>()

  const receive = async (parameters: URLSearchParams): Promise<void> => {
    const states = parameters.getAll('state')
    const state = states.length === 1 ? states[0] : undefined
    const receiver = state === undefined ? undefined : waiting.get(state)
    if (state === undefined || !receiver) throw new BridgeError('oauth.state_unknown')
    waiting.delete(state)
    await receiver(parameters)
  }

  return {
    expect(state, receiver) {
      waiting.set(state, receiver)
      return () => void waiting.delete(state)
    },
    async handle(request, response) {
      if (request.method !== 'GET') return answer(response, 405, { code: 'gateway.method_refused' })
      const query = request.url?.indexOf('?') ?? -1
      try {
        await receive(new URLSearchParams(query < 0 ? '' : request.url?.slice(query + 1)))
        answer(response, 200, undefined)
      } catch (thrown) {
        answer(response, 400, toFailure(thrown))
      }
    },
    async deliver(address, state) {
      const parameters = parametersOf(address)
      if (parameters.get('state') !== state) throw new BridgeError('oauth.state_unknown')
      await receive(parameters)
    },
  }
}

function parametersOf(address: string): URLSearchParams {
  let url: URL
  try {
    url = new URL(address.trim())
  } catch {
    throw new BridgeError('oauth.callback_invalid')
  }
  if (url.pathname !== callbackPath) throw new BridgeError('oauth.callback_invalid')
  return url.searchParams
}

function answer(response: ServerResponse, status: number, failure: Failure | undefined): void {
  // Without the detail: it may quote the response, and nothing of a response is shown in this origin.
  const text = failure
    ? sentence({ code: failure.code })
    : 'You can close this window and go back to where you came from.'
  servePage(response, {
    status,
    title: failure ? 'You are not signed in' : 'You are signed in',
    isFailure: failure !== undefined,
    content: `<p>${escaped(text)}</p>`,
    ...(status === 405 ? { allow: 'GET' } : {}),
  })
}
