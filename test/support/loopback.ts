import { once } from 'node:events'
import { createServer, IncomingMessage, type OutgoingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import { setImmediate } from 'node:timers/promises'
import { createFaultPlan, sendEndlessly, type FaultPlan, type Faults } from './faults.ts'
import type { SeenRequest } from './seen.ts'

/** One request being served; its body has been read already. */
export interface Exchange {
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly url: URL
  readonly body: Buffer
  readonly seen: SeenRequest
}

/** Answers an exchange and returns true, or returns false and leaves it to the next handler. */
type Handler = (exchange: Exchange) => boolean | Promise<boolean>

/** An HTTP server on 127.0.0.1 whose port stays its own while it is down. */
export interface Loopback {
  readonly port: number
  /** `http://127.0.0.1:PORT`, without a slash at the end. */
  readonly origin: string
  readonly requests: readonly SeenRequest[]
  readonly faults: Faults
  /** Requests of one path, in order of arrival. */
  requestsOf(path: string, method?: string): SeenRequest[]
  /** Handlers are asked in the order they were mounted; what nobody takes is 404. */
  mount(handler: Handler): void
  /** Refuses new connections and cuts the open ones. */
  down(): Promise<void>
  /** Listens again on the same port. */
  up(): Promise<void>
  /** `down`, and lets go of everything that waits. */
  close(): Promise<void>
}

export interface LoopbackOptions {
  /** 0, the default, takes any free port. */
  readonly port?: number
  /** `nothing` keeps no requests, for benchmarks; `answers` keeps the answers' bodies too. */
  readonly keep?: 'answers' | 'requests' | 'nothing'
}

/** Starts an HTTP server on 127.0.0.1 that answers 404 until handlers are mounted. */
export async function startLoopback({ port = 0, keep = 'answers' }: LoopbackOptions = {}): Promise<Loopback> {
  const requests: SeenRequest[] = []
  const handlers: Handler[] = []
  const faults = createFaultPlan()

  const server = createServer((req, res) => {
    serve(req, res).catch((error: unknown) => {
      if (!res.headersSent) res.writeHead(500, { 'content-type': 'text/plain' })
      res.end(error instanceof Error ? error.message : 'failed')
    })
  })
  // Tests decide how long something takes; the server must not cut a slow client off.
  server.requestTimeout = 0

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const body = await buffer(req)
    const url = new URL(req.url ?? '/', origin)
    const seen: SeenRequest = {
      at: Date.now(),
      method: req.method ?? '',
      path: url.pathname,
      query: url.searchParams,
      headers: req.headers,
      body: keep === 'nothing' ? '' : body.toString(),
    }
    if (keep !== 'nothing') requests.push(seen)
    if (keep === 'answers') keepAnswer(res, seen)
    if (await suffers(faults, seen, req, res)) return
    const exchange: Exchange = { req, res, url, body, seen }
    for (const handler of handlers) if (await handler(exchange)) return
    res.writeHead(404, { 'content-type': 'text/plain' }).end('Not Found')
  }

  async function listen(at: number): Promise<void> {
    server.listen(at, '127.0.0.1')
    await once(server, 'listening')
  }
  async function down(): Promise<void> {
    if (!server.listening) return
    const closed = once(server, 'close')
    server.close()
    server.closeAllConnections()
    await closed
    // One turn of the event loop, so that clients of this process see their kept connections end.
    await setImmediate()
    await setImmediate()
  }

  await listen(port)
  const bound = (server.address() as AddressInfo).port
  const origin = `http://127.0.0.1:${bound}`
  return {
    port: bound,
    origin,
    requests,
    faults,
    requestsOf: (path, method) =>
      requests.filter((seen) => seen.path === path && (method === undefined || seen.method === method)),
    mount: (handler) => void handlers.push(handler),
    down,
    up: () => (server.listening ? Promise.resolve() : listen(bound)),
    async close() {
      await down()
      faults.clear()
    },
  }
}

