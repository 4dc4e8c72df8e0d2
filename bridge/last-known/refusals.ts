import { randomUUID } from 'node:crypto'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, ChannelClient } from '../channel/channel.ts'
import { errorAnswer, urlElicitationRequired } from '../channel/error-messages.ts'
import { findParams, isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { absenceIn, explain, isMendedBySignIn } from './absence.ts'
import { record } from './lessons.ts'
import { failedCall, inputGiven, inputRequired, isModern } from './stand-in.ts'

/** Pages of ours on which a person begins a sign-in with a click. */
export interface SignInPages {
  /** The page for a connection; undefined where a sign-in is not what it needs. */
  urlFor(connection: string): URL | undefined
}

type Say = (bytes: Buffer, end: CallEnd) => void

interface Held {
  readonly say: Say
  readonly failure: Failure
  readonly timer: NodeJS.Timeout
}

/** The requests that a server may answer with a wish for input, and that are refused with words here. */
const refusable: ReadonlySet<string | undefined> = new Set(['tools/call', 'prompts/get', 'resources/read'])

/** How long a call whose person went to the page waits for the end of the sign-in, in milliseconds: shorter than clients usually wait. */
const holdMs = 50_000

/** How many pages of one client are remembered, to say that they are not needed any more. */
const mostElicitations = 100

/**
 * Refuses the calls of one client because a person must sign in, in the best way that the client has: with a page of ours, where it can show
 * one, else with words in the result. It opens no browser, and the page begins a sign-in with a click alone.
 *
 * The specification wants no URL elicitation for signing in to the server itself. Here the server is the bridge, which the client app
 * is let in to already, and what is signed in to is a third party of it.
 * @see [MCP 2025-11-25, URL Mode Elicitation for OAuth Flows](https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#url-mode-elicitation-for-oauth-flows)
 */
export class Refusals {
  /** Whether a client of the older era can show pages; one of the current revision says so with every request. */
  canOpenPages = false
  readonly #connection: string
  readonly #pages: SignInPages
  readonly #client: ChannelClient
  readonly #held = new Map<RpcMessage, Held>()
  /** By the address of a page, the id that the client knows it by. */
  readonly #elicitations = new Map<string, string>()

  constructor(connection: string, pages: SignInPages, client: ChannelClient) {
    this.#connection = connection
    this.#pages = pages
    this.#client = client
  }

  /** How many requests wait here. */
  get size(): number {
    return this.#held.size
  }

  get held(): readonly RpcMessage[] {
    return [...this.#held.keys()]
  }

  /** A client of the older era begins. */
  begin(initialize: RpcMessage): void {
    const { bytes, paramsPlace } = initialize
    const params =
      paramsPlace && record(JSON.parse(bytes.toString('utf8', paramsPlace.start, paramsPlace.end)))
    const { protocolVersion, capabilities } = params ?? {}
    // Earlier revisions had elicitation without pages.
    const isRecent = typeof protocolVersion === 'string' && protocolVersion >= '2025-11-25'
    this.canOpenPages = isRecent && showsPages(capabilities)
  }

  /** Refuses a request; false where that is not to be done here. */
  refuse(request: RpcMessage, failure: Failure, say: Say): boolean {
    const isForPerson = absenceIn(failure) === 'person' || failure.code === 'step_up.needed'
    if (!isForPerson || !refusable.has(request.method)) return false
    const isOfModern = isModern(request)
    const canOpen = isOfModern ? showsPages(capabilitiesIn(request)) : this.canOpenPages
    const url = canOpen && isMendedBySignIn(failure) ? this.#pages.urlFor(this.#connection) : undefined
    if (!url) this.#refusePlainly(request, failure, say)
    else if (isOfModern) this.#askForInput(request, url, failure, say)
    else this.#pointAt(request, url, failure, say)
    return true
  }

  /** Gives back what waited for the sign-in, which is over. */
  release(): RpcMessage[] {
    for (const id of this.#elicitations.values()) {
      const params = JSON.stringify({ elicitationId: id })
      const text = `{"jsonrpc":"2.0","method":"notifications/elicitation/complete","params":${params}}`
      this.#client.pass(readMessage(Buffer.from(text)) as RpcMessage)
    }
    this.#elicitations.clear()
    const requests = this.held
    this.close()
    return [...requests]
  }

  /** Gives back the request that waits with this id, because its client cancelled it. */
  cancel(id: string): RpcMessage | undefined {
    const request = this.held.find((one) => isSameId(one.id, id))
    if (request) this.#letGo(request)
    return request
  }

  /** Lets go of what waits. */
  close(): void {
    for (const request of this.held) this.#letGo(request)
  }

  #letGo(request: RpcMessage): Held | undefined {
    const held = this.#held.get(request)
    clearTimeout(held?.timer)
    this.#held.delete(request)
    return held
  }

  #refusePlainly(request: RpcMessage, failure: Failure, say: Say): void {
    const isCall = request.method === 'tools/call'
    const text = explain(this.#connection, failure)
    say(isCall ? failedCall(request, text, failure) : errorAnswer(request.id, failure), { failure })
  }

  #askForInput(request: RpcMessage, url: URL, failure: Failure, say: Say): void {
    const given = inputGiven(request)
    if (given === undefined) {
      say(inputRequired(request, url, explain(this.#connection, failure)), { failure })
    } else if (given === 'accept') {
      const timer = setTimeout(() => {
        this.#letGo(request)
        this.#refusePlainly(request, failure, say)
      }, holdMs)
      this.#held.set(request, { say, failure, timer })
    } else this.#refusePlainly(request, failure, say)
  }

  #pointAt(request: RpcMessage, url: URL, failure: Failure, say: Say): void {
    const id = this.#elicitations.get(url.href) ?? randomUUID()
    if (this.#elicitations.size < mostElicitations) this.#elicitations.set(url.href, id)
    const message = explain(this.#connection, failure)
    say(urlElicitationRequired(request.id, { id, url: url.href, message }), { failure })
  }
}

/** Whether a client with these capabilities can show a page. */
function showsPages(capabilities: unknown): boolean {
  return record(record(capabilities)['elicitation'])['url'] !== undefined
}

function capabilitiesIn(request: RpcMessage): unknown {
  const place = findParams(request, ['_meta'])?.[0]
  const meta = place && record(JSON.parse(request.bytes.toString('utf8', place.start, place.end)))
  return meta?.['io.modelcontextprotocol/clientCapabilities']
}
