import type { ServerResponse } from 'node:http'
import { sendJson, startLoopback, type Exchange, type Loopback } from './loopback.ts'

/** A JSON-RPC message as a test reads it. */
export interface Message {
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any }
}

/** One event stream that a client has opened. */
export interface SseStream {
  /** Counts from 1. */
  readonly number: number
  /** What the client has posted, in order of arrival. */
  readonly received: readonly Message[]
  readonly response: ServerResponse
  /** Sends one `message` event. */
  say(message: object): void
  /** Ends the stream as a server does that restarts. */
  cut(): void
}

/** Answers what was posted; true when it has answered the POST as well. */
type Reaction = (message: Message, stream: SseStream, exchange: Exchange) => boolean | void

export interface SseServerOptions {
  /** What the `endpoint` event of a stream says; undefined: there is no such event. By default a path of each stream's own. */
  readonly endpoint?: (stream: number, origin: string) => string | undefined
  /** Instead of the usual answers. */
  readonly react?: Reaction
}

/** A server of 2024-11-05 that does as it is told: `/sse` and `/messages`. */
export interface SseServer {
  readonly url: URL
  readonly loopback: Loopback
  /** All streams there ever were. */
  readonly streams: readonly SseStream[]
  /** The methods of everything that was posted, with the number of the stream: `1 tools/list`. */
  readonly said: readonly string[]
  close(): Promise<void>
}

/** Starts it on 127.0.0.1. */
export async function startSseServer(options: SseServerOptions = {}): Promise<SseServer> {
  const { endpoint = (stream) => `/messages?stream=${stream}`, react = answerAsUsual } = options
  const loopback = await startLoopback({ keep: 'requests' })
  const streams: (SseStream & { received: Message[] })[] = []
  const said: string[] = []

  loopback.mount((exchange) => {
    const { req, res, url, body } = exchange
    if (url.pathname === '/sse' && req.method === 'GET') {
      open(res)
      return true
    }
    if (url.pathname !== '/messages' || req.method !== 'POST') return false
    const stream = streams[Number(url.searchParams.get('stream')) - 1]
    if (!stream || stream.response.writableEnded || stream.response.destroyed) return false
    const message = JSON.parse(body.toString()) as Message
    stream.received.push(message)
    said.push(`${stream.number} ${message.method ?? 'answer'}`)
    if (!react(message, stream, exchange)) res.writeHead(202).end('Accepted')
    return true
  })

  function open(response: ServerResponse): void {
    const number = streams.length + 1
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    response.flushHeaders()
    streams.push({
      number,
      received: [],
      response,
      say: (message) => void response.write(`event: message\ndata: ${JSON.stringify(message)}\n\n`),
      cut: () => void response.end(),
    })
    const place = endpoint(number, loopback.origin)
    if (place !== undefined) response.write(`event: endpoint\ndata: ${place}\n\n`)
  }

  return { url: new URL('/sse', loopback.origin), loopback, streams, said, close: () => loopback.close() }
}

/** Answers everything but a call of the tool `wait`. */
export function answerAsUsual({ id, method, params }: Message, stream: SseStream): void {
  if (id === undefined || method === undefined || params?.name === 'wait') return
  stream.say({ jsonrpc: '2.0', id, result: resultOf(method, params, stream) })
}

function resultOf(method: string, params: Message['params'], { number }: SseStream): object {
  switch (method) {
    case 'initialize':
      return { protocolVersion: '2024-11-05', capabilities: {}, serverInfo: { name: 'old', version: '1' } }
    case 'tools/list':
      return { tools: [], _meta: { stream: number } }
    case 'tools/call':
      return { content: [{ type: 'text', text: params?.arguments?.text ?? '' }] }
    default:
      return {}
  }
}

/** Answers a POST with a JSON-RPC message in its body. */
export function answerInBody({ res }: Exchange, message: object): true {
  sendJson(res, 200, message)
  return true
}
