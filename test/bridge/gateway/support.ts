import { once } from 'node:events'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { onTestFinished } from 'vitest'
import type { CallOrigin, Credentials, Upstream } from '../../../bridge/connections/upstream.ts'
import { openGate } from '../access/open-gate.ts'
import { createGateway, type GatewayOptions } from '../../../bridge/gateway/gateway.ts'
import type { Log } from '../../../bridge/ports.ts'
import type { Failure } from '../../../shared/errors.ts'

export const key = 'a-client-key-of-the-tests'
export const client = 'Test Client'

/** One line of a log. */
export interface LogLine {
  readonly level: keyof Log
  readonly message: string
  readonly fields: Record<string, unknown> | undefined
}

/** A log that keeps its lines. */
export function recordLog(): Log & { readonly lines: LogLine[] } {
  const lines: LogLine[] = []
  const at = (level: keyof Log) => (message: string, fields?: Record<string, unknown>) =>
    void lines.push({ level, message, fields })
  return { lines, debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

/** Answers one request of the remote server; a promise that rejects cuts the connection. */
export type RemoteAnswer = (request: IncomingMessage, response: ServerResponse) => unknown

/** A remote server on loopback, closed with the test. */
export async function serveRemote(
  answer: RemoteAnswer,
): Promise<{ url: URL; server: http.Server; sockets: Set<Socket> }> {
  const server = http.createServer((request, response) => {
    Promise.resolve(answer(request, response)).catch(() => request.socket.destroy())
  })
  const sockets = new Set<Socket>()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => undefined)
  })
  const port = await listenOnLoopback(server)
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return { url: new URL(`http://127.0.0.1:${port}/remote/mcp`), server, sockets }
}

