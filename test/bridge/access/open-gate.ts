import { openAccess, type Access } from '../../../bridge/access/access.ts'
import { HttpGate } from '../../../bridge/access/http-gate.ts'
import type { Activity, CallFacts, CallOutcome } from '../../../bridge/activity/recorder.ts'
import type { Clock } from '../../../bridge/ports.ts'
import { systemClock } from '../../../bridge/system-clock.ts'
import type { Vault } from '../../../bridge/vault/record.ts'
import type { AccessChange, Verdict } from '../../../shared/access.ts'
import type { BridgeEvent } from '../../../shared/events.ts'

/** A vault that keeps its records in memory, as the real one writes them: as JSON. `broken` refuses to write. */
export function memoryVault(): Vault & { readonly records: Map<string, string>; broken: unknown } {
  const records = new Map<string, string>()
  const keyOf = (kind: string, id: string): string => `${kind} ${id}`
  return {
    records,
    broken: undefined,
    read(kind, id) {
      const text = records.get(keyOf(kind.name, id))
      return text === undefined ? undefined : kind.parse(JSON.parse(text), kind.version)
    },
    ids: ({ name }) =>
      [...records.keys()]
        .filter((key) => key.startsWith(`${name} `))
        .map((key) => key.slice(name.length + 1)),
    async write(...changes) {
      if (this.broken !== undefined) throw this.broken
      for (const { kind, id, value } of changes) {
        if (value === undefined) records.delete(keyOf(kind.name, id))
        else records.set(keyOf(kind.name, id), JSON.stringify(value))
      }
    },
    close: () => Promise.resolve(),
  }
}

/** A call as the record has it once it has ended. */
interface Noted extends CallFacts, Partial<CallOutcome> {}

/** An activity that keeps what it is told, in order of the beginnings. */
function keepActivity(): Activity & { readonly noted: Noted[] } {
  const noted: Noted[] = []
  return {
    noted,
    begin(facts) {
      const one: Noted = { ...facts }
      noted.push(one)
      let isOver = false
      return {
        wantsPayload: false,
        payload: () => undefined,
        end(outcome) {
          if (!isOver) Object.assign(one, outcome)
          isOver = true
        },
      }
    },
  }
}

/** Who may use what, with everything around it. */
export interface OpenGate extends Access {
  readonly gate: HttpGate
  readonly vault: ReturnType<typeof memoryVault>
  readonly activity: ReturnType<typeof keepActivity>
  readonly events: BridgeEvent[]
  /** Sets a rule for a client app at the connection `remote`. */
  readonly rule: (client: string, tool: string, verdict: Verdict | 'default') => Promise<void>
}

/** Access as a bridge has it, on a vault in memory. */
export function openGate({
  waitMs = 60_000,
  clock = systemClock,
}: { waitMs?: number; clock?: Clock } = {}): OpenGate {
  const vault = memoryVault()
  const activity = keepActivity()
  const events: BridgeEvent[] = []
  const silent = (): void => undefined
  const log = { debug: silent, info: silent, warn: silent, error: silent }
  const access = openAccess({ vault, clock, log, waitMs: () => waitMs, emit: (event) => events.push(event) })
  return {
    ...access,
    vault,
    activity,
    events,
    gate: new HttpGate({ ...access, activity }),
    async rule(client, tool, verdict) {
      await access.policies.change(client, [ruleFor(client, tool, verdict)])
    },
  }
}

/** The change that sets a rule, at the connection `remote` unless another is named. */
export function ruleFor(
  client: string,
  tool: string,
  verdict: Verdict | 'default',
  connection = 'remote',
): AccessChange {
  return { sets: 'rule', client, connection: connection as never, tool, verdict }
}
