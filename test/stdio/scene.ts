import { afterEach } from 'vitest'
import { connectControl, type ControlClient } from '../../bridge/control/client.ts'
import { bridgePaths } from '../../bridge/paths.ts'
import { startBridgeProcess, type BridgeProcess } from '../support/bridge-process.ts'
import { approve } from '../support/browser.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import { startStdioClient, type StdioClient } from '../support/stdio-client.ts'
import {
  startStrictAuthorizationServer,
  type StrictAuthorizationServer,
} from '../support/strict-authorization-server.ts'
import { createTemporaryHome, type TemporaryHome } from '../support/temporary-home.ts'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** A built bridge in a process of its own with one connection, `issues`, and client apps that spawn the built shim. */
export interface StdioScene {
  readonly home: TemporaryHome
  readonly control: ControlClient
  readonly authorization: StrictAuthorizationServer
  readonly server: McpServerUnderTest
  /** Spawns the shim as a client app does. */
  spawn(connection?: string, args?: readonly string[]): StdioClient
  signIn(): Promise<void>
  /** Ends the bridge with SIGKILL and starts another one in its place. */
  killAndRestart(): Promise<void>
  kill(): Promise<void>
}

/** Sets the scene, signed in unless told otherwise; all of it is closed after the test. */
export async function setStdioScene(
  options: { server?: Omit<McpServerOptions, 'auth'>; signedIn?: boolean } = {},
): Promise<StdioScene> {
  const authorization = await startStrictAuthorizationServer()
  open.unshift(() => authorization.close())
  const { issuer, verify } = authorization
  const auth = { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] }
  const server = await startMcpServer({ ...options.server, auth })
  open.unshift(() => server.close())
  const home = await createTemporaryHome()
  const paths = bridgePaths({
    platform: process.platform,
    userHome: home.folder,
    user: 'test',
    home: home.bridge,
  })
  const control = connectControl(paths.socket)
  let bridge: BridgeProcess = await startBridgeProcess(home)
  open.unshift(async () => {
    // A shim may have started another bridge after this one was killed.
    await control.bridge.stop({}).catch(() => undefined)
    await bridge.kill()
    await home.remove()
  })
  const id = 'issues' as never
  await control.connections.add({ url: server.url.href, id: 'issues' })
  const signIn = async (): Promise<void> => {
    for await (const event of await control.connections.signIn({ id, openBrowser: false })) {
      if (event.event === 'authorize') await approve(event.url)
      if (event.event === 'failed') throw new Error(`the sign-in failed: ${event.code}`)
    }
  }
  if (options.signedIn !== false) await signIn()
  return {
    home,
    control,
    authorization,
    server,
    signIn,
    spawn(connection = 'issues', args = []) {
      const client = startStdioClient(home, connection, { args, env: { BRIDGEKEEPER_HOME: home.bridge } })
      open.unshift(async () => void client.child.kill('SIGKILL'))
      return client
    },
    async killAndRestart() {
      await bridge.kill()
      bridge = await startBridgeProcess(home)
    },
    kill: () => bridge.kill(),
  }
}
