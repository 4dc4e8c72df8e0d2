import { AppAccess, type AccessChange } from '../../shared/access.ts'
import { toFailure, BridgeError } from '../../shared/errors.ts'
import type { Log } from '../ports.ts'
import type { RecordKind, Vault } from '../vault/record.ts'
import {
  changed,
  closedPolicy,
  defaultAccess,
  isDefault,
  openPolicy,
  policyFor,
  type ConnectionPolicy,
} from './policy.ts'

/** Looks up what an app may do. It is asked for every message, so that it must cost nothing. */
export interface PolicyLookup {
  /** The same object as long as nothing changes. */
  policyOf(client: string, connection: string): ConnectionPolicy
  /** Calls `changed` after every change of what this app may use. Returns what ends that. */
  watch(client: string, changed: () => void): () => void
  /** The same for all apps. */
  watchAll(changed: (client: string) => void): void
}

/** What all client apps may use, sealed in the vault. */
export interface Policies extends PolicyLookup {
  /** What an app may use. Throws `vault.record_invalid` where that cannot be read; such an app may use nothing. */
  get(client: string): AppAccess
  /** All apps that something was said about. */
  list(): AppAccess[]
  /**
   * Makes changes of one app's access, all or none. When it resolves they are on disk, durably, and in force. Rejects with
   * `access.rule_invalid` or `vault.write_failed`, and nothing has changed then.
   */
  change(client: string, changes: readonly AccessChange[]): Promise<AppAccess>
}

/** The record of one client app; its id is the app's name. */
const accessRecords: RecordKind<Omit<AppAccess, 'client'>> = {
  name: 'access',
  version: 1,
  parse: (value) => AppAccess.omit({ client: true }).parse(value),
}

interface Known {
  /** Undefined where the record cannot be read. */
  readonly access: AppAccess | undefined
  readonly policies: Map<string, ConnectionPolicy>
}

/** Reads what there is from the vault. What cannot be read allows nothing. */
export function openPolicies(vault: Vault, log: Log): Policies {
  const known = new Map<string, Known>()
  const watchers = new Map<string, Set<() => void>>()
  const watchersOfAll: ((client: string) => void)[] = []
  const turns = new Map<string, Promise<unknown>>()

  for (const client of vault.ids(accessRecords)) {
    try {
      const record = vault.read(accessRecords, client)
      if (record) known.set(client, { access: { client, ...record }, policies: new Map() })
    } catch (thrown) {
      known.set(client, { access: undefined, policies: new Map() })
      log.error('what a client app may use cannot be read: it may use nothing', {
        client,
        code: toFailure(thrown).code,
      })
    }
  }

  const get = (client: string): AppAccess => {
    const one = known.get(client)
    if (one && !one.access) throw new BridgeError('vault.record_invalid', `access of ${client}`)
    return one?.access ?? defaultAccess(client)
  }

  async function make(client: string, changes: readonly AccessChange[]): Promise<AppAccess> {
    const next = AppAccess.safeParse(changes.reduce(changed, get(client)))
    if (!next.success) throw new BridgeError('access.rule_invalid')
    const { client: _, ...value } = next.data
    const isGone = isDefault(next.data)
    await vault.write({ kind: accessRecords, id: client, value: isGone ? undefined : value })
    if (isGone) known.delete(client)
    else known.set(client, { access: next.data, policies: keptPolicies(known.get(client), next.data) })
    for (const tell of watchers.get(client) ?? []) tell()
    for (const tell of watchersOfAll) tell(client)
    return next.data
  }

  return {
    policyOf(client, connection) {
      const one = known.get(client)
      if (!one) return openPolicy
      if (!one.access) return closedPolicy
      const cached = one.policies.get(connection)
      if (cached) return cached
      const policy = policyFor(one.access, connection)
      one.policies.set(connection, policy)
      return policy
    },
    watch(client, changed) {
      const others = watchers.get(client) ?? new Set()
      watchers.set(client, others.add(changed))
      return () => {
        others.delete(changed)
        if (others.size === 0 && watchers.get(client) === others) watchers.delete(client)
      }
    },
    watchAll: (changed) => void watchersOfAll.push(changed),
    get,
    list: () => [...known.values()].flatMap(({ access }) => access ?? []),
    change(client, changes) {
      // One after the other for an app: each begins with what the one before has left.
      const again = (): Promise<AppAccess> => make(client, changes)
      const made = (turns.get(client) ?? Promise.resolve()).then(again, again)
      turns.set(client, made)
      const forget = (): void => {
        if (turns.get(client) === made) turns.delete(client)
      }
      made.then(forget, forget)
      return made
    },
  }
}

/** The policies of connections that a change did not touch stay the same objects, so that nobody is told of it for nothing. */
function keptPolicies(before: Known | undefined, after: AppAccess): Map<string, ConnectionPolicy> {
  const kept = new Map<string, ConnectionPolicy>()
  for (const [connection, policy] of before?.policies ?? []) {
    if (before?.access && isSameFor(before.access, after, connection)) kept.set(connection, policy)
  }
  return kept
}

function isSameFor(one: AppAccess, other: AppAccess, connection: string): boolean {
  const of = ({ connections, rules }: AppAccess): string =>
    JSON.stringify([
      connections === 'all' || connections.some((id) => id === connection),
      rules.filter((rule) => rule.connection === connection),
    ])
  return of(one) === of(other)
}
