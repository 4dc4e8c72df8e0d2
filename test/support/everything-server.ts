import { createRequire } from 'node:module'
import { startNode, type RunningProcess } from './process.ts'
import { createTemporaryHome } from './temporary-home.ts'

/** The reference server "everything" of the older era, in a process of its own. */
export interface EverythingServer {
  readonly url: URL
  readonly process: RunningProcess
  close(): Promise<void>
}

/**
 * The server listens on all interfaces and does not say on which port. This runs before it, in its process: listening
 * goes to 127.0.0.1, and the port is told.
 */
const listenOnLoopback = `
  import { Server } from 'node:net'
  const { listen } = Server.prototype
  Server.prototype.listen = function (port, ...rest) {
    this.once('listening', () => console.log(JSON.stringify({ port: this.address().port })))
    return listen.call(this, Number(port), '127.0.0.1', ...rest)
  }
`

/** Starts `@modelcontextprotocol/server-everything` over Streamable HTTP, or HTTP+SSE, on a free port of 127.0.0.1. */
export async function startEverythingServer(
  transport: 'streamableHttp' | 'sse' = 'streamableHttp',
): Promise<EverythingServer> {
  const home = await createTemporaryHome()
  const entry = createRequire(import.meta.url).resolve(
    '@modelcontextprotocol/server-everything/dist/index.js',
  )
  const preload = `data:text/javascript,${encodeURIComponent(listenOnLoopback)}`
  const running = startNode(['--import', preload, entry, transport], {
    env: { ...home.env, PORT: '0' },
  })
  const { port } = await running.json<{ port: number }>((line) => typeof line.port === 'number')
  return {
    url: new URL(`http://127.0.0.1:${port}/${transport === 'sse' ? 'sse' : 'mcp'}`),
    process: running,
    async close() {
      await running.kill()
      await home.remove()
    },
  }
}
