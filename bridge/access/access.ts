import type { BridgeEvent } from '../../shared/events.ts'
import type { ControlHandlers } from '../control/handlers.ts'
import type { Clock, Log } from '../ports.ts'
import type { Vault } from '../vault/record.ts'
import { createApprovals, type Approvals } from './approvals.ts'
import { openPolicies, type Policies } from './policies.ts'

/** What access needs from the bridge around it. */
export interface AccessOptions {
  readonly vault: Vault
  readonly clock: Clock
  readonly log: Log
  /** How long a call waits for a person, in milliseconds. */
  readonly waitMs: () => number
  readonly emit: (event: BridgeEvent) => void
}

/** Who may use what, and the calls that wait for a person. */
export interface Access {
  readonly policies: Policies
  readonly approvals: Approvals
}

/** Reads what there is from the vault. */
export function openAccess({ vault, clock, log, waitMs, emit }: AccessOptions): Access {
  const policies = openPolicies(vault, log)
  return { policies, approvals: createApprovals({ policies, clock, waitMs, emit }) }
}

/** The procedures of access. A connection that is named must exist, unless a rule for it is taken out. */
export function createAccessHandlers(
  { policies, approvals }: Access,
  connections: { get(id: string): unknown },
): Pick<ControlHandlers, 'access' | 'approvals'> {
  return {
    access: {
      list: async () => policies.list(),
      get: async ({ client }) => policies.get(client),
      async set(change) {
        const { client } = change
        if (change.sets === 'rule') {
          if (change.verdict !== 'default') connections.get(change.connection)
          approvals.forgetSessions(client, change.connection)
        } else if (change.connections !== 'all') change.connections.forEach((id) => connections.get(id))
        return await policies.change(client, [change])
      },
    },
    approvals: {
      list: async () => approvals.list(),
      async answer({ id, answer }) {
        await approvals.answer(id, answer)
        return {}
      },
    },
  }
}
