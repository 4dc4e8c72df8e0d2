import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { begin, follow, send, serveRemote, until, type Received } from '../gateway/support.ts'
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
  readonly headers: http.IncomingHttpHeaders
  readonly text: string
  readonly events: Event[]
  readonly messages: Message[]
  /** Resolves with the first message that fits. */
  find(fits: (message: Message) => boolean): Promise<Message>
  /** Resolves with all of it when it has ended; rejects when it was cut. */
  readonly whole: Promise<string>
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

/** A request of the scripted server's, which is under way. */
export interface ScriptedCall {
  readonly message: Message
  readonly headers: http.IncomingHttpHeaders
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

/** Starts a server that answers `initialize` by itself and everything else by the test's word. */
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
