import type { IncomingHttpHeaders } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import type { RequestBody } from '../gateway/request-body.ts'
import type { GateSurroundings } from './gate.ts'
import { judgeBody, type BodyJudgement } from './http-judgement.ts'
import { HttpRecord } from './http-record.ts'
import { HttpSessions } from './http-sessions.ts'
import { previewOf } from './judgement.ts'
import type { ConnectionPolicy, ToolRules } from './policy.ts'

/** One HTTP request of a client app whose bytes are passed on as they are. */
interface HttpVisit {
  readonly client: string
  readonly connection: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: RequestBody
}

/** Who hears what becomes of a visit: exactly one of the two, at once or when a person has answered. */
interface Visitor {
  go(): void
  refuse(failure: Failure): void
}

/** The code in activity of what the client is told as `connection.unknown`. */
const closedCode = 'access.connection_denied'

/** The gate before HTTP whose bytes are passed on. Without rules for the client at the connection a visit costs one look-up. */
export class HttpGate {
  readonly #around: GateSurroundings
  readonly #sessions: HttpSessions

  constructor(around: GateSurroundings) {
    this.#around = around
    this.#sessions = new HttpSessions(around.approvals)
  }

  policyOf(client: string, connection: string): ConnectionPolicy {
    return this.#around.policies.policyOf(client, connection)
  }

  /** Calls `changed` after every change of what an app may use. */
  watchAll(changed: (client: string) => void): void {
    this.#around.policies.watchAll(changed)
  }

  /** Notes that an app asked for a connection that it may not use. */
  noteRefusal(client: string, connection: string): void {
    const facts = { client, connection, method: undefined, face: 'http', requestBytes: 0 } as const
    this.#around.activity.begin(facts).end({ outcome: 'refused', code: closedCode, bytes: 0 })
  }

  /** Looks at a visit. Nothing becomes of it before `enter`. */
  look(visit: HttpVisit): Passage {
    return new Passage(visit, this.#around, this.#sessions)
  }
}

/** One visit on its way. */
export class Passage {
  readonly record: HttpRecord
  /** Whether the answer may list tools that are denied, so that it must be looked through. */
  isFiltered: boolean
  /** Whether a person was asked and has allowed it. */
  isApproved = false
  readonly #visit: HttpVisit
  readonly #around: GateSurroundings
  readonly #sessions: HttpSessions
  readonly #policy: ConnectionPolicy
  readonly #judged: BodyJudgement | undefined
  /** The rules when the client was last told of its tools. */
  #seen: ToolRules | undefined
  /** Lets the call go that waits for a person. */
  #release: (() => void) | undefined

  constructor(visit: HttpVisit, around: GateSurroundings, sessions: HttpSessions) {
    this.#visit = visit
    this.#around = around
    this.#sessions = sessions
    const bytes = wholeOf(visit.body)
    this.record = new HttpRecord(around.activity, visit, bytes)
    this.#policy = around.policies.policyOf(visit.client, visit.connection)
    const { rules } = this.#policy
    this.#seen = rules
    this.#judged = rules && judgeBody(bytes, visit.headers, rules)
    this.isFiltered = rules?.mayDeny === true && mayList(visit, this.#judged)
  }

  /** The rules as they are now. */
  get rules(): ToolRules | undefined {
    const { client, connection } = this.#visit
    return this.#around.policies.policyOf(client, connection).rules
  }

  /** Whether the tools that the client may see are others than when this was asked last, or when the visit began. */
  hasNewTools(): boolean {
    const before = this.#seen
    const now = this.rules
    this.#seen = now
    return now !== before && (before?.mayDeny === true || now?.mayDeny === true)
  }

  /** Whether the rules have become such since the visit began that its answer must be looked through after all; it is, from here on. */
  beginsToFilter(): boolean {
    const { rules } = this
    if (this.isFiltered || !rules?.mayDeny) return false
    this.isFiltered = mayList(
      this.#visit,
      this.#judged ?? judgeBody(wholeOf(this.#visit.body), this.#visit.headers, rules),
    )
    return this.isFiltered
  }

  /** Goes through the gate, or asks a person first. */
  enter(visitor: Visitor): void {
    const { judgement, message } = this.#judged ?? {}
    if (this.#visit.method === 'DELETE') this.#sessions.end(this.#visit)
    if (!this.#policy.isOpen) return this.#refuse(visitor, { code: 'connection.unknown' }, closedCode)
    if (judgement?.is === 'refused') return this.#refuse(visitor, judgement.failure)
    if (judgement?.is !== 'asked' || !message) return visitor.go()
    const { tool } = judgement
    const session = this.#sessions.of(this.#visit)
    const approve = (): void => {
      this.isApproved = true
      visitor.go()
    }
    if (session.allowed.has(tool)) return approve()
    const held = this.#around.approvals.hold({
      session,
      tool,
      bytes: message.bytes.length,
      preview: () => previewOf(message),
      settled: (failure) => (failure ? this.#refuse(visitor, failure) : approve()),
    })
    if (typeof held === 'function') this.#release = held
    else this.#refuse(visitor, held)
  }

  /** The client is gone. */
  leave(): void {
    this.#release?.()
  }

  #refuse(visitor: Visitor, failure: Failure, code = failure.code): void {
    this.record.end({ outcome: 'refused', code })
    visitor.refuse(failure)
  }
}

function wholeOf({ chunks }: RequestBody): Buffer {
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
}

/**
 * Whether the answer may list tools. A stream that a client opens or resumes by GET may bring the answer to any request of its session, and of a body
 * that cannot be judged nobody knows.
 */
function mayList({ method }: HttpVisit, judged: BodyJudgement | undefined): boolean {
  return method === 'GET' || judged?.listsTools === true || judged?.judgement.is === 'refused'
}
