import ipaddr from 'ipaddr.js'

/** How far inside an address lies: the whole internet, a private network, this machine. */
export type AddressClass = 'public' | 'private' | 'loopback'

const depth: Record<AddressClass, number> = { public: 0, private: 1, loopback: 2 }

/** Answers with instance metadata and keys inside Azure, though its range is public. */
const AZURE_PLATFORM = '168.63.129.16'

/**
 * The class of an IP address (IPv4 or IPv6 text, brackets and zone allowed). Only what is known to be globally reachable is `public`;
 * what cannot be read counts as `private`.
 * @see [IANA special-purpose addresses](https://www.rfc-editor.org/rfc/rfc6890.html)
 */
export function classifyAddress(address: string): AddressClass {
  const text = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  if (ipaddr.IPv4.isValidFourPartDecimal(text)) return classifyIPv4(ipaddr.IPv4.parse(text))
  if (ipaddr.IPv6.isValid(text)) return classifyIPv6(ipaddr.IPv6.parse(text))
  return 'private'
}

/** The class of a URL's host where no name needs to be resolved: an IP literal or a localhost name; otherwise undefined. */
export function classifyHost(hostname: string): AddressClass | undefined {
  if (isLocalhostName(hostname)) return 'loopback'
  const literal = hostname.startsWith('[') || ipaddr.IPv4.isValidFourPartDecimal(hostname)
  return literal ? classifyAddress(hostname) : undefined
}

/** Whether a name is reserved for this machine. @see [RFC 6761 §6.3](https://www.rfc-editor.org/rfc/rfc6761.html#section-6.3) */
export function isLocalhostName(hostname: string): boolean {
  return /^(?:.+\.)?localhost\.?$/i.test(hostname)
}

/** Whether a host may be reached by plain http: 127.0.0.0/8, [::1], localhost and *.localhost, as a URL's `hostname` spells them. */
export function isLoopbackHost(hostname: string): boolean {
  if (isLocalhostName(hostname) || hostname === '[::1]') return true
  return ipaddr.IPv4.isValidFourPartDecimal(hostname) && hostname.startsWith('127.')
}

/** Whether a server of class `from` may point us at an address of class `to`: never further inside than it lies itself. */
export function mayReach(from: AddressClass, to: AddressClass): boolean {
  return depth[to] <= depth[from]
}

/** The class that is reachable by most, of those given; `private` for none. */
export function mostPublic(classes: readonly AddressClass[]): AddressClass {
  return [...classes].sort((a, b) => depth[a] - depth[b])[0] ?? 'private'
}

function classifyIPv4(ip: ipaddr.IPv4): AddressClass {
  const range = ip.range()
  // Connecting to 0.0.0.0 reaches this machine on Linux and macOS.
  if (range === 'loopback' || range === 'unspecified') return 'loopback'
  return range === 'unicast' && ip.toString() !== AZURE_PLATFORM ? 'public' : 'private'
}

function classifyIPv6(ip: ipaddr.IPv6): AddressClass {
  const range = ip.range()
  if (range === 'loopback' || range === 'unspecified') return 'loopback'
  if (range === 'ipv4Mapped') return classifyIPv4(ip.toIPv4Address())
  const embedded = embeddedIPv4(ip)
  // A translator would carry the packet to the inner address, on its own side of the network: never this machine.
  if (embedded) return classifyIPv4(embedded) === 'public' ? 'public' : 'private'
  // 2000::/3 is all that was ever given out for the internet.
  return range === 'unicast' && (ip.parts[0] ?? 0) >> 13 === 1 ? 'public' : 'private'
}

/** The IPv4 address inside an IPv6 one that stands for it: NAT64, 6to4, RFC 6145 translation, or the old `::a.b.c.d`. */
function embeddedIPv4(ip: ipaddr.IPv6): ipaddr.IPv4 | undefined {
  const bytes = ip.toByteArray()
  const starts = (...prefix: number[]): boolean => prefix.every((byte, index) => bytes[index] === byte)
  const zeros = (count: number): number[] => Array.from({ length: count }, () => 0)
  if (starts(0x20, 0x02)) return new ipaddr.IPv4(bytes.slice(2, 6))
  const translated =
    starts(0x00, 0x64, 0xff, 0x9b, ...zeros(8)) ||
    starts(...zeros(8), 0xff, 0xff, 0, 0) ||
    starts(...zeros(12))
  return translated ? new ipaddr.IPv4(bytes.slice(12)) : undefined
}
