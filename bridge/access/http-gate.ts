import type { IncomingHttpHeaders } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import type { RequestBody } from '../gateway/request-body.ts'
import type { ApprovalSession } from './approvals.ts'
import type { GateSurroundings } from './gate.ts'
import { HttpRecord } from './http-record.ts'
import { judgeBody } from './http-judgement.ts'
import { argumentsOf } from './judgement.ts'
import type { ConnectionPolicy, ToolRules } from './policy.ts'
import { previewOf } from './preview.ts'

/** One HTTP request of a client app whose bytes are passed on as they are. */
interface HttpVisit {
  readonly client: string
  readonly connection: string
  readonly method: string
  readonly headers: IncomingHttpHeaders
  readonly body: RequestBody
}

/** What becomes of a visit: exactly one of the two, at once or when a person has answered. */
interface Visitor {
  go(): void
  refuse(failure: Failure): void
}

/** The gate of HTTP whose bytes are passed on. */
export interface HttpGate {
  policyOf(client: string, connection: string): ConnectionPolicy
  /** Calls `changed` after every change of what an app may use. */
  watchAll(changed: (client: string) => void): void
  /** Notes that an app asked for a connection that it may not use. */
  noteRefusal(visit: Pick<HttpVisit, 'client' | 'connection'>): void
  /** Looks at a visit. Nothing happens to it before `enter`. */
  look(visit: HttpVisit): Passage
}

/** One visit on its way. */
export interface Passage {
  readonly record: HttpRecord
  enter(visitor: Visitor): void
  /** Whether the answer may list tools that are denied, so that it must be looked through. */
  readonly isFiltered: boolean
  /** The rules as they are now. */
  readonly rules: () => ToolRules | undefined
  /** Whether the tools that the client may see are others than when this was asked last, or when the visit began. */
  hasNewTools(): boolean
  /** The client is gone. */
  leave(): void
}

/** How many sessions of HTTP clients are remembered for approvals; the one that was used least recently is forgotten. */
const mostSessions = 1_000

/** The code in activity of what the client is told as `connection.unknown`. */
const closedCode = 'access.connection_denied'

/** Puts the gate together. */
export function createHttpGate({ policies, approvals, activity }: GateSurroundings): HttpGate {
  const sessions = new Map<string, ApprovalSession>()

  /**
   * A session lasts until the client deletes it. Clients of the current revision have none: what is allowed "for this session" is allowed to such
   * an app until the bridge ends.
   */
  function sessionOf(visit: HttpVisit): ApprovalSession {
    const { client, connection } = visit
    const key = keyOf(visit)
    const session = sessions.get(key) ?? approvals.openSession(client, connection)
    sessions.delete(key)
    sessions.set(key, session)
    const [oldest] = sessions.keys()
    if (sessions.size > mostSessions && oldest !== undefined) forget(oldest)
    return session
  }

  function forget(key: string): void {
    const session = sessions.get(key)
    sessions.delete(key)
    if (session) approvals.closeSession(session)
  }

  return {
    policyOf: (client, connection) => policies.policyOf(client, connection),
    watchAll: (changed) => policies.watchAll(changed),
    noteRefusal({ client, connection }) {
      const facts = { client, connection, method: undefined, face: 'http', requestBytes: 0 } as const
      activity.begin(facts).end({ outcome: 'refused', code: closedCode, bytes: 0 })
    },
    look(visit) {
      const { client, connection, method, headers, body } = visit
      const bytes = body.chunks.length === 1 ? (body.chunks[0] as Buffer) : Buffer.concat(body.chunks)
      const record = new HttpRecord(activity, { client, connection }, bytes)
      const policy = policies.policyOf(client, connection)
      const rules = (): ToolRules | undefined => policies.policyOf(client, connection).rules
      const judged = policy.rules && judgeBody(bytes, headers, policy.rules)
      let seen = policy.rules
      let release = (): void => undefined
      return {
        record,
        rules,
        // A stream that a client opens or resumes by GET may bring the answer to any request of its session.
        isFiltered: policy.rules?.mayDeny === true && (method === 'GET' || judged?.listsTools === true),
        hasNewTools() {
          const now = rules()
          const isNew = now !== seen && (seen?.mayDeny === true || now?.mayDeny === true)
          seen = now
          return isNew
        },
        leave: () => release(),
        enter(visitor) {
          const refuse = (failure: Failure, code = failure.code): void => {
            record.end({ outcome: 'refused', code })
            visitor.refuse(failure)
          }
          if (method === 'DELETE') forget(keyOf(visit))
          if (!policy.isOpen) return refuse({ code: 'connection.unknown' }, closedCode)
          const { judgement, message } = judged ?? {}
          if (judgement?.is === 'refused') return refuse(judgement.failure)
          if (judgement?.is !== 'asked' || !message) return visitor.go()
          const { tool } = judgement
          const session = sessionOf(visit)
          if (session.allowed.has(tool)) return visitor.go()
          const held = approvals.hold({
            session,
            tool,
            bytes: bytes.length,
            preview: () => previewOf(argumentsOf(message)),
            settled: (failure) => (failure ? refuse(failure) : visitor.go()),
          })
          if (typeof held === 'function') release = held
          else refuse(held)
        },
      }
    },
  }
}

function keyOf({ client, connection, headers }: HttpVisit): string {
  return JSON.stringify([client, connection, headers['mcp-session-id'] ?? null])
}
