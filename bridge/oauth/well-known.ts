import type { ServerMetadata } from './grant.ts'

/**
 * Where a protected resource publishes its metadata, in the order to try: between host and path, then at the root.
 * @see [RFC 9728 §3.1](https://www.rfc-editor.org/rfc/rfc9728.html#section-3.1)
 */
export function protectedResourceMetadataUrls(resource: URL): URL[] {
  const root = at(resource, '/.well-known/oauth-protected-resource')
  const specific = at(resource, `${root.pathname}${pathOf(resource)}`)
  specific.search = resource.search
  return specific.href === root.href ? [root] : [specific, root]
}

/**
 * Where an authorization server publishes its metadata, in the order the MCP specification sets.
 * @see [MCP 2026-07-28, authorization server metadata discovery](https://modelcontextprotocol.io/specification/2026-07-28/basic/authorization/authorization-server-discovery#authorization-server-metadata-discovery)
 */
export function authorizationServerMetadataUrls(issuer: URL): URL[] {
  // RFC 8414 §3.1 and OpenID Connect Discovery §4.1 take a terminating slash away first.
  const path = pathOf(issuer).replace(/\/$/, '')
  const paths = [
    `/.well-known/oauth-authorization-server${path}`,
    `/.well-known/openid-configuration${path}`,
    ...(path ? [`${path}/.well-known/openid-configuration`] : []),
  ]
  return paths.map((candidate) => at(issuer, candidate))
}

/**
 * The endpoints of a server without any metadata, at its origin.
 * @see [MCP 2025-03-26, fallbacks](https://modelcontextprotocol.io/specification/2025-03-26/basic/authorization#fallbacks-for-servers-without-metadata-discovery)
 */
export function fallbackServerMetadata(server: URL): ServerMetadata {
  const { origin } = server
  return {
    issuer: origin,
    authorization_endpoint: `${origin}/authorize`,
    token_endpoint: `${origin}/token`,
    registration_endpoint: `${origin}/register`,
  }
}

function pathOf(url: URL): string {
  return url.pathname === '/' ? '' : url.pathname
}

/** A path at a URL's origin. Set and not resolved: `//other.example/x` as a path must not lead to another host. */
function at(url: URL, path: string): URL {
  const result = new URL(url.origin)
  result.pathname = path
  return result
}
