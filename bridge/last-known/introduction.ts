import { z } from 'zod'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, ChannelClient } from '../channel/channel.ts'
import { errorAnswer, passedOnError } from '../channel/error-messages.ts'
import { isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { emptyResult } from './stand-in.ts'

/** What an introduction needs from the layer around it. */
export interface IntroductionHost {
  readonly client: ChannelClient
  /** Says something to the server. */
  send(message: RpcMessage): void
  /** A request of the client's could not be made. */
  failed(request: RpcMessage, failure: Failure): void
  /** The server has heard of the client. */
  made(): void
  /** It could not be told. */
  missed(failure: Failure): void
}

const Line = z.string().max(64 * 1024)
export const IntroductionState = z.strictObject({ initialize: Line.optional(), level: Line.optional() })
type IntroductionState = z.infer<typeof IntroductionState>

/** How many requests may wait for the server to be there again. */
const mostWaiting = 1_024

const initializedNote = readMessage(
  Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'),
) as RpcMessage

/**
 * Introduces a client of the older era to its server where `initialize` was answered in the server's place: the server gets the same words when it
 * is there again, before the client's next request and without the client's knowledge.
 */
export class Introduction {
  readonly #host: IntroductionHost
  #initialize: RpcMessage | undefined
  #level: RpcMessage | undefined
  #isUnderWay = false
  /** Requests of ours, whose answers the client does not get. */
  readonly #own = new Set<RpcMessage>()
  #waiting: RpcMessage[] = []

  constructor(host: IntroductionHost) {
    this.#host = host
  }

  /** Whether the server has still to hear of the client. */
  get isDue(): boolean {
    return this.#initialize !== undefined
  }

  /** How many requests of ours are under way. */
  get ownCount(): number {
    return this.#own.size
  }

  /** The client's requests that wait for it. */
  get waiting(): readonly RpcMessage[] {
    return this.#waiting
  }

  /** The client's beginning was answered in the server's place. */
  owe(initialize: RpcMessage): void {
    this.#initialize = initialize
  }

  /** The client begins anew. Gives back what waited. */
  reset(): readonly RpcMessage[] {
    this.#initialize = undefined
    this.#level = undefined
    this.#isUnderWay = false
    return this.#waiting.splice(0)
  }

  /** Takes what the client says to a server that has not heard of it. */
  take(message: RpcMessage): void {
    const { client } = this.#host
    // What is no request is about a session that there is not. That the client is ready is part of the introduction.
    if (message.kind !== 'request') return
    if (message.method === 'ping') return client.answer(message, emptyResult(message), {})
    if (message.method === 'logging/setLevel') {
      this.#level = message
      return client.answer(message, emptyResult(message), {})
    }
    if (this.#waiting.length >= mostWaiting) {
      const failure = { code: 'gateway.too_many_calls' } as const
      return client.answer(message, errorAnswer(message.id, failure), { failure })
    }
    this.#waiting.push(message)
    this.make()
  }

  /** Makes it, if it is due. */
  make(): void {
    if (!this.#initialize || this.#isUnderWay) return
    this.#isUnderWay = true
    this.#own.add(this.#initialize)
    this.#host.send(this.#initialize)
  }

  isOwn(request: RpcMessage): boolean {
    return this.#own.size > 0 && this.#own.has(request)
  }

  /** Takes the answer to a request of ours. */
  answered(request: RpcMessage, bytes: Buffer, { failure, isError }: CallEnd): void {
    this.#own.delete(request)
    if (request !== this.#initialize) return
    this.#isUnderWay = false
    const waiting = this.#waiting.splice(0)
    if (failure) {
      for (const one of waiting) this.#host.failed(one, failure)
      return this.#host.missed(failure)
    }
    if (isError) return this.#passOn(waiting, bytes)
    this.#initialize = undefined
    this.#host.send(initializedNote)
    if (this.#level) {
      this.#own.add(this.#level)
      this.#host.send(this.#level)
    }
    for (const one of waiting) this.#host.send(one)
    this.#host.made()
  }

  /** Gives back the request that waits with this id, because its client cancelled it. */
  cancel(id: string): RpcMessage | undefined {
    const at = this.#waiting.findIndex((one) => isSameId(one.id, id))
    return at < 0 ? undefined : this.#waiting.splice(at, 1)[0]
  }

  toJson(): Readonly<Record<string, string>> {
    return {
      ...(this.#initialize ? { initialize: this.#initialize.bytes.toString('latin1') } : {}),
      ...(this.#level ? { level: this.#level.bytes.toString('latin1') } : {}),
    }
  }

  restore({ initialize, level }: IntroductionState): void {
    this.#initialize = fromLatin1(initialize)
    this.#level = fromLatin1(level)
  }

  /** The server does not want the client: what that asked meanwhile gets the same error. */
  #passOn(waiting: readonly RpcMessage[], bytes: Buffer): void {
    const refusal = readMessage(bytes)
    for (const request of waiting) {
      const error = refusal && request.id !== undefined ? passedOnError(request.id, refusal) : undefined
      if (error) this.#host.client.answer(request, error, { isError: true })
      else this.#host.failed(request, { code: 'server.failed' })
    }
  }
}

function fromLatin1(line: string | undefined): RpcMessage | undefined {
  return line === undefined ? undefined : readMessage(Buffer.from(line, 'latin1'))
}
