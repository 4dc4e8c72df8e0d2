import type { Approval, ApprovalAnswer, ApprovalDetails, ApprovalOutcome } from '../../shared/access.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, type Failure } from '../../shared/errors.ts'
import type { BridgeEvent } from '../../shared/events.ts'
import type { Clock } from '../ports.ts'
import type { Policies } from './policies.ts'
import type { ConnectionPolicy } from './policy.ts'

/** A call that needs a person's answer. */
export interface AskedCall {
  readonly session: ApprovalSession
  readonly tool: string
  /** How large the message is that is kept meanwhile, in bytes. */
  readonly bytes: number
  /** What the call is made with, for the person who decides; made when it is looked at. */
  preview(): string
  /** The answer: what the call is refused with, or undefined where it goes on. It is called at most once, and not by `hold` itself. */
  settled(failure: Failure | undefined): void
}

/** One session of a client app at one connection, for as long as approvals "for this session" hold. */
export interface ApprovalSession {
  readonly client: string
  readonly connection: string
  /** Names of tools that were allowed for the session. */
  readonly allowed: Set<string>
}

/** The calls that wait for a person. */
export interface Approvals {
  openSession(client: string, connection: string): ApprovalSession
  /** Ends a session: what was allowed for it is allowed no more. */
  closeSession(session: ApprovalSession): void
  /** Holds a call. Returns what lets it go without an answer, or why it cannot be held. */
  hold(call: AskedCall): (() => void) | Failure
  /** The calls that wait, the oldest first. */
  list(): ApprovalDetails[]
  /**
   * Answers one call and, where the answer lasts, all that ask the same. Rejects with `access.approval_unknown`, `access.rule_invalid` or
   * `vault.write_failed`; the call waits on then.
   */
  answer(id: string, answer: ApprovalAnswer): Promise<void>
  /** Forgets what was allowed for sessions of an app at a connection: a person has set its rules anew. */
  forgetSessions(client: string, connection: string): void
  /** Refuses all calls that wait with `bridge.busy`. */
  close(): void
}

/** What approvals need from the bridge around them. */
export interface ApprovalsOptions {
  readonly policies: Policies
  readonly clock: Clock
  /** How long a call waits, in milliseconds. */
  readonly waitMs: () => number
  readonly emit: (event: BridgeEvent) => void
}

/** How many calls of one client app wait at most, and how many bytes they have together, unless it is one alone. */
const mostHeld = 1_000
const mostHeldBytes = 64 * 1024 * 1024
/** For how many tools a session remembers that they were allowed. */
const mostAllowed = 1_000

interface Held {
  readonly call: AskedCall
  readonly approval: Approval
  stopWaiting(): void
}

/** No call waits yet. */
export function createApprovals({ policies, clock, waitMs, emit }: ApprovalsOptions): Approvals {
  const held = new Map<string, Held>()
  const sessions = new Set<ApprovalSession>()
  /** By client app: its calls that wait, and what ends the watch over its rules. */
  const apps = new Map<string, { readonly calls: Set<Held>; bytes: number; unwatch(): void }>()
  let last = 0
  let isClosed = false

  /** Takes a call out; false where another answer was faster. */
  function takeOut(one: Held, outcome: ApprovalOutcome): boolean {
    const { id, client } = one.approval
    if (!held.delete(id)) return false
    one.stopWaiting()
    const app = apps.get(client)
    if (app) {
      app.calls.delete(one)
      app.bytes -= one.call.bytes
      if (app.calls.size === 0) {
        app.unwatch()
        apps.delete(client)
      }
    }
    emit({ event: 'approval-settled', id, outcome })
    return true
  }

  function settle(one: Held, outcome: Exclude<ApprovalOutcome, 'left'>): void {
    if (takeOut(one, outcome)) one.call.settled(outcome === 'allowed' ? undefined : refusals[outcome])
  }

  /** The rules of an app have changed: they may answer what waits. */
  function review(client: string): void {
    for (const one of apps.get(client)?.calls ?? []) {
      const { session, tool } = one.call
      const verdict = verdictOn(policies.policyOf(client, session.connection), tool)
      if (verdict === 'allow') settle(one, 'allowed')
      else if (verdict !== 'ask' && takeOut(one, 'denied')) one.call.settled(verdict)
    }
  }

  return {
    openSession(client, connection) {
      const session = { client, connection, allowed: new Set<string>() }
      sessions.add(session)
      return session
    },
    closeSession: (session) => void sessions.delete(session),
    hold(call) {
      const { client, connection } = call.session
      const app = apps.get(client) ?? { calls: new Set<Held>(), bytes: 0, unwatch: () => undefined }
      const isTooMuch = app.calls.size > 0 && app.bytes + call.bytes > mostHeldBytes
      if (app.calls.size >= mostHeld || isTooMuch) return { code: 'access.too_many_asked' }
      if (isClosed) return { code: 'bridge.busy' }
      const wait = waitMs()
      if (wait === 0) return refusals.expired
      const since = clock.now()
      const approval: Approval = {
        id: String(++last),
        client,
        connection: connection as ConnectionId,
        tool: presentable(call.tool),
        since,
        expires: since + wait,
      }
      const one: Held = { call, approval, stopWaiting: clock.after(wait, () => settle(one, 'expired')) }
      held.set(approval.id, one)
      app.calls.add(one)
      app.bytes += call.bytes
      if (app.calls.size === 1) {
        app.unwatch = policies.watch(client, () => review(client))
        apps.set(client, app)
      }
      emit({ event: 'approval-asked', approval })
      return () => void takeOut(one, 'left')
    },
    list: () => [...held.values()].map(({ approval, call }) => ({ ...approval, preview: call.preview() })),
    async answer(id, { verdict, lasts }) {
      const one = held.get(id)
      if (!one) throw new BridgeError('access.approval_unknown')
      const { session, tool } = one.call
      if (lasts === 'always') {
        // A tool whose name would be a pattern must not get a rule that is about others.
        if (tool.includes('*')) throw new BridgeError('access.rule_invalid', 'its name has a * in it')
        const { client, connection } = one.approval
        // What waits for the same is answered by the change of the rules.
        await policies.change(client, [{ sets: 'rule', client, connection, tool, verdict }])
      } else if (lasts === 'session') {
        if (session.allowed.size < mostAllowed) session.allowed.add(tool)
        const alike = [...held.values()].filter(({ call }) => call.session === session && call.tool === tool)
        for (const other of alike) settle(other, 'allowed')
      }
      settle(one, verdict === 'allow' ? 'allowed' : 'denied')
    },
    forgetSessions(client, connection) {
      for (const session of sessions) {
        if (session.client === client && session.connection === connection) session.allowed.clear()
      }
    },
    close() {
      isClosed = true
      for (const one of held.values()) if (takeOut(one, 'left')) one.call.settled({ code: 'bridge.busy' })
    },
  }
}

const refusals = {
  denied: { code: 'access.call_denied' },
  expired: { code: 'access.not_approved' },
} as const satisfies Record<string, Failure>

function verdictOn({ isOpen, rules }: ConnectionPolicy, tool: string): 'allow' | 'ask' | Failure {
  if (!isOpen) return { code: 'connection.unknown' }
  const verdict = rules?.verdictOf(tool) ?? 'allow'
  return verdict === 'deny' ? { code: 'access.tool_denied' } : verdict
}

function presentable(tool: string): string {
  const shown = tool.replace(/\p{C}/gu, '')
  return shown.length > 200 ? `${shown.slice(0, 200)}…` : shown
}