/** Applies what is planned for a request; true when nobody else is to answer it. */
async function suffers(
  faults: FaultPlan,
  seen: SeenRequest,
  req: IncomingMessage,
  res: ServerResponse,
): Promise<boolean> {
  const hold = faults.held(seen, 'before')
  if (hold) await hold.pass()
  if (res.destroyed) return true
  const held = faults.held(seen, 'after')
  if (held) {
    withholdAnswer(res, (answer, send) => void held.pass().then(() => send(answer)))
  }
  const fault = faults.take(seen)
  switch (fault?.kind) {
    case undefined:
      return false
    case 'answer':
      res.writeHead(fault.status, fault.headers).end(fault.body)
      return true
    case 'reset':
      req.socket.resetAndDestroy()
      return true
    case 'lost':
      withholdAnswer(res, () => req.socket.resetAndDestroy())
      return false
    case 'cut':
      withholdAnswer(res, (answer, _send, write) =>
        write(answer.subarray(0, Math.floor(answer.length / 2)), () => req.socket.destroy()),
      )
      return false
    case 'delay':
      await new Promise((resolve) => setTimeout(resolve, fault.ms))
      return res.destroyed
    case 'hang':
      return true
    case 'flood':
    case 'trickle':
      sendEndlessly(res, fault.kind)
      return true
    default:
      return fault satisfies never
  }
}

/** Collects the answer instead of sending it, and hands it over when it is complete. */
function withholdAnswer(
  res: ServerResponse,
  complete: (
    answer: Buffer,
    send: (answer: Buffer) => void,
    write: (part: Buffer, done: () => void) => void,
  ) => void,
): void {
  const write = res.write.bind(res)
  const end = res.end.bind(res)
  const chunks: Buffer[] = []
  res.flushHeaders = () => {}
  res.write = ((chunk: string | Uint8Array) => {
    chunks.push(Buffer.from(chunk as Uint8Array))
    return true
  }) as typeof res.write
  res.end = ((chunk?: unknown) => {
    if (typeof chunk === 'string' || chunk instanceof Uint8Array)
      chunks.push(Buffer.from(chunk as Uint8Array))
    complete(Buffer.concat(chunks), end, write)
    return res
  }) as typeof res.end
}

const keptAnswerBytes = 64 * 1024

/** Notes what is answered, the first 64 KiB of the body at most. */
function keepAnswer(res: ServerResponse, seen: SeenRequest): void {
  const writeHead = res.writeHead.bind(res) as (status: number, ...rest: unknown[]) => ServerResponse
  const write = res.write.bind(res)
  const end = res.end.bind(res)
  const chunks: Buffer[] = []
  let kept = 0
  // Headers given to writeHead alone are not to be had from the response afterwards.
  let headers: OutgoingHttpHeaders = {}
  const keep = (chunk: unknown): void => {
    if (kept >= keptAnswerBytes) return
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) return
    const bytes = Buffer.from(chunk as Uint8Array).subarray(0, keptAnswerBytes - kept)
    kept += bytes.length
    chunks.push(bytes)
  }
  res.writeHead = (status: number, ...rest: unknown[]) => {
    const given = rest.at(-1)
    if (typeof given === 'object' && !Array.isArray(given)) headers = given as OutgoingHttpHeaders
    return writeHead(status, ...rest)
  }
  res.write = ((chunk: unknown, ...rest: never[]) => {
    keep(chunk)
    return write(chunk, ...rest)
  }) as typeof res.write
  res.end = ((chunk?: unknown, ...rest: never[]) => {
    keep(chunk)
    seen.answer = {
      status: res.statusCode,
      headers: { ...res.getHeaders(), ...headers },
      body: Buffer.concat(chunks).toString(),
    }
    return end(chunk, ...rest)
  }) as typeof res.end
}

/** The same request with its body still to be read, for frameworks that read it themselves. */
export function replay({ req, body }: Exchange): IncomingMessage {
  const copy = new IncomingMessage(req.socket)
  copy.httpVersion = req.httpVersion
  copy.httpVersionMajor = req.httpVersionMajor
  copy.httpVersionMinor = req.httpVersionMinor
  copy.headers = req.headers
  copy.rawHeaders = req.rawHeaders
  if (req.method !== undefined) copy.method = req.method
  if (req.url !== undefined) copy.url = req.url
  copy.complete = true
  if (body.length > 0) copy.push(body)
  copy.push(null)
  return copy
}

/** Answers JSON, never cached. */
export function sendJson(
  res: ServerResponse,
  status: number,
  value: unknown,
  headers: Record<string, string> = {},
): void {
  res.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers })
  res.end(JSON.stringify(value))
}

/** Answers an HTML page. */
export function sendHtml(res: ServerResponse, status: number, html: string): void {
  res.writeHead(status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }).end(html)
}
