import { afterEach } from 'vitest'
import { connectControl, type ControlClient } from '../../../bridge/control/client.ts'
import { bridgePaths } from '../../../bridge/paths.ts'
import { startBridgeProcess, type BridgeProcess } from '../../support/bridge-process.ts'
import { startStdioClient, type StdioClient } from '../../support/stdio-client.ts'
import { createTemporaryHome, type TemporaryHome } from '../../support/temporary-home.ts'

const open: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const close of open.splice(0)) await close()
})

/** Ends something after the test. */
export function afterwards(close: () => Promise<unknown>): void {
  open.unshift(close)
}

/** A built bridge in a process of its own, and client apps that spawn the built shim for all of its connections. */
export interface AllScene {
  readonly home: TemporaryHome
  readonly control: ControlClient
  /** Adds connections, by their ids. */
  connect(servers: Readonly<Record<string, URL>>): Promise<void>
  /** Spawns the shim as a client app does, without a connection. */
  spawn(): StdioClient
  /** Ends the bridge with SIGKILL and starts another one in its place. */
  killAndRestart(): Promise<void>
}

/** Sets the scene; all of it is closed after the test. */
export async function setAllScene(servers: Readonly<Record<string, URL>>): Promise<AllScene> {
  const home = await createTemporaryHome()
  const { socket } = bridgePaths({
    platform: process.platform,
    userHome: home.folder,
    user: 'test',
    home: home.bridge,
  })
  const control = connectControl(socket)
  let bridge: BridgeProcess = await startBridgeProcess(home)
  afterwards(async () => {
    // A shim may have started another bridge after this one was killed.
    await control.bridge.stop({}).catch(() => undefined)
    await bridge.kill()
    await home.remove()
  })
  const connect: AllScene['connect'] = async (added) => {
    for (const [id, url] of Object.entries(added)) await control.connections.add({ url: url.href, id })
  }
  await connect(servers)
  return {
    home,
    control,
    connect,
    spawn() {
      const client = startStdioClient(home, undefined, { env: { BRIDGEKEEPER_HOME: home.bridge } })
      afterwards(async () => void client.child.kill('SIGKILL'))
      return client
    },
    async killAndRestart() {
      await bridge.kill()
      bridge = await startBridgeProcess(home)
    },
  }
}
