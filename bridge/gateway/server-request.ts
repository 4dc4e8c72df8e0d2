import type { ClientRequest, IncomingMessage } from 'node:http'
import { toFailure, type Failure } from '../../shared/errors.ts'
import type { CallOrigin, Credentials, Upstream } from '../connections/upstream.ts'
import type { Log } from '../ports.ts'
import {
  isPassable,
  pageFailure,
  redirectFailure,
  redirects,
  redirectTarget,
  refusesToken,
  type AnswerHead,
} from './answer-rules.ts'
import { endReason } from './in-flight.ts'
import type { RequestBody } from './request-body.ts'
import { discardAnswer, networkFailure, type Sockets, type Target } from './sockets.ts'

/** What is asked of a server, by whom, and who gets the outcome: one call of `answered` or of `failed`. */
export interface Question {
  readonly upstream: Upstream
  /** Where to, if not to the MCP endpoint: of the same origin, since the credentials go there. */
  readonly url?: URL | undefined
  readonly method: string
  readonly body: RequestBody
  /** The header fields of one try: name, value, name, value … */
  headers(credentials: Credentials, host: string): string[]
  /** Whether a second time does no harm. */
  isRepeatable(): boolean
  /** For the person who is asked to allow more scopes. */
  origin(): CallOrigin
  /** The last word of the server, which is no page for people; its body is still to be read. */
  answered(answer: IncomingMessage, head: AnswerHead): void
  /** `status`: what the server answered, where that means more than the failure alone. */
  failed(failure: Failure, status?: number): void
}

/** What all requests to servers share. */
export interface RequestSurroundings {
  readonly sockets: Sockets
  readonly log: Log
}

const unpassable: Failure = { code: 'server.failed', detail: 'its answer cannot be passed on' }

/** How often one request may be redirected, and one call be asked for more scopes. */
const mostHops = 2
const mostStepUps = 3

/**
 * One request to a server until its answer begins, with everything between that the asker need not know: credentials, one retry after a
 * refused token, the wait for more scopes, redirects, and a connection that had died while it was idle.
 */
export class ServerRequest {
  readonly #question: Question
  readonly #around: RequestSurroundings
  readonly #access: AbortSignal
  #target: Target
  #credentials: Credentials | undefined
  #outgoing: ClientRequest | undefined
  #hold: AbortController | undefined
  #isOver = false
  #isRenewed = false
  #hops = 0
  #stepUps = 0

  constructor(question: Question, around: RequestSurroundings) {
    this.#question = question
    this.#around = around
    this.#target = around.sockets.target(question.url ?? question.upstream.url)
    this.#access = question.upstream.ended
  }

  send(): void {
    this.#obtain(() => this.#question.upstream.credentials())
  }

  /** Lets go of the server's side, also when its answer has begun, and of a hold. Nothing is told any more. */
  abandon(): void {
    this.#isOver = true
    this.#outgoing?.destroy()
    this.#hold?.abort()
  }

