import type { IncomingHttpHeaders } from 'node:http'
import { begin, follow, send, until, type Received } from '../gateway/support.ts'
import type { HostedScene, keys } from './scene.ts'

/** A message as a test reads it. */
export interface Message {
  readonly jsonrpc?: string
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any }
}

/** One event of a stream. */
export interface Event {
  readonly id: string | undefined
  readonly data: string
}

/** The events in a piece of an event stream; comments are left out. */
export function eventsIn(text: string): Event[] {
  return text
    .split('\n\n')
    .slice(0, -1)
    .flatMap((block) => {
      const lines = block.split('\n')
      const field = (name: string): string | undefined =>
        lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      return lines.every((line) => line.startsWith(':'))
        ? []
        : [{ id: field('id'), data: field('data') ?? '' }]
    })
}

/** The messages in a piece of an event stream. */
export function messagesIn(text: string): Message[] {
  return eventsIn(text).flatMap(({ data }) => (data === '' ? [] : [JSON.parse(data) as Message]))
}

/** An event stream that is being read. */
export interface OpenStream {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  readonly events: Event[]
  readonly messages: Message[]
  /** Resolves with the first message that fits. */
  find(fits: (message: Message) => boolean): Promise<Message>
  /** Resolves with all of it when it has ended; rejects when it was cut. */
  readonly whole: Promise<string>
  /** Stops reading, and goes on. */
  pause(): void
  resume(): void
  leave(): void
}

/** What a test says to one hosted endpoint, in HTTP. */
export interface RawClient {
  /** Posts and reads the whole answer. */
  post(message: unknown, headers?: Record<string, string>): Promise<Received>
  /** Posts and reads the answer as it comes. */
  stream(message: unknown, headers?: Record<string, string>): Promise<OpenStream>
  get(headers?: Record<string, string>): Promise<OpenStream>
  remove(headers?: Record<string, string>): Promise<Received>
}

/** Talks to a scene as one of its client apps; `common` are headers of every request. */
export function rawClient(
  scene: Pick<HostedScene, 'port' | 'path'>,
  app: keyof typeof keys = 'one',
  common: Record<string, string> = {},
): RawClient {
  const sent = (method: string, message: unknown, headers: Record<string, string> = {}) => ({
    port: scene.port,
    path: scene.path(app),
    method,
    headers: Object.entries({
      accept: 'application/json, text/event-stream',
      ...(message === undefined ? {} : { 'content-type': 'application/json' }),
      ...common,
      ...headers,
    }).flat(),
    ...(message === undefined
      ? {}
      : { body: typeof message === 'string' ? message : JSON.stringify(message) }),
  })
  const open = async (wish: ReturnType<typeof sent>): Promise<OpenStream> => {
    const { request, response } = await begin(wish)
    const followed = follow(response)
    return {
      status: response.statusCode ?? 0,
      headers: response.headers,
      whole: followed.whole,
      get text() {
        return followed.text
      },
      get events() {
        return eventsIn(followed.text)
      },
      get messages() {
        return messagesIn(followed.text)
      },
      async find(fits) {
        await until(() => messagesIn(followed.text).some(fits))
        return messagesIn(followed.text).find(fits) as Message
      },
      pause: () => void response.pause(),
      resume: () => void response.resume(),
      leave: () => void request.destroy(),
    }
  }
  return {
    post: (message, headers) => send(sent('POST', message, headers)),
    stream: (message, headers) => open(sent('POST', message, headers)),
    get: (headers) => open(sent('GET', undefined, headers)),
    remove: (headers) => send(sent('DELETE', undefined, headers)),
  }
}

/** The message that an answer holds. */
export function messageOf({ body }: Pick<Received, 'body'>): Message {
  return JSON.parse(body.toString()) as Message
}

export const initialize = (version = '2025-11-25'): Message => ({
  jsonrpc: '2.0',
  id: 'init',
  method: 'initialize',
  params: { protocolVersion: version, capabilities: {}, clientInfo: { name: 'raw', version: '1' } },
})

/** Begins a session and gives a client whose requests all name it. */
export async function beginSession(
  scene: HostedScene,
  version = '2025-11-25',
  app: keyof typeof keys = 'one',
) {
  const { headers, status } = await rawClient(scene, app).post(initialize(version))
  const id = headers['mcp-session-id']
  if (typeof id !== 'string') throw new Error(`no session: ${status}`)
  const client = rawClient(scene, app, { 'mcp-session-id': id, 'mcp-protocol-version': version })
  await client.post({ jsonrpc: '2.0', method: 'notifications/initialized' })
  return { id, client }
}

export const call = (id: unknown, name: string, own: object = {}): Message => ({
  jsonrpc: '2.0',
  id,
  method: 'tools/call',
  params: { name, arguments: {}, ...own },
})

export const modernVersion = '2026-07-28'
const meta = {
  'io.modelcontextprotocol/protocolVersion': modernVersion,
  'io.modelcontextprotocol/clientCapabilities': {},
}

/** A request of the current revision, as a client makes it. */
export function modern(id: unknown, method: string, params: object = {}): Message {
  return { jsonrpc: '2.0', id, method, params: { ...params, _meta: meta } }
}

export const modernCall = (id: unknown, name: string): Message =>
  modern(id, 'tools/call', { name, arguments: {} })

/** The headers that repeat it. */
export function headersOf({ method = '', params }: Message): Record<string, string> {
  const name = params?.name ?? params?.uri
  return {
    'mcp-protocol-version': modernVersion,
    'mcp-method': method,
    ...(name === undefined ? {} : { 'mcp-name': name }),
  }
}

export const post = (client: RawClient, message: Message): Promise<Received> =>
  client.post(message, headersOf(message))
export const stream = (client: RawClient, message: Message): Promise<OpenStream> =>
  client.stream(message, headersOf(message))
