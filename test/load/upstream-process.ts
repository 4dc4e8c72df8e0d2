import { randomUUID } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { progressCount, type ServerRecord } from './questions.ts'

/*
 * The server under load, in a process of its own: it speaks both eras, says back the nonce of every call, and keeps account. Its first
 * message is its address; to any message it answers with its record.
 */

const [, , authorization] = process.argv
const sessions = new Set<string>()
const nonces = new Set<string>()
const record = { calls: 0, repeated: 0, refused: 0 }

interface Request {
  readonly id?: number
  readonly method: string
  readonly params?: {
    readonly name?: string
    readonly arguments?: { readonly nonce: string }
    readonly _meta?: { readonly progressToken?: number; readonly [key: string]: unknown }
  }
}

function answer({ headers, method }: IncomingMessage, text: string, response: ServerResponse): void {
  if (headers.authorization !== authorization) return refuse(response, 401)
  const session = headers['mcp-session-id']
  if (method === 'DELETE') return void response.writeHead(sessions.delete(String(session)) ? 200 : 404).end()
  if (method !== 'POST') return void response.writeHead(405).end()
  const message = JSON.parse(text) as Request
  const { id, params } = message
  if (message.method === 'initialize') return begin(id, response)
  const isModern = params?._meta?.['io.modelcontextprotocol/protocolVersion'] !== undefined
  const isIntact = isModern ? headers['mcp-name'] === params?.name : sessions.has(String(session))
  if (!isIntact) return refuse(response, 400)
  if (id === undefined) return void response.writeHead(202).end()
  call(message, response)
}

function begin(id: number | undefined, response: ServerResponse): void {
  const session = randomUUID()
  sessions.add(session)
  response.setHeader('Mcp-Session-Id', session)
  const serverInfo = { name: 'load', version: '1.0.0' }
  send(response, { id, result: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo } })
}

function call({ id, method, params }: Request, response: ServerResponse): void {
  if (method === 'tools/list') {
    const tools = [{ name: 'echo', inputSchema: { type: 'object' } }]
    return send(response, { id, result: { tools, resultType: 'complete' } })
  }
  // The bridge asks for lists of its own, to know them when nobody is signed in.
  if (method !== 'tools/call')
    return send(response, { id, error: { code: -32601, message: 'Method not found' } })
  const nonce = params?.arguments?.nonce ?? ''
  const progressToken = params?._meta?.progressToken
  record.calls++
  if (nonces.has(nonce)) record.repeated++
  nonces.add(nonce)
  const result = { content: [{ type: 'text', text: nonce }], resultType: 'complete' }
  if (progressToken === undefined) return send(response, { id, result })
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  for (let progress = 1; progress <= progressCount; progress++) {
    const notification = { progressToken, progress, total: progressCount, message: nonce }
    response.write(event({ method: 'notifications/progress', params: notification }))
  }
  response.end(event({ id, result }))
}

function refuse(response: ServerResponse, status: number): void {
  record.refused++
  response.writeHead(status).end()
}

function send(response: ServerResponse, message: object): void {
  const body = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length }).end(body)
}

function event(message: object): string {
  return `event: message\ndata: ${JSON.stringify({ jsonrpc: '2.0', ...message })}\n\n`
}

const server = createServer((request, response) => {
  const chunks: Buffer[] = []
  request.on('data', (chunk: Buffer) => chunks.push(chunk))
  request.on('end', () => answer(request, Buffer.concat(chunks).toString(), response))
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
})
process.on('message', () => process.send?.(record satisfies ServerRecord))
process.on('disconnect', () => process.exit())
