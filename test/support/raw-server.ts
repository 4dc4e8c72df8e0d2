import type { ServerResponse } from 'node:http'
import { sendJson, startLoopback, type Exchange, type Loopback } from './loopback.ts'

/** A JSON-RPC message as a test reads it. */
interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
}

export interface RawServerOptions {
  /** Answers a POST, or returns false and leaves that to the usual answers. */
  readonly react?: (message: Message, exchange: Exchange) => boolean
}

/** A server of the older era over Streamable HTTP that does as it is told: sessions, no stream of its own. */
export interface RawServer {
  readonly url: URL
  readonly loopback: Loopback
  /** The bodies that were posted, as they came, without those of another method. */
  received(method: string): string[]
  /** From now on it knows none of the sessions there are. */
  forgetSessions(): void
  /** How many answers are not at their end. */
  openAnswers(): number
  close(): Promise<void>
}

/** Starts it on 127.0.0.1. */
export async function startRawServer({ react = () => false }: RawServerOptions = {}): Promise<RawServer> {
  const loopback = await startLoopback({ keep: 'requests' })
  const received: { method: string | undefined; body: string }[] = []
  const open = new Set<ServerResponse>()
  let sessions = 0
  let known = new Set<string>()
  loopback.mount((exchange) => {
    const { req, res, url, body } = exchange
    if (url.pathname !== '/mcp') return false
    if (req.method !== 'POST') {
      res.writeHead(req.method === 'DELETE' ? 200 : 405).end()
      return true
    }
    open.add(res)
    res.on('close', () => open.delete(res))
    const text = body.toString()
    const message = JSON.parse(text) as Message
    const session = req.headers['mcp-session-id']
    if (session !== undefined && !known.has(String(session))) {
      res.writeHead(404).end()
      return true
    }
    received.push({ method: message.method, body: text })
    if (react(message, exchange)) return true
    if (message.id === undefined || message.method === undefined) {
      res.writeHead(202).end()
      return true
    }
    const headers: Record<string, string> = {}
    if (message.method === 'initialize') {
      headers['mcp-session-id'] = `session-${++sessions}`
      known.add(`session-${sessions}`)
    }
    // The id as it was written, whatever that is.
    res.writeHead(200, { 'content-type': 'application/json', ...headers })
    res.end(JSON.stringify({ jsonrpc: '2.0', id: message.id, result: resultOf(message) }))
    return true
  })
  return {
    url: new URL('/mcp', loopback.origin),
    loopback,
    received: (method) => received.filter((one) => one.method === method).map(({ body }) => body),
    openAnswers: () => open.size,
    forgetSessions: () => void (known = new Set()),
    close: () => loopback.close(),
  }
}

function resultOf({ method, params }: Message): object {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params?.protocolVersion,
        capabilities: {},
        serverInfo: { name: 'raw', version: '1' },
      }
    case 'tools/list':
      return { tools: [] }
    case 'tools/call':
      return { content: [{ type: 'text', text: params?.arguments?.text ?? '' }] }
    default:
      return {}
  }
}

/** Answers a POST with an event stream of these events, and ends or cuts it. */
export function answerEvents(
  { res, req }: Exchange,
  events: string,
  end: 'end' | 'cut' | 'open' = 'end',
): true {
  res.writeHead(200, { 'content-type': 'text/event-stream' })
  res.write(events, () => {
    if (end === 'cut') req.socket.destroy()
  })
  if (end === 'end') res.end()
  return true
}

/** Answers a POST with JSON. */
export function answerJson({ res }: Exchange, message: object): true {
  sendJson(res, 200, message)
  return true
}
