import { BridgeError, errors, toFailure, type Failure } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'
import type { Json } from './channel.ts'
import type { Delivery, DeliveryReceiver } from './delivery.ts'
import { isSameId, readMessage, type RpcMessage } from './rpc-message.ts'
import { agreementIn, Session } from './session.ts'
import { SseLink, type LinkOptions, type LinkReceiver } from './sse-link.ts'

/** How long things take, in milliseconds. */
export interface SseTimes {
  /** The first pause before a link is opened again; each further one is twice as long. */
  readonly reopenMs: number
  readonly mostReopenMs: number
  /** For the server to say where messages go, and to answer what the bridge itself asks. */
  readonly endpointMs: number
  readonly answerMs: number
}

const usualTimes: SseTimes = { reopenMs: 500, mostReopenMs: 60_000, endpointMs: 10_000, answerMs: 30_000 }

/** How many links in a row may fail before those who wait for one are told. */
const mostFailures = 5

/** A link that lasted so long, in milliseconds, was good. */
const goodMs = 10_000

/** Whom the link is kept for. */
export interface SseHost {
  readonly client: string
  readonly around: LinkOptions['around']
  readonly times?: Partial<SseTimes> | undefined
  upstream(): Upstream | undefined
  /** The server may be told anything now, once more or for the first time. */
  ready(): void
  message(message: RpcMessage): void
  /** The link is gone: what was posted gets no answer. */
  cut(failure: Failure): void
  /** There will be no link soon: nobody should wait for it. */
  failed(failure: Failure): void
}

/** The link of one client to a server of 2024-11-05. Where it breaks, another one is opened, and what was agreed on is said again. */
export class SseKeeper {
  readonly #host: SseHost
  readonly #times: SseTimes
  #link: SseLink | undefined
  #found: SseLink | undefined
  #session: Session | undefined
  /** Whether the link is for the client's messages: its session, if there is one, has been begun anew. */
  #isReady = false
  #readySince = 0
  /** Whether the link has been of use. */
  #isProven = false
  /** Whether there was a link that could be used. */
  #hasSucceeded = false
  #failures = 0
  #retryMs = 0
  #timer: NodeJS.Timeout | undefined
  /** What the bridge itself asks. */
  #asking: { readonly id: string; readonly take: (answer: RpcMessage) => void } | undefined
  #askingLimit: NodeJS.Timeout | undefined
  #isPaused = false
  #isClosed = false

  /** `found`: a link that is open already, at rest. */
  constructor(host: SseHost, found?: SseLink) {
    this.#host = host
    this.#times = { ...usualTimes, ...host.times }
    this.#found = found
  }

  get isReady(): boolean {
    return this.#isReady
  }

  /** Whether the next message has to wait for others. */
  get isBusy(): boolean {
    return this.#link?.isBusy === true
  }

  get session(): Session | undefined {
    return this.#session
  }

