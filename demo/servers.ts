import {
  startAuthorizationServer,
  type AuthorizationEvents,
  type AuthorizationServer,
} from '../test/support/authorization-server.ts'
import { startMcpServer, type McpServerUnderTest } from '../test/support/mcp-server.ts'

export interface DemoServersOptions {
  /** HTML pages with Allow and Deny for a person, or approval by redirects alone. */
  readonly approval: 'automatic' | 'pages'
  /** The life of an access token; 3 by default, so that a refresh is seen soon. */
  readonly accessTokenSeconds?: number
  /** What happens at the authorization server, as it happens. */
  readonly on?: Partial<AuthorizationEvents>
}

/** A remote world in small: an authorization server and an MCP server that requires it, on this machine. */
export interface DemoServers {
  readonly authorizationServer: AuthorizationServer
  /** `whoami` and `echo` need `read:issues`, `write_issue` needs `write:issues`; both are offered. */
  readonly mcpServer: McpServerUnderTest
  /** The access token that the MCP server saw last, to show later that it is refused. */
  lastBearer(): string | undefined
  /** The status that the MCP server answers to a request with this token: 401 when it is not good any more. */
  statusFor(token: string): Promise<number>
  close(): Promise<void>
}

/** Starts both servers on free ports of 127.0.0.1. */
export async function startDemoServers(options: DemoServersOptions): Promise<DemoServers> {
  const { approval, accessTokenSeconds = 3, on = {} } = options
  const scopes = ['read:issues', 'write:issues']
  const authorizationServer = await startAuthorizationServer({ approval, accessTokenSeconds, scopes, on })
  const mcpServer = await startMcpServer({
    auth: {
      authorizationServers: [authorizationServer.issuer],
      verify: authorizationServer.verify,
      challengeScopes: ['read:issues'],
      scopesSupported: scopes,
    },
    toolScopes: { whoami: ['read:issues'], echo: ['read:issues'], write_issue: ['write:issues'] },
  })
  return {
    authorizationServer,
    mcpServer,
    lastBearer() {
      const bearers = mcpServer.loopback.requestsOf(mcpServer.url.pathname).flatMap(({ headers }) => {
        const token = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1]
        return token === undefined ? [] : [token]
      })
      return bearers.at(-1)
    },
    async statusFor(token) {
      const { status, body } = await fetch(mcpServer.url, {
        headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
      })
      await body?.cancel()
      return status
    },
    async close() {
      await mcpServer.close()
      await authorizationServer.close()
    },
  }
}