async function listenOnLoopback(server: http.Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** An access that the test can end, with credentials that count how often they were asked for. */
export interface TestAccess extends Upstream {
  readonly refusals: (string | undefined)[]
  /** The generations of the credentials that the server took. */
  readonly taken: number[]
  readonly stepUps: { challenge: string; by: CallOrigin; signal: AbortSignal }[]
  end(reason?: unknown): void
}

export const token = (generation: number): Credentials => ({
  headers: { authorization: `Bearer token-${generation}` },
  generation,
})

/** An access to `url` whose first token is `token-1`; a refused one is replaced by the next. */
export function accessTo(url: URL, own: Partial<Upstream> = {}): TestAccess {
  const access = new AbortController()
  const refusals: (string | undefined)[] = []
  const taken: number[] = []
  const stepUps: TestAccess['stepUps'] = []
  const first = token(1)
  return {
    url,
    ended: access.signal,
    credentials: () => first,
    refused(used, challenge) {
      refusals.push(challenge)
      return Promise.resolve(token(used.generation + 1))
    },
    accepted: ({ generation }) => void taken.push(generation),
    stepUp(used, challenge, by, signal) {
      stepUps.push({ challenge, by, signal })
      return Promise.resolve(token(used.generation + 1))
    },
    asksStepUp: (status, challenge) => status === 403 && challenge?.includes('insufficient_scope') === true,
    ...own,
    refusals,
    taken,
    stepUps,
    end: (reason) => access.abort(reason),
  }
}

/** A gateway in front of one connection named `remote`. */
export async function serveGateway(access: Upstream, own: Partial<GatewayOptions> = {}) {
  const log = recordLog()
  const gateway = createGateway({
    upstreams: { get: (id) => (id === 'remote' ? access : undefined) },
    clients: { clientOf: (presented) => (presented === key ? client : undefined) },
    gate: openGate().gate,
    settings: () => ({ 'gateway.maxRequestBytes': 1024 * 1024 }),
    log,
    ...own,
  })
  const port = await gateway.listen('127.0.0.1', 0)
  onTestFinished(() => gateway.close())
  return { gateway, log, port, path: `/${key}/remote/mcp` }
}

/** A remote server and a gateway in front of it. */
export async function serveBoth(
  answer: RemoteAnswer,
  access: Partial<Upstream> = {},
  options: Partial<GatewayOptions> = {},
) {
  const remote = await serveRemote(answer)
  const upstream = accessTo(remote.url, access)
  return { remote, access: upstream, ...(await serveGateway(upstream, options)) }
}

/** One request of a local client. */
export interface Sent {
  readonly port: number
  readonly path: string
  readonly method?: string
  /** Flat pairs, so that a test decides on every byte. Host is added, if it is not there. */
  readonly headers?: readonly string[]
  readonly body?: string | Buffer
  readonly agent?: http.Agent
}

/** What came back. */
export interface Received {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly rawHeaders: string[]
  readonly body: Buffer
}

/** Starts a request; resolves with the response as soon as its head is there. */
export async function begin(sent: Sent): Promise<{ request: http.ClientRequest; response: IncomingMessage }> {
  const request = open(sent)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  request.on('error', () => undefined)
  return { request, response }
}

/** Starts a request and waits for nothing. */
export function open(sent: Sent): http.ClientRequest {
  const request = prepare(sent)
  request.end(sent.body)
  return request
}

/** A request whose body the test writes and ends. */
export function prepare({
  port,
  path,
  method = 'POST',
  headers = [],
  body,
  agent,
}: Sent): http.ClientRequest {
  const given = headers.filter((_, i) => i % 2 === 0).map((name) => name.toLowerCase())
  const fields = [...headers]
  if (!given.includes('host')) fields.push('Host', `127.0.0.1:${port}`)
  if (body !== undefined && !given.includes('transfer-encoding') && !given.includes('content-length')) {
    fields.push('Content-Length', String(Buffer.byteLength(body)))
  }
  return http.request({ host: '127.0.0.1', port, path, method, headers: fields, agent: agent ?? false })
}

/** A request and its whole answer. Rejects when it is cut. */
export async function send(sent: Sent): Promise<Received> {
  const { response } = await begin(sent)
  const { statusCode = 0, headers, rawHeaders } = response
  return { status: statusCode, headers, rawHeaders, body: await buffer(response) }
}

/** Reads a response as it comes. `whole` rejects when it is cut. */
export function follow(response: IncomingMessage): {
  readonly text: string
  readonly whole: Promise<string>
} {
  let text = ''
  response.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const whole = new Promise<string>((resolve, reject) => {
    response.on('end', () => resolve(text)).on('error', reject)
  })
  whole.catch(() => undefined)
  return {
    whole,
    get text() {
      return text
    },
  }
}

/** The JSON-RPC error that an answer of the gateway holds. */
export function errorOf({ body }: Pick<Received, 'body'>): {
  id?: unknown
  error: { code: number; message: string; data: Failure }
} {
  return JSON.parse(body.toString()) as never
}

/** Waits until a socket is closed, properly or not. */
export async function closed(socket: Socket): Promise<void> {
  socket.on('error', () => undefined)
  await new Promise((resolve) => socket.once('close', resolve))
}

/** Sends bytes as they are; resolves with everything that came until the connection ended. */
export async function sendRaw(
  port: number,
  bytes: string | Buffer,
  { halfClose = false }: { halfClose?: boolean } = {},
): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  const pieces: Buffer[] = []
  socket.on('data', (piece: Buffer) => pieces.push(piece))
  socket.write(bytes)
  if (halfClose) socket.end()
  await closed(socket)
  return Buffer.concat(pieces).toString('latin1')
}

/** A `tools/call` as a client sends it. */
export function toolCall(name = 'echo', id: number | string = 7): string {
  return JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: {} } })
}

export const jsonHeaders = [
  'Content-Type',
  'application/json',
  'Accept',
  'application/json, text/event-stream',
]

/** Waits until something becomes true, looking often; the test's own limit ends it. */
export async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
