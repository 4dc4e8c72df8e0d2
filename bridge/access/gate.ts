import { z } from 'zod'
import type { Activity, CallInProgress } from '../activity/recorder.ts'
import type {
  CallEnd,
  Channel,
  ChannelClient,
  Json,
  OpenChannel,
  PendingRequest,
} from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, isSameId, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import type { Failure } from '../../shared/errors.ts'
import type { ApprovalSession, Approvals } from './approvals.ts'
import { judge, nameIn, previewOf, withoutDenied } from './judgement.ts'
import type { PolicyLookup } from './policies.ts'
import type { ConnectionPolicy } from './policy.ts'
import { agreesToTools, saysThatToolsChange, toolsChanged } from './tool-changes.ts'

/** Whose gate it is, where it leads, and by which face the client came. */
export interface GateOptions {
  readonly client: ChannelClient
  readonly connection: string
  readonly face: 'http' | 'stdio'
  readonly open: OpenChannel
}

/** What all gates share. */
export interface GateSurroundings {
  readonly policies: PolicyLookup
  readonly approvals: Approvals
  /** Where calls are noted. */
  readonly activity: Activity
}

/** A request that has not been answered. */
interface Pending {
  readonly call: CallInProgress
  /** Lets it go, as long as it waits for a person. */
  release?: () => void
  /** What went to the client for it beside its answer, in bytes. */
  passed: number
  /** A request that listens, and was told that it will hear of changed tools. */
  hearsOfTools?: boolean
}

const State = z.strictObject({ hearsOfTools: z.boolean(), below: z.json() })

/** The code in activity of what the client is told as `connection.unknown`: an app learns nothing of what it may not use. */
const closedCode = 'access.connection_denied'

/**
 * The topmost layer behind a client: what the client may not use does not reach the server, and is not seen by the client. Without rules for the
 * client at this connection a message costs one look-up.
 */
export class Gate implements Channel, ChannelClient {
  onIdle: (() => void) | undefined
  readonly #options: GateOptions
  readonly #around: GateSurroundings
  readonly #approvalSession: ApprovalSession
  readonly #unwatch: () => void
  readonly #pending = new Map<RpcMessage, Pending>()
  #policy: ConnectionPolicy
  /** Undefined while the client may not use the connection. */
  #below: Channel | undefined
  /** What the channel below had agreed with the server, while there is none. */
  #left: Json = null
  #held = 0
  #isPaused = false
  /** Whether the server says that its tools may change, and then whether the client is ready to hear of it. */
  #toolsMayChange = false
  #hearsOfTools = false

