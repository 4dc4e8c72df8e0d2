import { createServer, type ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { listen } from './listen.ts'
import { answerQuestions } from './questions.ts'
import { messages, now, paceMs, token, type Tool } from './scenario.ts'

/** The remote server: it wants the token and answers as fast as it can. */
export type UpstreamQuestions = { start: { in: undefined; out: { url: string } } }

const result = (text: string): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, result: { content: [{ type: 'text', text }] } }))
const megabytes = (count: number): Buffer => result('x'.repeat(count * 1024 * 1024))

const results: Partial<Record<Tool, Buffer>> = {
  echo: result('The quick brown fox jumps over the lazy dog.'),
  'result-1': megabytes(1),
  'result-10': megabytes(10),
}

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    if (request.headers.authorization !== `Bearer ${token}`) {
      response.writeHead(401, { 'www-authenticate': 'Bearer' }).end()
      return
    }
    const tool = request.headers['mcp-name'] as Tool
    const body = results[tool] ?? results.echo
    if (tool === 'burst' || tool === 'paced') void stream(response, tool === 'paced')
    else
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-length': body?.length })
        .end(body)
  })
})
server.keepAliveTimeout = 60_000

async function stream(response: ServerResponse, isPaced: boolean): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (let progress = 1; progress <= messages; progress++) {
    const params = { progressToken: 1, progress, total: messages, at: now() }
    response.write(event({ method: 'notifications/progress', params }))
    if (isPaced) await sleep(paceMs)
  }
  response.end(event({ id: 1, result: { content: [] } }))
}

function event(message: object): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
}

answerQuestions<UpstreamQuestions>({
  start: async () => ({ url: `http://127.0.0.1:${await listen(server)}/mcp` }),
})
