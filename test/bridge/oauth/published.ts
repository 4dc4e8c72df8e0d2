import { discover, type Discovery } from '../../../bridge/oauth/discovery.ts'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { documents, serve, type Loopback } from './loopback.ts'

/** The well-known places of a server at `/mcp`, of one at the root, and of an authorization server. */
export const PATH = '/.well-known/oauth-protected-resource/mcp'
export const ROOT = '/.well-known/oauth-protected-resource'
export const SERVER = '/.well-known/oauth-authorization-server'
export const OPENID = '/.well-known/openid-configuration'

/** The least an authorization server must publish. */
export const metadata = (issuer: string, more: object = {}): Record<string, unknown> => ({
  issuer,
  authorization_endpoint: `${issuer}/authorize`,
  token_endpoint: `${issuer}/token`,
  ...more,
})

/** Discovery as for a server at this path, with or without a challenge. */
export const find = (
  server: Loopback,
  {
    path = '/mcp',
    challenged,
    preferredIssuer,
  }: { path?: string; challenged?: string; preferredIssuer?: string } = {},
): Promise<Discovery> =>
  discover({
    url: server.url(path),
    fetch: createGuardedFetch({ server: server.url(path) }),
    preferredIssuer,
    ...(challenged === undefined ? {} : { challenge: { resourceMetadata: challenged } }),
  })

/** A server whose documents may speak of its own address. */
export async function publish(table: (origin: string) => Record<string, unknown>): Promise<Loopback> {
  const server: Loopback = await serve((request, response) => {
    documents(() => table(server.origin))(request, response)
  })
  return server
}

/** A resource server with metadata for `/mcp` that names these issuers. */
export const resourceOf = (...issuers: string[]): Promise<Loopback> =>
  publish((origin) => ({ [PATH]: { resource: `${origin}/mcp`, authorization_servers: issuers } }))
