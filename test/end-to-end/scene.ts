import { afterEach } from 'vitest'
import {
  startBridge,
  type BridgeUnderTest,
  type BridgeUnderTestOptions,
} from '../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import {
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
  type StrictAuthorizationServerOptions,
} from '../support/strict-authorization-server.ts'

const open: { close(): Promise<void> }[] = []

/** Closed after the test, the last one first. */
export function closing<T extends { close(): Promise<void> }>(thing: T): T {
  open.unshift(thing)
  return thing
}

afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})

/** A strict authorization server, an MCP server that it protects, and a bridge. */
export interface Scene {
  readonly authorization: StrictAuthorizationServer
  readonly server: McpServerUnderTest
  readonly bridge: BridgeUnderTest
}

/** Sets a scene; all of it is closed after the test. */
export async function setScene(
  options: {
    authorization?: StrictAuthorizationServerOptions
    server?: Omit<McpServerOptions, 'auth'>
    challengeScopes?: string[]
    bridge?: BridgeUnderTestOptions
  } = {},
): Promise<Scene> {
  const authorization = closing(await startStrictAuthorizationServer(options.authorization))
  const { issuer, verify } = authorization
  const { challengeScopes = ['read:issues'] } = options
  const auth = { authorizationServers: [issuer], verify, challengeScopes }
  const server = closing(await startMcpServer({ ...options.server, auth }))
  const bridge = closing(await startBridge(options.bridge))
  return { authorization, server, bridge }
}
