import { afterEach } from 'vitest'
import { connectControl, type ControlClient } from '../../bridge/control/client.ts'
import { bridgePaths } from '../../bridge/paths.ts'
import { startBridgeProcess, type BridgeProcess } from '../support/bridge-process.ts'
import { approve } from '../support/browser.ts'
import { startMcpServer, type McpServerOptions, type McpServerUnderTest } from '../support/mcp-server.ts'
import { startRawServer, type RawServer, type RawServerOptions } from '../support/raw-server.ts'
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

/** A built bridge in a process of its own, and client apps that spawn the built shim. */
interface BridgeScene {
  readonly home: TemporaryHome
  readonly control: ControlClient
  /** The process of the bridge that runs now. */
  readonly pid: () => number
  /** Spawns the shim as a client app does. */
  readonly spawn: (connection?: string, args?: readonly string[]) => StdioClient
  /** The same for all connections. */
  readonly spawnAll: (args?: readonly string[]) => StdioClient
  /** Ends the bridge with SIGKILL and starts another one in its place. */
  killAndRestart(): Promise<void>
  kill(): Promise<void>
}

/** With one connection, `issues`. */
export interface StdioScene extends BridgeScene {
  readonly authorization: StrictAuthorizationServer
  readonly server: McpServerUnderTest
  signIn(): Promise<void>
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
  const scene = await setBridgeScene('issues')
  const { control } = scene
  const id = 'issues' as never
  await control.connections.add({ url: server.url.href, id: 'issues' })
  const signIn = async (): Promise<void> => {
    for await (const event of await control.connections.signIn({ id, openBrowser: false })) {
      if (event.event === 'authorize') await approve(event.url)
      if (event.event === 'failed') throw new Error(`the sign-in failed: ${event.code}`)
    }
  }
  if (options.signedIn !== false) await signIn()
  return { ...scene, authorization, server, signIn }
}

/** With one connection, `raw`. */
export interface RawScene extends BridgeScene {
  readonly server: RawServer
}

/** Sets the scene with a server that does as it is told. */
export async function setRawScene(options: RawServerOptions = {}): Promise<RawScene> {
  const server = await startRawServer(options)
  open.unshift(() => server.close())
  const scene = await setBridgeScene('raw')
  await scene.control.connections.add({ url: server.url.href, id: 'raw', bearer: 'a-token-of-the-tests' })
  return { ...scene, server }
}

async function setBridgeScene(usual: string): Promise<BridgeScene> {
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
  const spawn = (connection: string | undefined, args: readonly string[]): StdioClient => {
    const client = startStdioClient(home, connection, { args, env: { BRIDGEKEEPER_HOME: home.bridge } })
    open.unshift(() => client.kill())
    return client
  }
  return {
    home,
    control,
    pid: () => bridge.pid,
    spawn: (connection = usual, args = []) => spawn(connection, args),
    spawnAll: (args = []) => spawn(undefined, args),
    async killAndRestart() {
      await bridge.kill()
      // A shim that lost its bridge starts one too, and may be first.
      bridge = await startBridgeProcess(home, {}, { orRunning: true })
    },
    kill: () => bridge.kill(),
  }
}
