import { ConnectionId } from '../../shared/connection.ts'
import type { Proof } from './proof.ts'

interface Known {
  readonly id: ConnectionId
  readonly url: string
}

/**
 * Gives entries the ids of the connections that they would become: that of the connection which has the address already,
 * the same for entries of several apps that reach one server in the same way, and another for every other.
 */
export function connectionIds(
  connections: readonly Known[],
): (name: string, way: Proof & { readonly url: string }) => { id: ConnectionId; exists: boolean } {
  const given = new Map<string, ConnectionId>()
  const used = new Set<string>(connections.map(({ id }) => id))
  return (name, { url, ...proof }) => {
    const slug = slugOf(name) || slugOf(URL.canParse(url) ? new URL(url).hostname : '') || 'server'
    const known = connections.filter((connection) => isSameAddress(connection.url, url))
    const exact = known.find(({ id }) => id === slug) ?? (known.length === 1 ? known[0] : undefined)
    if (exact) return { id: exact.id, exists: true }
    const way = JSON.stringify([url, proof.auth, proof.clientId ?? '', wayOf(proof)])
    const same = given.get(way)
    if (same) return { id: same, exists: false }
    let id = slug
    for (let count = 2; used.has(id); count += 1) id = `${slug.slice(0, 36)}-${count}`
    used.add(id)
    const connection = ConnectionId.parse(id)
    given.set(way, connection)
    return { id: connection, exists: false }
  }
}

/** Two accounts of one server are told apart by what proves them. */
function wayOf({ bearer, headers }: Proof): readonly string[] {
  return [bearer?.reveal() ?? '', ...(headers ?? []).map(({ name, value }) => `${name}: ${value.reveal()}`)]
}

function slugOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-|-$/g, '')
    .slice(0, 40)
    .replace(/-$/, '')
}

function isSameAddress(a: string, b: string): boolean {
  return URL.canParse(a) && URL.canParse(b) && new URL(a).href === new URL(b).href
}
