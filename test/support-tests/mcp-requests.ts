import { Client, StreamableHTTPClientTransport, type ClientOptions } from '@modelcontextprotocol/client'
import { onTestFinished } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import { signInRaw } from '../support/raw-sign-in.ts'
import type { ResourceProtection } from '../support/resource-protection.ts'

export type Era = 'modern' | 'session'

/** Starts a server that ends with the test. */
export async function startMcp(options: McpServerOptions = {}): Promise<McpServerUnderTest> {
  const server = await startMcpServer(options)
  onTestFinished(() => server.close())
  return server
}

/** Connects a client that ends with the test. */
export async function connect(
  url: URL,
  era: Era,
  token?: string,
  options: ClientOptions = {},
): Promise<Client> {
  const mode: ClientOptions = era === 'modern' ? { versionNegotiation: { mode: { pin: '2026-07-28' } } } : {}
  const client = new Client({ name: 'test', version: '1.0.0' }, { ...mode, ...options })
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
  await client.connect(new StreamableHTTPClientTransport(url, { requestInit: { headers } }))
  onTestFinished(() => client.close())
  return client
}

/** A server that needs a sign-in, and a token for it with these scopes. */
export async function startProtected(
  scopes: readonly string[],
  protection: Partial<ResourceProtection> = {},
  options: McpServerOptions = {},
): Promise<{ server: McpServerUnderTest; token: string; issuer: string }> {
  const authorization = await startAuthorizationServer()
  onTestFinished(() => authorization.close())
  const auth = { authorizationServers: [authorization.issuer], verify: authorization.verify, ...protection }
  const server = await startMcp({ ...options, auth })
  const { tokens } = await signInRaw(authorization.issuer, { resource: server.url.href, scopes })
  return { server, token: tokens.access_token, issuer: authorization.issuer }
}

/** The smallest request of the older era, by hand. */
export function ask(url: URL, token?: string): Promise<Response> {
  return fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'initialize',
      params: {
        protocolVersion: '2025-11-25',
        capabilities: {},
        clientInfo: { name: 'by hand', version: '1.0.0' },
      },
    }),
  })
}
