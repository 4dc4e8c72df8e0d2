// The remote server of the benchmark: it wants the token, answers as fast as it can, and says how many requests it saw.
const { createServer } = require('node:http')

const [, , authorization, delayMs] = process.argv
const text = 'The quick brown fox jumps over the lazy dog.'
let requests = 0

const server = createServer((incoming, answer) => {
  const chunks = []
  requests++
  incoming.on('data', (chunk) => chunks.push(chunk))
  incoming.on('end', () => {
    const refusal =
      incoming.headers.authorization !== authorization ? 401 : incoming.method !== 'POST' ? 405 : 0
    if (refusal) {
      answer.writeHead(refusal).end()
      return
    }
    const message = JSON.parse(Buffer.concat(chunks).toString())
    if (delayMs > 0) setTimeout(() => respond(message, answer), delayMs)
    else respond(message, answer)
  })
})
server.keepAliveTimeout = 60_000

function respond({ id, method, params }, answer) {
  if (id === undefined) {
    answer.writeHead(202).end()
    return
  }
  if (params?.name === 'burst') {
    burst(id, params, answer)
    return
  }
  const result =
    method === 'initialize'
      ? { protocolVersion: '2025-11-25', capabilities: {}, serverInfo: { name: 'bench', version: '1.0.0' } }
      : method === 'tools/list'
        ? { tools: [{ name: 'echo', inputSchema: { type: 'object' } }], resultType: 'complete' }
        : { content: [{ type: 'text', text }], resultType: 'complete' }
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', id, result }))
  answer.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

function burst(id, { arguments: { count }, _meta: { progressToken } }, answer) {
  answer.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let progress = 1; progress <= count; progress++) {
    const params = { progressToken, progress, total: count }
    answer.write(event({ jsonrpc: '2.0', method: 'notifications/progress', params }))
  }
  answer.end(
    event({ jsonrpc: '2.0', id, result: { content: [{ type: 'text', text }], resultType: 'complete' } }),
  )
}

function event(message) {
  return `event: message\ndata: ${JSON.stringify(message)}\n\n`
}

process.on('message', () => process.send({ requests }))
server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}/mcp` }))
