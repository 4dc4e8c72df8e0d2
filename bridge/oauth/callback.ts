import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BridgeError, sentence, toFailure, type Failure } from '../../shared/errors.ts'

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

const style = `
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;margin:0;min-height:100vh;display:grid;place-items:center;background:#f6f5f1;color:#1d1c1a}
main{max-width:26rem;padding:2rem}
h1{font-size:1.25rem;margin:0 0 .5rem}
h1::before{content:"";display:inline-block;width:.6em;height:.6em;border-radius:50%;margin-right:.5em;background:#126b58}
.failed h1::before{background:#9a5b00;border-radius:1px}
p{margin:0;color:#5d5a55}
@media(prefers-color-scheme:dark){body{background:#1b1a18;color:#f0eee9}p{color:#a9a59e}}`

const styleHash = createHash('sha256').update(style).digest('base64')

function answer(response: ServerResponse, status: number, failure: Failure | undefined): void {
  const title = failure ? 'You are not signed in' : 'You are signed in'
  // Without the detail: it may quote the response, and nothing of a response is shown in this origin.
  const text = failure
    ? sentence({ code: failure.code })
    : 'You can close this window and go back to where you came from.'
  response.writeHead(status, {
    'content-type': 'text/html; charset=utf-8',
    // The address of this page holds the code: it must not be kept, framed or passed on.
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': `default-src 'none'; style-src 'sha256-${styleHash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'`,
    'x-content-type-options': 'nosniff',
    ...(status === 405 ? { allow: 'GET' } : {}),
  })
  response.end(
    `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>${title} - Bridgekeeper</title>` +
      `<meta name="viewport" content="width=device-width"><style>${style}</style></head>` +
      `<body><main${failure ? ' class="failed"' : ''}><h1>${title}</h1><p>${escaped(text)}</p></main></body></html>`,
  )
}

function escaped(text: string): string {
  return text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`)
}
