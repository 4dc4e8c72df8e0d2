import type { Failure } from '../../shared/errors.ts'
import type { CallEnd } from '../channel/channel.ts'
import { isSameId, type RpcMessage } from '../channel/rpc-message.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { InputRound } from './input-round.ts'
import { notificationOf, rawId, withMembers } from './splice.ts'
import { mostRounds } from './vocabulary.ts'

/** One request of a client of the older era, which may take several to the server. */
export interface OlderCall {
  readonly request: RpcMessage
  /** How often the server has wanted input for it. */
  readonly rounds: number
}

export interface InquiriesOptions {
  readonly nextId: () => string
  readonly pass: (message: RpcMessage, about?: RpcMessage) => void
  /** The client has said everything: the call is made again with it. */
  readonly retry: (call: OlderCall, answers: Record<string, Buffer>) => void
  readonly fail: (call: OlderCall, failure: Failure, end: CallEnd) => void
}

/**
 * Calls for which a client of the older era is being asked for input.
 * @see [MCP 2026-07-28, Multi Round-Trip Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr)
 */
export class Inquiries {
  readonly #options: InquiriesOptions
  readonly #open = new Map<OlderCall, InputRound>()

  constructor(options: InquiriesOptions) {
    this.#options = options
  }

  get calls(): OlderCall[] {
    return [...this.#open.keys()]
  }

  /** Asks the client for what the `input_required` answer to its call wants to know. */
  begin({ request, rounds }: OlderCall, answer: RpcMessage, end: CallEnd): void {
    const { nextId, pass, fail } = this.#options
    const call = { request, rounds: rounds + 1 }
    if (call.rounds > mostRounds) return fail(call, endless, end)
    const round = InputRound.begin(answer, nextId)
    if ('code' in round) return fail(call, round, end)
    this.#open.set(call, round)
    for (const question of round.questions) pass(question, request)
    this.#lookComplete(call, round)
  }

  /** Takes an answer of the client's. */
  take(answer: RpcMessage): void {
    for (const [call, round] of this.#open) {
      const taken = round.take(answer)
      if (taken === undefined) continue
      if (taken === 'taken') return this.#lookComplete(call, round)
      this.#end(call, round)
      return this.#options.fail(call, { code: 'translation.input_failed' }, {})
    }
  }

  #lookComplete(call: OlderCall, round: InputRound): void {
    if (!round.isComplete) return
    this.#open.delete(call)
    this.#options.retry(call, round.answers)
  }

  /** The client has cancelled the request with this id. */
  drop(id: string): OlderCall[] {
    const dropped = this.calls.filter(({ request }) => isSameId(request.id, id))
    for (const call of dropped) this.#end(call, this.#open.get(call))
    return dropped
  }

  giveUp(failure: Failure): void {
    for (const [call, round] of this.#open) {
      if (isRepeatableMethod(call.request.method)) continue
      this.#end(call, round)
      this.#options.fail(call, failure, {})
    }
  }

  /** Nobody waits any more for what the client has not answered. */
  #end(call: OlderCall, round: InputRound | undefined): void {
    this.#open.delete(call)
    for (const id of round?.open ?? []) {
      const params = withMembers(Buffer.alloc(0), undefined, { requestId: rawId(id) })
      this.#options.pass(notificationOf('notifications/cancelled', params))
    }
  }
}

const endless: Failure = { code: 'server.failed', detail: 'it asks for input without an end' }
