import type { IncomingHttpHeaders } from 'node:http'
import type { Approvals, ApprovalSession } from './approvals.ts'

/** Whose session of which connection, by the headers of any of its requests. */
interface SessionVisit {
  readonly client: string
  readonly connection: string
  readonly headers: IncomingHttpHeaders
}

/** How many sessions are remembered; the one that was used least recently is forgotten. */
const mostSessions = 1_000

/**
 * The sessions of HTTP clients for approvals. One lasts until the client deletes it. Clients of the current revision have none: what is allowed "for
 * this session" is allowed to such an app until the bridge ends.
 */
export class HttpSessions {
  readonly #approvals: Approvals
  readonly #sessions = new Map<string, ApprovalSession>()

  constructor(approvals: Approvals) {
    this.#approvals = approvals
  }

  of(visit: SessionVisit): ApprovalSession {
    const key = keyOf(visit)
    const session = this.#sessions.get(key) ?? this.#approvals.openSession(visit.client, visit.connection)
    this.#sessions.delete(key)
    this.#sessions.set(key, session)
    const [oldest] = this.#sessions.keys()
    if (this.#sessions.size > mostSessions && oldest !== undefined) this.#end(oldest)
    return session
  }

  end(visit: SessionVisit): void {
    if (this.#sessions.size > 0) this.#end(keyOf(visit))
  }

  #end(key: string): void {
    const session = this.#sessions.get(key)
    this.#sessions.delete(key)
    if (session) this.#approvals.closeSession(session)
  }
}

function keyOf({ client, connection, headers }: SessionVisit): string {
  return JSON.stringify([client, connection, headers['mcp-session-id'] ?? null])
}
