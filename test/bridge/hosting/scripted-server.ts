import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { serveRemote, until } from '../gateway/support.ts'
import type { Message } from './raw.ts'

/** A request of the scripted server's, which is under way. */
interface ScriptedCall {
  readonly message: Message
  readonly headers: IncomingHttpHeaders
  readonly hasEnded: boolean
  /** Sends a message as an event of its stream. */
  say(message: Message): void
  /** Answers with a result, or with a whole error. */
  answer(result: object, status?: number): void
  readonly response: ServerResponse
}

/** A server of the older era, or of both, that does what the test says. */
export interface ScriptedServer {
  readonly url: URL
  /** All messages that came, in order. */
  readonly messages: Message[]
  readonly deleted: string[]
  /** Resolves with the request of this method, or call of this tool, once it has come; every one is given once. */
  taken(name: string): Promise<ScriptedCall>
  /** Says a message on the stream of the server's own account. */
  say(message: Message): Promise<void>
}

/** Starts a server that answers `initialize` and `tools/list` by itself and everything else by the test's word. */
export async function startScriptedServer(): Promise<ScriptedServer> {
  const calls: ScriptedCall[] = []
  const messages: Message[] = []
  const deleted: string[] = []
  let own: ServerResponse | undefined
  let sessions = 0
  const remote = await serveRemote(async (request, response) => {
    const session = request.headers['mcp-session-id']
    if (request.method === 'DELETE') {
      deleted.push(String(session))
      response.writeHead(200).end()
    } else if (request.method === 'GET') {
      own = response
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    } else await take(request, response)
  })

  async function take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const message = JSON.parse((await buffer(request)).toString()) as Message
    messages.push(message)
    if (message.method === undefined || message.id === undefined) {
      response.writeHead(202).end()
    } else if (message.method === 'initialize') {
      const { protocolVersion } = message.params
      const result = { protocolVersion, capabilities: {}, serverInfo: { name: 'scripted', version: '1' } }
      response.writeHead(200, {
        'content-type': 'application/json',
        'mcp-session-id': `its-own-${++sessions}`,
      })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    } else if (message.method === 'tools/list') {
      const result = { resultType: 'complete', tools: [] }
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result }))
    } else calls.push(scripted(message, request, response))
  }

  return {
    url: remote.url,
    messages,
    deleted,
    async taken(name) {
      const isIt = ({ message }: ScriptedCall): boolean =>
        message.method === name || message.params?.name === name
      await until(() => calls.some(isIt))
      return calls.splice(calls.findIndex(isIt), 1)[0] as ScriptedCall
    },
    async say(message) {
      await until(() => own !== undefined)
      own?.write(`data: ${JSON.stringify(message)}\n\n`)
    },
  }
}

function scripted(message: Message, { headers }: IncomingMessage, response: ServerResponse): ScriptedCall {
  let hasEnded = false
  response.on('close', () => (hasEnded = true))
  const head = { 'content-type': 'text/event-stream' }
  return {
    message,
    headers,
    response,
    get hasEnded() {
      return hasEnded
    },
    say(said) {
      if (!response.headersSent) response.writeHead(200, head)
      response.write(`data: ${JSON.stringify({ jsonrpc: '2.0', ...said })}\n\n`)
    },
    answer(outcome, status = 200) {
      const body = JSON.stringify({
        jsonrpc: '2.0',
        id: message.id,
        ...('error' in outcome ? outcome : { result: outcome }),
      })
      if (response.headersSent) response.end(`data: ${body}\n\n`)
      else response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    },
  }
}
