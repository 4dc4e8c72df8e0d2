import { afterEach } from 'vitest'
import {
  startBridge,
  type BridgeUnderTest,
  type BridgeUnderTestOptions,
} from '../../support/bridge-under-test.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../../support/mcp-server.ts'
import {
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
} from '../../support/strict-authorization-server.ts'
import { openClient, type ChannelClientUnderTest } from './channel-client.ts'
import type { Json } from '../../../bridge/channel/channel.ts'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A bridge with one connection, `issues`, to a server that asks for a sign-in. */
export interface LastKnownScene {
  readonly bridge: BridgeUnderTest
  readonly authorization: StrictAuthorizationServer
  readonly server: McpServerUnderTest
  /** A client app at the connection. */
  client(session?: Json): ChannelClientUnderTest
  signIn(): Promise<void>
  revoke(): Promise<void>
  stop(): Promise<void>
  /** Ends the bridge, unless it has ended, and starts another one in its home. */
  restart(): Promise<void>
  /** How many requests the server has got so far. */
  readonly asked: () => number
}

/** Sets the scene, signed in unless told otherwise; all of it is closed after the test. */
export async function setScene(
  options: {
    server?: Omit<McpServerOptions, 'auth'>
    bridge?: BridgeUnderTestOptions
    signedIn?: boolean
  } = {},
): Promise<LastKnownScene> {
  const authorization = await startStrictAuthorizationServer()
  open.unshift(() => authorization.close())
  const { issuer, verify } = authorization
  const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
  const server = await startMcpServer({ ...options.server, auth })
  open.unshift(() => server.close())
  let bridge = await startBridge(options.bridge)
  let isStopped = false
  open.unshift(() => (isStopped ? bridge.home.remove() : bridge.close()))
  const id = 'issues'
  await bridge.add(server.url, { id })
  const scene: LastKnownScene = {
    get bridge() {
      return bridge
    },
    authorization,
    server,
    client(session) {
      const { channels } = bridge.bridge
      const client = openClient((above) => channels.openConnection(id, above, 'stdio'), session)
      open.unshift(async () => client.channel.close(true))
      return client
    },
    async signIn() {
      const last = (await bridge.signIn(id)).at(-1)
      if (last?.event !== 'connected') throw new Error(`the sign-in ended with ${JSON.stringify(last)}`)
    },
    async revoke() {
      await bridge.revoke(id)
    },
    async stop() {
      if (!isStopped) await bridge.stop()
      isStopped = true
    },
    async restart() {
      const { home } = bridge
      await scene.stop()
      isStopped = false
      bridge = await startBridge({ ...options.bridge, home })
    },
    asked: () => server.loopback.requestsOf(server.url.pathname).length,
  }
  if (options.signedIn !== false) await scene.signIn()
  return scene
}