  /** Asks with the credentials that `ask` gives: at once where they come without a promise, as they do in nearly every call. */
  #obtain(ask: () => Credentials | Promise<Credentials>): void {
    try {
      const credentials = ask()
      if (!(credentials instanceof Promise)) return this.#send(credentials)
      credentials.then(
        (later) => this.#send(later),
        (thrown: unknown) => this.#fail(thrown),
      )
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #send(credentials: Credentials): void {
    if (this.#isOver) return
    if (this.#access.aborted) return this.#end(endReason(this.#access))
    this.#credentials = credentials
    const question = this.#question
    try {
      const outgoing = this.#target.request(question.method, question.headers(credentials, this.#target.host))
      this.#outgoing = outgoing
      // An earlier try may still have something to say; it does not count any more.
      outgoing.on('response', (answer) => {
        if (this.#outgoing !== outgoing || this.#isOver) return
        try {
          this.#receive(answer)
        } catch (thrown) {
          this.#fail(thrown)
        }
      })
      outgoing.on('error', (error) => {
        if (this.#outgoing === outgoing) this.#lose(networkFailure(error))
      })
      // Some ends come without an error, such as a change of protocol that nobody asked for.
      outgoing.on('close', () => {
        if (this.#outgoing === outgoing) this.#lose({ code: 'gateway.stream_cut' })
      })
      sendBody(outgoing, question.body)
    } catch (thrown) {
      this.#fail(thrown)
    }
  }

  #receive(answer: IncomingMessage): void {
    const { statusCode: status = 0, headers } = answer
    const head: AnswerHead = { status, headers }
    const { upstream } = this.#question
    if (status === 200 || status === 202) return this.#answered(answer, head)
    if (refusesToken(head)) return this.#renew(answer)
    const challenge = headers['www-authenticate']
    if (challenge !== undefined && upstream.asksStepUp(status, challenge)) {
      return this.#askForMore(answer, challenge)
    }
    if (redirects(head)) return this.#follow(answer, head)
    this.#answered(answer, head)
  }

  #answered(answer: IncomingMessage, head: AnswerHead): void {
    const page = pageFailure(head)
    if (page || !isPassable(head)) {
      this.#discard(answer)
      const { failure, status } = page ?? { failure: unpassable }
      return this.#end(failure, status)
    }
    if (head.status < 300 && this.#credentials) this.#question.upstream.accepted(this.#credentials)
    // Over only afterwards: what goes wrong in it ends the request with a failure.
    this.#question.answered(answer, head)
    this.#isOver = true
  }

  /** No answer came: one more try, where an idle connection had died and a second time does no harm. */
  #lose(failure: Failure): void {
    if (this.#isOver) return
    const hadDied = this.#outgoing?.reusedSocket === true && failure.code === 'gateway.stream_cut'
    if (hadDied && this.#credentials && this.#question.isRepeatable()) {
      // What else is idle may have died with it. On a connection that is new there is no second repetition.
      this.#around.sockets.dropIdle()
      return this.#send(this.#credentials)
    }
    this.#end(failure)
  }

  #renew(answer: IncomingMessage): void {
    this.#discard(answer)
    const used = this.#credentials
    if (this.#isRenewed || !used) return this.#end({ code: 'server.refused_token' })
    this.#isRenewed = true
    this.#obtain(() => this.#question.upstream.refused(used, answer.headers['www-authenticate']))
  }

  #askForMore(answer: IncomingMessage, challenge: string): void {
    this.#discard(answer)
    const used = this.#credentials
    if (++this.#stepUps > mostStepUps || !used) return this.#end({ code: 'step_up.limit' })
    const { upstream } = this.#question
    // What it grants is too little, but it is good.
    upstream.accepted(used)
    const hold = new AbortController()
    this.#hold = hold
    this.#obtain(() => upstream.stepUp(used, challenge, this.#question.origin(), hold.signal))
  }

  #follow(answer: IncomingMessage, head: AnswerHead): void {
    this.#discard(answer)
    const { url } = this.#target
    const next = redirectTarget(head, url)
    if (!next || !this.#credentials || ++this.#hops > mostHops) return this.#end(redirectFailure(head, url))
    this.#target = this.#around.sockets.target(next)
    this.#send(this.#credentials)
  }

  /** Lets an answer pass that is not the last word. What happens to its connection is no concern of the request any more. */
  #discard(answer: IncomingMessage): void {
    this.#outgoing = undefined
    discardAnswer(answer)
  }

  #fail(thrown: unknown): void {
    const failure = toFailure(thrown)
    if (failure.code === 'bridge.internal') this.#around.log.error('request broken', { error: thrown })
    this.#end(failure)
  }

  #end(failure: Failure, status?: number): void {
    if (this.#isOver) return
    this.abandon()
    this.#question.failed(failure, status)
  }
}

/** Up to this size, in bytes, a body travels as text with the head: one piece costs less than two. */
const mostText = 16 * 1024

function sendBody(outgoing: ClientRequest, { chunks, length }: RequestBody): void {
  const [only] = chunks
  if (only && chunks.length === 1 && length <= mostText) {
    // Latin-1 has a character for every byte.
    outgoing.end(only.toString('latin1'), 'latin1')
    return
  }
  for (const chunk of chunks) outgoing.write(chunk)
  outgoing.end()
}
