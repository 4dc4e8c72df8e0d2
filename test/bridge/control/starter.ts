/** A process that starts a bridge when its parent says so, and tells whether it is the one. */
import process from 'node:process'
import { listenAlone } from '../../../bridge/control/one-bridge.ts'
import { serveControl } from '../../../bridge/control/server.ts'
import { ensureHome, systemPaths } from '../../../bridge/paths.ts'
import { handlersWith, recordedLog, status } from './handlers.ts'

process.on('message', (home: string) => {
  const paths = systemPaths({ BRIDGEKEEPER_HOME: home })
  ensureHome(paths)
  listenAlone(paths).then(
    (found) => {
      if ('alone' in found) {
        const handlers = handlersWith({ bridge: { status: async () => ({ ...status, pid: process.pid }) } })
        serveControl({ socket: found.alone, handlers, log: recordedLog().log })
        process.send?.({ alone: process.pid })
      } else {
        process.send?.({ already: found.already.pid })
      }
    },
    (error: unknown) => process.send?.({ error: String(error) }),
  )
})
process.on('disconnect', () => process.exit())
process.send?.('waiting')
