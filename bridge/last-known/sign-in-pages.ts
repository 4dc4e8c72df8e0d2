import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { BridgeError, sentence, toFailure, type Failure } from '../../shared/errors.ts'
import { refusal } from '../gateway/guard.ts'
import { escaped, servePage } from '../page.ts'
import type { Clock } from '../ports.ts'
import type { SignInPages as PageAddresses } from './refusals.ts'

/** Where a person begins a sign-in that a client app asked for. */
export const signInPath = '/sign-in'

/** As much of a connection as its page shows and does. */
interface SignInSubject {
  readonly id: string
  readonly url: URL
  /** Whether it has a key of its own and nothing to sign in to. */
  readonly usesKey: boolean
  /** Gives the page of the authorization server, undefined where none is needed. */
  signIn(): { readonly page: Promise<URL | undefined>; readonly done: Promise<unknown> }
}

/** What the pages need from the bridge around them. */
export interface SignInPagesOptions {
  readonly find: (connection: string) => SignInSubject | undefined
  readonly origin: () => string
  readonly clock: Clock
}

/** The pages, as those who hand out their addresses and as the gateway see them. */
export interface SignInPages extends PageAddresses {
  handle(request: IncomingMessage, response: ServerResponse): Promise<void>
}

interface Ticket {
  readonly connection: string
  readonly until: number
  /** Those of the pages that were shown for it: only a page of ours can say one. */
  readonly tokens: Set<string>
}

/** How long an address of a page is good, in milliseconds, and how often its page may be shown. */
const ticketMs = 15 * 60_000
const mostTokens = 20

const mostBodyBytes = 4_096

/**
 * A page for each connection with one button, which starts its sign-in. Its address holds a ticket that no web page can know, and is good for one
 * sign-in; the button sends a token of the very page beside it. Nothing is started, and no address of an authorization server is made, before
 * the button is pressed.
 */
export function createSignInPages({ find, origin, clock }: SignInPagesOptions): SignInPages {
  const tickets = new Map<string, Ticket>()

  const ticketOf = (id: string | null): Ticket | undefined => {
    const ticket = tickets.get(id ?? '')
    return ticket && ticket.until > clock.now() ? ticket : undefined
  }

  function show(response: ServerResponse, id: string | null): void {
    const ticket = ticketOf(id)
    const subject = ticket && find(ticket.connection)
    if (!ticket || !subject || ticket.tokens.size >= mostTokens) return refuse(response)
    const token = randomBytes(16).toString('base64url')
    ticket.tokens.add(token)
    servePage(response, {
      status: 200,
      title: `Sign in to ${subject.id}`,
      content:
        `<p>A client app on this computer wants to use ${escaped(subject.url.host)}, which asks for a sign-in. ` +
        `Its page opens here when you go on.</p>` +
        `<form method="post" action="${signInPath}"><input type="hidden" name="ticket" value="${escaped(id ?? '')}">` +
        `<input type="hidden" name="token" value="${token}"><button>Sign in</button></form>`,
      // The button ends at the authorization server, which is not known before.
      formAction: "'self' https: http:",
      // Without a referrer at all, a browser says of the form that it comes from nowhere (Origin: null).
      referrerPolicy: 'same-origin',
    })
  }

  async function start(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { port } = new URL(origin())
    // Beyond the Host rule, which holds already: a form on a page of somebody else's must not press our button.
    const refused = refusal(request, Number(port || 80))
    if (refused) return refuse(response, refused)
    const form = new URLSearchParams(await readBody(request))
    const id = form.get('ticket')
    const ticket = ticketOf(id)
    const subject = ticket?.tokens.has(form.get('token') ?? '') ? find(ticket.connection) : undefined
    if (!subject) return refuse(response)
    tickets.delete(id ?? '')
    const page = await subject.signIn().page
    if (page) {
      response.writeHead(303, {
        location: page.href,
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
      })
      response.end()
      return
    }
    servePage(response, {
      status: 200,
      title: 'You are signed in',
      content: '<p>This server asks for nothing. You can close this window.</p>',
    })
  }

  return {
    urlFor(connection) {
      const subject = find(connection)
      if (!subject || subject.usesKey) return undefined
      for (const [id, { until }] of tickets) if (until <= clock.now()) tickets.delete(id)
      // One for all who ask meanwhile: it stands for one sign-in.
      const known = [...tickets].find(
        ([, ticket]) => ticket.connection === connection && ticket.tokens.size < mostTokens,
      )
      const id = known?.[0] ?? randomBytes(16).toString('base64url')
      if (!known) tickets.set(id, { connection, until: clock.now() + ticketMs, tokens: new Set() })
      return new URL(`${signInPath}?ticket=${id}`, origin())
    },
    async handle(request, response) {
      try {
        const query = new URL(request.url ?? '', origin()).searchParams
        if (request.method === 'GET') show(response, query.get('ticket'))
        else if (request.method === 'POST') await start(request, response)
        else refuse(response, { code: 'gateway.method_refused' }, 405)
      } catch (thrown) {
        refuse(response, toFailure(thrown))
      }
    },
  }
}

function refuse(
  response: ServerResponse,
  failure: Failure = { code: 'oauth.state_unknown' },
  status = 400,
): void {
  servePage(response, {
    status,
    title: 'You are not signed in',
    isFailure: true,
    // Without the detail, which may quote what a server said.
    content: `<p>${escaped(sentence({ code: failure.code }))}</p>`,
    ...(status === 405 ? { allow: 'GET, POST' } : {}),
  })
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length
    if (length > mostBodyBytes) throw new BridgeError('gateway.body_too_large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}
