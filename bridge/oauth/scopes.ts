import { Scope } from '../../shared/connection.ts'

/** Asks for a refresh token. @see [OpenID Connect Core §11](https://openid.net/specs/openid-connect-core-1_0.html#OfflineAccess) */
const OFFLINE_ACCESS = 'offline_access'

/**
 * The scopes in a string, without repeats: separated by spaces (RFC 6749 §3.3) or, as some servers answer, by commas.
 * What cannot be a scope is left out.
 */
export function parseScopes(text: string | undefined): string[] {
  return unionScopes((text ?? '').split(/[\s,]+/))
}

/** All scopes of the lists once, in the order of their first appearance. What cannot be a scope is left out. */
export function unionScopes(...lists: ReadonlyArray<readonly string[] | undefined>): string[] {
  const union = new Set(lists.flatMap((list) => list ?? []))
  return [...union].filter((scope) => Scope.safeParse(scope).success)
}

/**
 * What to ask for at a sign-in: the user's own choice as it is; else the challenge's scopes, else all the resource lists, else none.
 * `offline_access` is asked only, and then always beside other scopes, when the authorization server lists it. Empty: send no `scope`.
 * @see [MCP 2026-07-28, scope selection strategy](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization#scope-selection-strategy)
 */
export function selectScopes(given: {
  readonly chosen?: readonly string[] | undefined
  readonly challenge?: readonly string[] | undefined
  readonly resource?: readonly string[] | undefined
  /** The authorization server's `scopes_supported`. */
  readonly server?: readonly string[] | undefined
}): string[] {
  const { chosen, challenge, resource, server } = given
  if (chosen?.length) return unionScopes(chosen)
  const asked = unionScopes(challenge?.length ? challenge : resource)
  const others = asked.filter((scope) => scope !== OFFLINE_ACCESS)
  // Alone it would narrow the server's own default down to nothing else.
  if (others.length === 0 || !server?.includes(OFFLINE_ACCESS)) return others
  return asked.includes(OFFLINE_ACCESS) ? asked : [...asked, OFFLINE_ACCESS]
}
