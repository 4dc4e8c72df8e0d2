import { mkdir, writeFile } from 'node:fs/promises'
import { connectControl, type ControlClient } from '../bridge/control/client.ts'
import { systemPaths } from '../bridge/paths.ts'
import { startBridgeProcess, type BridgeProcess } from '../test/support/bridge-process.ts'
import { createTemporaryHome, type TemporaryHome } from '../test/support/temporary-home.ts'
import { token } from './scenario.ts'

/** A home for bridges that are started one after the other. The key is in a file, since no keychain of the machine is to be asked. */
export async function createBridgeHome(): Promise<TemporaryHome> {
  const home = await createTemporaryHome()
  await mkdir(home.bridge, { mode: 0o700 })
  await writeFile(systemPaths({ BRIDGEKEEPER_HOME: home.bridge }).settings, '{ "keyStore": "key-file" }')
  return home
}

/** Starts the built bridge in a home and gives the control API of it, too. */
export async function startBridge(
  home: TemporaryHome,
): Promise<BridgeProcess & { readonly control: ControlClient }> {
  const bridge = await startBridgeProcess(home)
  return { ...bridge, control: connectControl(systemPaths({ BRIDGEKEEPER_HOME: home.bridge }).socket) }
}

/** Adds a connection that needs no sign-in and gives its endpoint. */
export async function addConnection(control: ControlClient, upstream: string, id: string): Promise<string> {
  const { connection } = await control.connections.add({ url: upstream, id, bearer: token })
  const { url } = await control.connections.endpoint({ id: connection.id, client: 'bench' })
  return url
}
