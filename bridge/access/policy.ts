import type { AccessChange, AccessRule, AppAccess, Verdict } from '../../shared/access.ts'

/** What is known of tools that need a verdict. */
export interface ToolRules {
  /** The verdict on a tool, by its whole name. */
  verdictOf(tool: string): Verdict
  /** Whether any tool can be denied, so that lists must be looked through. */
  readonly mayDeny: boolean
}

/** What one client app may do at one connection. */
export interface ConnectionPolicy {
  readonly isOpen: boolean
  /** Undefined where every tool is allowed. */
  readonly rules: ToolRules | undefined
}

/** Everything is allowed, as for an app that nothing was said about. */
export const openPolicy: ConnectionPolicy = { isOpen: true, rules: undefined }
/** Nothing is allowed. */
export const closedPolicy: ConnectionPolicy = { isOpen: false, rules: undefined }

/** What an app may use that nothing was said about. */
export function defaultAccess(client: string): AppAccess {
  return { client, connections: 'all', rules: [] }
}

/** Whether nothing is said in it that the defaults do not say. */
export function isDefault({ connections, rules }: AppAccess): boolean {
  return connections === 'all' && rules.length === 0
}

/** What an app may do at one connection. */
export function policyFor({ connections, rules }: AppAccess, connection: string): ConnectionPolicy {
  if (connections !== 'all' && !connections.some((id) => id === connection)) return closedPolicy
  const own = rules.filter((rule) => rule.connection === connection)
  return own.every(({ verdict }) => verdict === 'allow') ? openPolicy : { isOpen: true, rules: compile(own) }
}

/** The access after a change. Of rules for one connection and one pattern there is one. */
export function changed(access: AppAccess, change: AccessChange): AppAccess {
  if (change.sets === 'connections') {
    const { connections } = change
    return { ...access, connections: connections === 'all' ? 'all' : [...new Set(connections)].sort() }
  }
  const { connection, tool, verdict } = change
  const others = access.rules.filter(
    (rule) => rule.connection !== connection || folded(rule.tool) !== folded(tool),
  )
  const rules = verdict === 'default' ? others : [...others, { connection, tool, verdict }]
  return { ...access, rules: rules.sort(byPlace) }
}

function byPlace(one: AccessRule, other: AccessRule): number {
  return compareText(one.connection, other.connection) || compareText(one.tool, other.tool)
}

function compareText(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0
}

const severity: Record<Verdict, number> = { allow: 0, ask: 1, deny: 2 }

/**
 * Rules made ready to be asked often. The most specific rule counts: a whole name before any pattern, then the pattern with the most characters
 * that are not `*`; of two that are equal in this, the stricter one. Without any rule a tool is allowed.
 */
function compile(rules: readonly AccessRule[]): ToolRules {
  const exact = new Map<string, Verdict>()
  const patterns: {
    readonly parts: readonly string[]
    readonly weight: number
    readonly verdict: Verdict
  }[] = []
  for (const { tool, verdict } of rules) {
    const pattern = folded(tool)
    const known = exact.get(pattern)
    if (pattern.includes('*')) {
      const parts = pattern.split('*')
      patterns.push({ parts, weight: pattern.length - parts.length + 1, verdict })
    } else if (known === undefined || severity[verdict] > severity[known]) exact.set(pattern, verdict)
  }
  patterns.sort((one, other) => other.weight - one.weight || severity[other.verdict] - severity[one.verdict])
  return {
    mayDeny: rules.some(({ verdict }) => verdict === 'deny'),
    verdictOf(tool) {
      const name = folded(tool)
      return exact.get(name) ?? patterns.find(({ parts }) => isMatch(name, parts))?.verdict ?? 'allow'
    },
  }
}

/**
 * Case does not count: what a person types is meant, and some servers take any case. No server has two tools that differ in case alone and in
 * what they may do.
 */
function folded(name: string): string {
  return name.toLowerCase()
}

/** Whether a name consists of these parts with anything between them. No name and no pattern makes it slow. */
function isMatch(name: string, parts: readonly string[]): boolean {
  const first = parts[0] ?? ''
  const last = parts[parts.length - 1] ?? ''
  if (name.length < first.length + last.length || !name.startsWith(first) || !name.endsWith(last))
    return false
  const end = name.length - last.length
  let at = first.length
  for (const part of parts.slice(1, -1)) {
    const found = name.indexOf(part, at)
    if (found < 0 || found + part.length > end) return false
    at = found + part.length
  }
  return true
}
