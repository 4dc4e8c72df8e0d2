import { lookup } from 'node:dns/promises'
import { BridgeError } from '../../shared/errors.ts'
import {
  classifyAddress,
  classifyHost,
  isLocalhostName,
  isLoopbackHost,
  mayReach,
  mostPublic,
  type AddressClass,
} from './addresses.ts'

/** Addresses of a host name; rejects when there are none. */
export type Resolve = (hostname: string) => Promise<readonly string[]>

/** What may be reached on behalf of one server. */
export interface Reach {
  /** Rejects what is refused without asking for the host's addresses: scheme, credentials, literals. */
  readonly check: (url: URL) => Promise<void>
  /** The addresses of a URL's host that may be connected to, at least one. The caller connects to these and asks no one else. */
  readonly addresses: (url: URL) => Promise<readonly string[]>
}

/**
 * Judges addresses by the server the user typed: nothing further inside than it lies, plain http on this machine only.
 * All rejections are `network.*`, `url.not_http` or `url.credentials`.
 */
export function createReach(server: URL, resolve: Resolve = resolveBySystem): Reach {
  const literal = classifyHost(server.hostname)
  let known = literal

  const resolved = async (hostname: string): Promise<readonly string[]> => {
    const addresses = await resolve(hostname).catch((thrown: unknown) => {
      const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : 'no address'
      throw new BridgeError('network.unreachable', `${hostname}: ${code}`)
    })
    if (addresses.length === 0) throw new BridgeError('network.unreachable', `${hostname}: no address`)
    // A name can answer with this machine once and with the internet when its metadata is read. Only the most public answer counts.
    if (hostname === server.hostname && literal === undefined) {
      known = mostPublic([...(known ? [known] : []), ...addresses.map(classifyAddress)])
    }
    return addresses
  }

  const classOfServer = async (): Promise<AddressClass> => {
    if (known === undefined) await resolved(server.hostname)
    return known ?? 'public'
  }

  const check = async (url: URL): Promise<void> => {
    if (url.protocol !== 'https:' && url.protocol !== 'http:')
      throw new BridgeError('url.not_http', url.protocol)
    if (url.username || url.password) throw new BridgeError('url.credentials', url.host)
    const host = classifyHost(url.hostname)
    if (host !== undefined && host !== 'public' && !mayReach(await classOfServer(), host)) {
      throw new BridgeError('network.private_address', url.hostname)
    }
    if (url.protocol === 'http:' && !isLoopbackHost(url.hostname)) {
      throw new BridgeError('network.plain_http', url.hostname)
    }
  }

  const addresses = async (url: URL): Promise<readonly string[]> => {
    await check(url)
    const host = classifyHost(url.hostname)
    if (host !== undefined && !isLocalhostName(url.hostname)) return [url.hostname.replace(/^\[|\]$/g, '')]
    const found = await resolved(url.hostname)
    // What is public may be reached whatever the server is: so access to one that is gone, name and all, can still be revoked.
    const isPublic = found.every((address) => classifyAddress(address) === 'public')
    const from = isPublic ? 'public' : await classOfServer()
    const near = found.filter((address) => mayReach(from, classifyAddress(address)))
    if (near.length === 0) throw new BridgeError('network.private_address', url.hostname)
    const safe = url.protocol === 'https:' ? near : near.filter((one) => classifyAddress(one) === 'loopback')
    if (safe.length === 0) throw new BridgeError('network.plain_http', url.hostname)
    return safe
  }

  return { check, addresses }
}

async function resolveBySystem(hostname: string): Promise<readonly string[]> {
  // RFC 6761 §6.3: names below localhost are this machine, though many resolvers do not know it.
  const found = await lookup(isLocalhostName(hostname) ? 'localhost' : hostname, { all: true })
  return found.map(({ address }) => address)
}
