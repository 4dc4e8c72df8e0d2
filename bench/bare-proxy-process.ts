import { Agent, createServer, request } from 'node:http'
import { listen } from './listen.ts'
import { answerQuestions } from './questions.ts'
import { token } from './scenario.ts'

/**
 * The measure: the least that a proxy on `node:http` can do. It injects the header and pipes both ways over connections that are kept alive. It
 * checks nothing, strips nothing and repeats nothing.
 */
export type BareProxyQuestions = { start: { in: { upstream: string }; out: { url: string } } }

answerQuestions<BareProxyQuestions>({
  async start({ upstream }) {
    const { hostname, port, pathname: path, host } = new URL(upstream)
    const agent = new Agent({ keepAlive: true, noDelay: true, maxSockets: 512 })
    const server = createServer({ noDelay: true, keepAliveTimeout: 60_000 }, (local, response) => {
      const headers = { ...local.headers, host, authorization: `Bearer ${token}` }
      const remote = request(
        { agent, hostname, port, path, method: local.method ?? 'GET', headers },
        (answer) => {
          response.writeHead(answer.statusCode ?? 502, answer.headers)
          answer.pipe(response)
        },
      )
      remote.on('error', () => response.destroy())
      response.on('close', () => remote.destroy())
      local.pipe(remote)
    })
    return { url: `http://127.0.0.1:${await listen(server)}/mcp` }
  },
})