  constructor(options: GateOptions, around: GateSurroundings) {
    this.#options = options
    this.#around = around
    const { connection } = options
    const { policies, approvals } = around
    this.#policy = policies.policyOf(this.name, connection)
    this.#unwatch = policies.watch(this.name, () => this.#review())
    this.#approvalSession = approvals.openSession(this.name, connection)
    if (this.#policy.isOpen) this.#openBelow()
  }

  get name(): string {
    return this.#options.client.name
  }

  get awaited(): number {
    return this.#held + (this.#below?.awaited ?? 0)
  }

  take(message: RpcMessage): void {
    if (message.kind === 'request') return this.#takeRequest(message)
    const below = this.#below
    if (!below) return
    if (message.method === 'notifications/cancelled' && this.#held > 0 && this.#cancelHeld(message)) return
    if (message.method === 'notifications/initialized') this.#hearsOfTools = this.#toolsMayChange
    // What is called without an id is called all the same; nobody waits for an answer, so that nobody is asked.
    const { rules } = this.#policy
    if (rules && judge(message, rules).is !== 'allowed') return
    below.take(message)
  }

  #takeRequest(request: RpcMessage): void {
    const { connection, face } = this.#options
    const { method, bytes, paramsPlace } = request
    const name = paramsPlace && nameIn(bytes, method, paramsPlace.start)
    const client = this.name
    const requestBytes = bytes.length
    const earlier = this.#options.client.earlierTry?.(request)
    const call =
      earlier?.call ??
      this.#around.activity.begin(
        name === undefined
          ? { client, connection, method, face, requestBytes }
          : { client, connection, method, name, face, requestBytes },
      )
    if (call.wantsPayload && !earlier?.call) call.payload('request', bytes)
    const pending: Pending = { call, passed: 0 }
    this.#pending.set(request, pending)
    const below = this.#below
    if (!below) return this.#refuse(request, { code: 'connection.unknown' }, closedCode)
    const { rules } = this.#policy
    const judgement = rules && judge(request, rules)
    if (judgement?.is === 'refused') return this.#refuse(request, judgement.failure)
    if (judgement?.is !== 'asked' || earlier?.isApproved) return below.take(request)
    const { tool } = judgement
    if (this.#approvalSession.allowed.has(tool)) return below.take(request)
    const held = this.#around.approvals.hold({
      session: this.#approvalSession,
      tool,
      bytes: bytes.length,
      preview: () => previewOf(request),
      settled: (failure) => this.#settled(request, failure),
    })
    if (typeof held !== 'function') return this.#refuse(request, held)
    pending.release = held
    this.#held++
  }

  #settled(request: RpcMessage, failure: Failure | undefined): void {
    const pending = this.#pending.get(request)
    if (!pending?.release) return
    delete pending.release
    this.#held--
    if (failure) this.#refuse(request, failure)
    else if (this.#below) this.#below.take(request)
    else this.#refuse(request, { code: 'connection.unknown' }, closedCode)
    if (this.awaited === 0) this.onIdle?.()
  }

  #refuse(request: RpcMessage, failure: Failure, code = failure.code): void {
    const bytes = errorAnswer(request.id, failure)
    this.#take(request)?.call.end({ outcome: 'refused', code, bytes: bytes.length })
    this.#options.client.answer(request, bytes, { failure })
  }

  #cancelHeld(message: RpcMessage): boolean {
    const place = findParams(message, ['requestId'])?.[0]
    const id = place && message.bytes.toString('latin1', place.start, place.end)
    for (const [request, pending] of this.#pending) {
      if (!pending.release || !isSameId(request.id, id)) continue
      pending.release()
      this.#held--
      this.dropped(request)
      if (this.awaited === 0) this.onIdle?.()
      return true
    }
    return false
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    const answered = this.#ended(request, bytes, end)
    if (answered) this.#options.client.answer(request, answered.bytes, answered.end)
  }

  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (request.method === 'initialize') this.#toolsMayChange = saysThatToolsChange(bytes)
    const answered = this.#ended(request, bytes, end)
    if (answered) this.#options.client.answerWithSession(request, answered.bytes, answered.end)
  }

  /** What the client gets of an answer; nothing where it has one already. */
  #ended(request: RpcMessage, bytes: Buffer, end: CallEnd): { bytes: Buffer; end: CallEnd } | undefined {
    const pending = this.#take(request)
    if (!pending) return undefined
    const { rules } = this.#policy
    if (request.method === 'tools/list' && rules?.mayDeny) {
      const answer = readMessage(bytes)
      const listed = answer && withoutDenied(answer, rules)
      if (listed) bytes = listed.bytes
      if (listed?.failure) end = { ...end, failure: listed.failure }
    }
    const { call, passed } = pending
    const { status, failure, isError } = end
    if (call.wantsPayload) call.payload('answer', bytes)
    call.end({
      outcome: failure ? 'failed' : isError ? 'error' : 'answered',
      ...(failure ? { code: failure.code } : {}),
      ...(status === undefined ? {} : { status }),
      bytes: passed + bytes.length,
    })
    return { bytes, end }
  }

  #take(request: RpcMessage): Pending | undefined {
    const pending = this.#pending.get(request)
    this.#pending.delete(request)
    return pending
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    if (!this.#below) return
    const pending = about && this.#pending.get(about)
    if (pending) {
      pending.passed += message.bytes.length
      if (message.method === 'notifications/subscriptions/acknowledged') {
        pending.hearsOfTools = agreesToTools(message)
      }
    }
    this.#options.client.pass(message, about)
  }

  dropped(request: RpcMessage): void {
    const pending = this.#take(request)
    if (!pending) return
    pending.call.end({ outcome: 'cancelled', bytes: pending.passed })
    this.#options.client.dropped(request)
  }

  pending(): PendingRequest[] {
    const held = [...this.#pending].filter(([, { release }]) => release).map(([message]) => ({ message }))
    return [...(this.#below?.pending() ?? []), ...held]
  }

  session(): Json {
    const below = this.#below ? this.#below.session() : this.#left
    return below === null ? null : { hearsOfTools: this.#hearsOfTools, below }
  }

  restore(session: Json): boolean {
    const state = session === null ? undefined : State.safeParse(session).data
    if (session !== null && !state) return false
    this.#hearsOfTools = state?.hearsOfTools ?? false
    const below = (state?.below ?? null) as Json
    if (this.#below) return this.#below.restore(below)
    this.#left = below
    return true
  }

  giveUp(failure: Failure): void {
    this.#below?.giveUp(failure)
  }

  pause(): void {
    this.#isPaused = true
    this.#below?.pause()
  }

  resume(): void {
    this.#isPaused = false
    this.#below?.resume()
  }

  close(isForGood: boolean): void {
    this.#unwatch()
    this.#around.approvals.closeSession(this.#approvalSession)
    for (const { call, release, passed } of this.#pending.values()) {
      release?.()
      call.end({ outcome: 'cancelled', bytes: passed })
    }
    this.#pending.clear()
    this.#held = 0
    // A session that could not be used any more is ended at its server as well.
    if (!this.#below && isForGood && this.#left !== null) this.#openBelow()
    this.#below?.close(isForGood)
  }

  /** What the client may use has changed. */
  #review(): void {
    const before = this.#policy
    const policy = this.#around.policies.policyOf(this.name, this.#options.connection)
    if (policy === before) return
    this.#policy = policy
    if (!policy.isOpen) this.#withdraw()
    else if (!this.#below) this.#openBelow()
    else if (before.rules?.mayDeny || policy.rules?.mayDeny) this.#tellOfTools()
  }

  /** Ends what is under way. The session stays as it is at the server, for the case that the person changes their mind. */
  #withdraw(): void {
    const below = this.#below
    if (!below) return
    this.#below = undefined
    this.#left = below.session()
    below.close(false)
    for (const [request, { release }] of this.#pending) {
      release?.()
      this.#refuse(request, { code: 'connection.unknown' }, closedCode)
    }
    this.#held = 0
    this.onIdle?.()
  }

  #openBelow(): void {
    const below = this.#options.open(this)
    this.#below = below
    below.onIdle = () => {
      if (this.awaited === 0) this.onIdle?.()
    }
    if (this.#left !== null) below.restore(this.#left)
    this.#left = null
    if (this.#isPaused) below.pause()
  }

  /** The list that the client has is not the one that it would get now. */
  #tellOfTools(): void {
    const { client } = this.#options
    if (this.#hearsOfTools) client.pass(toolsChanged())
    for (const [request, { hearsOfTools }] of this.#pending) {
      if (!hearsOfTools || request.id === undefined) continue
      client.pass(toolsChanged(request.id), request)
    }
  }
}
