import type { RequestListener } from 'node:http'
import type { Log } from '../ports.ts'
import type { ControlHandlers } from './handlers.ts'
import type { ControlSocket } from './one-bridge.ts'

/**
 * Answers the control API on the bridge's own socket. The library behind it is loaded with the first request: a bridge that
 * starts, and one that only serves calls, does without.
 */
export function serveControl(options: { socket: ControlSocket; handlers: ControlHandlers; log: Log }): void {
  const { socket, handlers, log } = options
  let loaded: Promise<RequestListener> | undefined
  socket.answer((request, response) => {
    loaded ??= import('./router.ts').then(({ createRouter, createListener }) =>
      createListener(createRouter(handlers, log, socket.closing)),
    )
    loaded.then(
      (answer) => answer(request, response),
      () => {
        log.error('the control API could not be loaded')
        response.writeHead(500).end()
      },
    )
  })
}
