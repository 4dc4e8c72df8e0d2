import { z } from 'zod'
import type { CallEnd, Json } from '../channel/channel.ts'
import { isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { agreementFor, profileOf, type Agreement, type Profile } from './discovery.ts'
import { isOpeningRefusal } from './era.ts'
import { named, requestOf, resultOf, withMembers } from './splice.ts'
import type { TranslationHost } from './translation.ts'

/** What an introduction is made with. */
export interface IntroductionOptions {
  readonly nextId: () => string
  send(message: RpcMessage): void
  /** The server is known now: a message that waited for that can go on. */
  known(message: RpcMessage): void
}

const none = Buffer.alloc(0)

/**
 * How a client of the older era gets to know a server of the current one: `initialize` is answered from `server/discover`, and what the client
 * said of itself is kept for every request to come.
 * @see [MCP 2026-07-28, Discovery](https://modelcontextprotocol.io/specification/2026-07-28/server/discover)
 */
export class Introduction {
  readonly #host: TranslationHost
  readonly #options: IntroductionOptions
  #profile: Profile | undefined
  #agreement: Agreement | undefined
  #asking: RpcMessage | undefined
  #waiting: RpcMessage[] = []

  /** `initialize`: what the client began with, where it did so on another way. */
  constructor(host: TranslationHost, initialize: RpcMessage | undefined, options: IntroductionOptions) {
    this.#host = host
    this.#profile = initialize && profileOf(initialize)
    this.#options = options
  }

  /** Undefined until the server has answered. */
  get agreement(): Agreement | undefined {
    return this.#agreement
  }

  /** What every request says in `_meta`. */
  get meta(): Record<string, Buffer> {
    return this.#profile?.meta ?? {}
  }

  /** What waits until the server is known, in order. */
  get waiting(): readonly RpcMessage[] {
    return this.#waiting
  }

  owns(request: RpcMessage): boolean {
    return request === this.#asking
  }

  begin(initialize: RpcMessage): void {
    this.#agreement = undefined
    this.#profile = profileOf(initialize)
    this.wait(initialize)
  }

  /** Lets a request wait until the server is known, and asks the server if nobody has. */
  wait(request: RpcMessage): void {
    this.#waiting.push(request)
    if (this.#asking) return
    const params = withMembers(none, undefined, { _meta: withMembers(none, undefined, this.meta) })
    this.#asking = requestOf(this.#options.nextId(), 'server/discover', params)
    this.#options.send(this.#asking)
  }

  /** Takes out what waits under this id. */
  cancel(id: string): RpcMessage | undefined {
    const cancelled = this.#waiting.find((one) => one.method !== 'initialize' && isSameId(one.id, id))
    this.#waiting = this.#waiting.filter((one) => one !== cancelled)
    return cancelled
  }

  /** Takes the server's answer to `server/discover`. */
  answered(bytes: Buffer, end: CallEnd): void {
    const answer = readMessage(bytes) as RpcMessage
    const agreement = this.#profile && agreementFor(answer, this.#profile)
    // A result that is none shows a server that answers whatever it is asked.
    const isRefusal = answer.resultPlace !== undefined || isOpeningRefusal('modern', bytes, end)
    const waiting = this.#waiting
    this.#asking = undefined
    this.#waiting = []
    this.#agreement = agreement
    for (const message of waiting) {
      if (agreement) this.#goOn(message, agreement, end)
      else if (isRefusal) this.#host.refused(message, named(bytes, message), end)
      else this.#host.client.answer(message, named(bytes, message), end)
    }
  }

  #goOn(message: RpcMessage, { result }: Agreement, end: CallEnd): void {
    if (message.method !== 'initialize') return this.#options.known(message)
    const { bytes } = resultOf(message.id ?? 'null', result)
    this.#host.client.answerWithSession(message, bytes, end)
  }

  setLevel(level: string): void {
    this.#profile = this.#profile?.withLevel(level)
  }

  toJson(): Json {
    if (!this.#agreement || !this.#profile) return null
    const { result, changes } = this.#agreement
    return { profile: this.#profile.toJson(), agreement: { result: result.toString('latin1'), changes } }
  }

  /** Goes on with what `toJson` gave in another bridge; false when it cannot. */
  restore(state: Json): boolean {
    const { data } = State.safeParse(state)
    const initialize = data && readMessage(Buffer.from(data.profile.initialize, 'latin1'))
    if (!data || !initialize) return false
    this.#profile = profileOf(initialize, data.profile.level)
    this.#agreement = { ...data.agreement, result: Buffer.from(data.agreement.result, 'latin1') }
    return true
  }
}

const State = z.strictObject({
  profile: z.strictObject({ initialize: z.string(), level: z.string().optional() }),
  agreement: z.strictObject({ result: z.string(), changes: z.record(z.string(), z.literal(true)) }),
})