  /** Makes sure that there is a link, or will be soon. */
  want(): void {
    const isWaiting = this.#timer !== undefined && this.#failures <= mostFailures
    if (this.#link || this.#isClosed || isWaiting) return
    const found = this.#found
    this.#found = undefined
    if (!found?.isReady) return this.#open()
    this.#link = found
    found.adopt(this.#receiver(found))
    if (this.#isPaused) found.pause()
    this.#goOn(found)
  }

  /** The client begins a session. Gives whether there was another one, which is over. */
  begin(): boolean {
    const isSpent = this.#session !== undefined || this.#link?.isFresh === false
    this.#session = undefined
    if (isSpent) this.#dropLink()
    return isSpent
  }

  /** The server has agreed to a session. */
  agreed(initialize: RpcMessage, answer: RpcMessage): void {
    const agreed = agreementIn(answer, { status: 200, headers: {} })
    const link = this.#link
    if (agreed && link) this.#session = new Session(initialize, link.upstream, undefined, agreed.version)
  }

  /** Only when it is ready. */
  post(message: RpcMessage, outcome: Omit<DeliveryReceiver, 'message'>): Delivery | undefined {
    if (message.method === 'notifications/initialized' && this.#session) this.#session.isInitialized = true
    return this.#link?.post(message, this.#session?.fields ?? [], outcome)
  }

  /** Nobody waits for what becomes of a post any more. */
  drop(post: Delivery): void {
    this.#link?.drop(post)
  }

  /** Gives the link up and opens another one. `lost`: why those get no answer who wait for one. */
  renounce(failure: Failure, lost = failure): void {
    if (!this.#link) return
    const hasLasted = this.#isReady && performance.now() - this.#readySince > goodMs
    this.#dropLink()
    this.#failures = this.#isProven || hasLasted ? 1 : this.#failures + 1
    this.#lose(failure, lost)
  }

  toJson(): Json {
    return this.#session?.toJson() ?? null
  }

  /** Goes on with a session of another bridge. False when it cannot. */
  restore(json: unknown, upstream: Upstream): boolean {
    this.#session = Session.from(json, upstream)
    if (this.#session) this.want()
    return this.#session !== undefined
  }

  pause(): void {
    this.#isPaused = true
    this.#link?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#link?.resume()
  }

  close(): void {
    this.#isClosed = true
    this.#found?.close()
    this.#dropLink()
  }

  #dropLink(): void {
    clearTimeout(this.#timer)
    clearTimeout(this.#askingLimit)
    this.#timer = undefined
    this.#link?.close()
    this.#link = undefined
    this.#isReady = false
    this.#asking = undefined
  }

  #open(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const upstream = this.#host.upstream()
    if (!upstream) return this.#host.failed({ code: 'connection.unknown' })
    const { client, around } = this.#host
    const { endpointMs, answerMs: noteMs } = this.#times
    const link = new SseLink({ upstream, client, around, endpointMs, noteMs })
    this.#link = link
    this.#isProven = false
    if (this.#isPaused) link.pause()
    link.open(this.#receiver(link))
  }

  #receiver(link: SseLink): LinkReceiver {
    return {
      ready: () => this.#goOn(link),
      message: (message) => this.#receive(message),
      retry: (ms) => void (this.#retryMs = Math.min(ms, this.#times.mostReopenMs)),
      lost: (failure) => {
        if (this.#link === link) this.renounce(failure)
      },
    }
  }

  #goOn(link: SseLink): void {
    const lost = this.#session
    if (!lost) return this.#beReady(link)
    this.#beginAnew(link, lost).then(
      () => this.#beReady(link),
      (thrown: unknown) => {
        if (this.#link === link) this.renounce(toFailure(thrown))
      },
    )
  }

  #beReady(link: SseLink): void {
    if (this.#link !== link) return
    this.#isReady = true
    this.#hasSucceeded = true
    this.#readySince = performance.now()
    this.#host.ready()
  }

  #receive(message: RpcMessage): void {
    const asking = this.#asking
    const isAnswer = message.kind === 'answer'
    if (asking && isAnswer && isSameId(message.id, asking.id)) return asking.take(message)
    this.#isProven ||= isAnswer && this.#isReady
    this.#host.message(message)
  }

  #lose(failure: Failure, lost: Failure): void {
    const mayPass = errors[failure.code].fixer === 'time' || failure.code === 'network.too_large'
    const isHopeful = mayPass && this.#hasSucceeded
    const isPatient = isHopeful && this.#failures <= mostFailures
    // Without a session there is nothing to hear from the server, and whoever wants to say something asks for a link.
    if (isPatient || (isHopeful && this.#session)) {
      const { reopenMs, mostReopenMs } = this.#times
      const ms = Math.min(reopenMs * 2 ** (this.#failures - 1), mostReopenMs)
      this.#timer = setTimeout(() => this.#open(), Math.max(ms, this.#retryMs))
    }
    this.#host.cut(lost)
    if (!isPatient) this.#host.failed(failure)
  }

  /** Says again on a new link what the server has to know. */
  async #beginAnew(link: SseLink, lost: Session): Promise<void> {
    const answer = await this.#ask(link, lost.initialize, [])
    const agreed = agreementIn(answer, { status: 200, headers: {} })
    if (!agreed) throw new BridgeError('gateway.session_lost', 'the server begins no other')
    if (agreed.version !== lost.version) {
      throw new BridgeError('gateway.session_lost', `the server now speaks ${agreed.version}`)
    }
    const session = lost.renewed(link.upstream, undefined)
    this.#session = session
    if (!lost.isInitialized) return
    session.isInitialized = true
    await new Promise<void>((resolve) => {
      const done = (): void => resolve()
      link.post(initializedNote, session.fields, { ended: done, refused: done, failed: done })
    })
    for (const again of lost.replay) {
      const isAnswered = await this.#ask(link, again, session.fields).then(
        () => true,
        () => false,
      )
      if (!isAnswered) return
    }
  }

  /** Asks for the bridge itself. Never settles once the link is gone, which is told by other means. */
  #ask(link: SseLink, request: RpcMessage, fields: readonly string[]): Promise<RpcMessage> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        if (this.#asking !== asking) return
        clearTimeout(this.#askingLimit)
        this.#asking = undefined
      }
      const fail = (failure: Failure): void => {
        end()
        reject(new BridgeError(failure.code, failure.detail))
      }
      const asking = {
        id: request.id ?? '',
        take(answer: RpcMessage) {
          end()
          resolve(answer)
        },
      }
      this.#asking = asking
      this.#askingLimit = setTimeout(() => fail({ code: 'network.timeout' }), this.#times.answerMs)
      link.post(request, fields, {
        ended() {},
        refused: ({ status }) => fail({ code: 'server.failed', detail: `it answered ${status}` }),
        failed: fail,
      })
    })
  }
}

const initializedNote = readMessage(
  Buffer.from('{"jsonrpc":"2.0","method":"notifications/initialized"}'),
) as RpcMessage
