import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { connectControl } from '../../../bridge/control/client.ts'
import { listenAlone } from '../../../bridge/control/one-bridge.ts'
import { serveControl } from '../../../bridge/control/server.ts'
import { ensureHome, systemPaths } from '../../../bridge/paths.ts'
import { handlersWith, recordedLog } from './handlers.ts'

/** A home of its own for a test. */
export async function newHome() {
  const home = await mkdtemp(join(tmpdir(), 'bk-'))
  onTestFinished(() => rm(home, { recursive: true, force: true }))
  return { home, paths: systemPaths({ BRIDGEKEEPER_HOME: home }) }
}

/** The control API on a real socket, with an implementation of the test's own. */
export async function startControl(parts: Parameters<typeof handlersWith>[0] = {}) {
  const { home, paths } = await newHome()
  ensureHome(paths)
  const found = await listenAlone(paths)
  if (!('alone' in found)) throw new Error('another bridge in a new home')
  const socket = found.alone
  const { log, lines } = recordedLog()
  onTestFinished(() => socket.close())
  serveControl({ socket, handlers: handlersWith(parts), log })
  return { home, paths, socket, lines, client: connectControl(paths.socket) }
}
