import { ConnectionId, Scope } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'

/** An id as typed. What cannot be an id is no connection's. Throws `connection.unknown`. */
export function parseId(typed: string): ConnectionId {
  const parsed = ConnectionId.safeParse(typed)
  if (!parsed.success) throw new BridgeError('connection.unknown', typed.slice(0, 100))
  return parsed.data
}

/** Scopes as typed, each alone or several separated by spaces, as authorization servers write them. Throws `cli.usage`. */
export function parseScopes(typed: readonly string[] | undefined): string[] | undefined {
  if (typed === undefined || typed.length === 0) return undefined
  const scopes = typed.flatMap((words) => words.split(/\s+/).filter(Boolean))
  for (const scope of scopes) {
    if (!Scope.safeParse(scope).success)
      throw new BridgeError('cli.usage', `not a scope: ${scope.slice(0, 100)}`)
  }
  return [...new Set(scopes)]
}

/** A header as typed, `Name: value`. Throws `connection.header_invalid`, which never shows what may be the secret. */
export function parseHeader(typed: string): { name: string; value: string } {
  const colon = typed.indexOf(':')
  if (colon < 1) throw new BridgeError('connection.header_invalid', 'there is no colon after a name')
  return { name: typed.slice(0, colon).trim(), value: typed.slice(colon + 1).trim() }
}

/** The arguments of a tool as typed, a JSON object. Throws `cli.usage`. */
export function parseArguments(typed: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(typed)
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) {
      return parsed as Record<string, unknown>
    }
  } catch {
    // What the parser says of it may repeat a secret.
  }
  throw new BridgeError(
    'cli.usage',
    'the arguments of a tool are one JSON object, such as \'{"query": "x"}\'',
  )
}
