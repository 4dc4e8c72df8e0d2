import { onTestFinished } from 'vitest'
import type { CallEnd, Channel, ChannelClient } from '../../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'
import { SseChannel, type SseChannelSurroundings } from '../../../bridge/channel/sse-channel.ts'
import type { SseTimes } from '../../../bridge/channel/sse-keeper.ts'
import type { SseLink } from '../../../bridge/channel/sse-link.ts'
import { createInFlight } from '../../../bridge/gateway/in-flight.ts'
import { openSockets } from '../../../bridge/gateway/sockets.ts'
import type { Upstream } from '../../../bridge/connections/upstream.ts'
import type { SeenRequest } from '../../support/seen.ts'
import {
  startSseServer,
  type Message,
  type SseServer,
  type SseServerOptions,
} from '../../support/sse-server.ts'
import { accessTo, recordLog, until, type TestAccess } from '../gateway/support.ts'

/** An answer with how the channel says the call ended. */
interface Answer extends Message {
  readonly end: CallEnd
  readonly bytes: Buffer
}

/** A client that keeps what it hears. */
interface RecordingClient extends ChannelClient {
  readonly answers: readonly (Answer & { readonly request: RpcMessage })[]
  readonly passed: readonly (Message & { readonly about: RpcMessage | undefined })[]
  readonly droppedIds: readonly unknown[]
}

export function recordClient(): RecordingClient {
  const answers: (Answer & { request: RpcMessage })[] = []
  const passed: (Message & { about: RpcMessage | undefined })[] = []
  const droppedIds: unknown[] = []
  const keep = (request: RpcMessage, bytes: Buffer, end: CallEnd): void =>
    void answers.push({ ...(JSON.parse(bytes.toString()) as Message), request, end, bytes })
  return {
    name: 'Test Client',
    answers,
    passed,
    droppedIds,
    answer: keep,
    answerWithSession: keep,
    pass: ({ bytes }, about) => void passed.push({ ...(JSON.parse(bytes.toString()) as Message), about }),
    dropped: ({ id = 'null' }) => void droppedIds.push(JSON.parse(id)),
  }
}

/** A message as a client would write it; a text as it is. */
function message(content: object | string): RpcMessage {
  const text = typeof content === 'string' ? content : JSON.stringify({ jsonrpc: '2.0', ...content })
  const read = readMessage(Buffer.from(text))
  if (!read) throw new Error(`no message: ${text}`)
  return read
}

/** One client at one channel. */
export interface Speaker {
  readonly channel: Channel
  readonly client: RecordingClient
  say(content: object | string): RpcMessage
  /** The answer to a request, past or to come; there must be one alone. */
  answerTo(request: RpcMessage): Promise<Answer>
  ask(method: string, params?: object, id?: unknown): Promise<Answer>
  /** The handshake. */
  begin(): Promise<Answer>
}

let lastId = 0

export function speakTo(channel: Channel, client: RecordingClient): Speaker {
  const say: Speaker['say'] = (content) => {
    const said = message(content)
    channel.take(said)
    return said
  }
  const answerTo: Speaker['answerTo'] = async (request) => {
    const isMeant = (answer: { request: RpcMessage }): boolean => answer.request === request
    await until(() => client.answers.some(isMeant))
    const [answer, ...more] = client.answers.filter(isMeant)
    if (!answer || more.length > 0) throw new Error('a request has more than one answer')
    return answer
  }
  const ask: Speaker['ask'] = (method, params = {}, id = ++lastId) => answerTo(say({ id, method, params }))
  return {
    channel,
    client,
    say,
    answerTo,
    ask,
    async begin() {
      const clientInfo = { name: 'test', version: '1' }
      const params = { protocolVersion: '2024-11-05', capabilities: {}, clientInfo }
      const answer = await ask('initialize', params, 'begin')
      say({ method: 'notifications/initialized' })
      return answer
    },
  }
}

/** Short pauses, so that a test need not wait. */
const times: Partial<SseTimes> = { reopenMs: 10, mostReopenMs: 50 }

export interface SseScene extends Speaker {
  readonly server: SseServer
  readonly access: TestAccess
  readonly around: SseChannelSurroundings
  /** One more client at the same connection. */
  another(options?: { link?: SseLink | undefined; times?: Partial<SseTimes> }): Speaker
}

/** One client at one server of 2024-11-05. */
export async function setSseScene(
  options: SseServerOptions & { access?: Partial<Upstream>; times?: Partial<SseTimes>; most?: number } = {},
): Promise<SseScene> {
  const server = await startSseServer(options)
  onTestFinished(() => server.close())
  const access = accessTo(server.url, options.access)
  const around = surroundingsOf(access, options.most)
  const another: SseScene['another'] = (own = {}) =>
    openSse(around, { ...own, times: { ...times, ...own.times } })
  const first = options.times ? another({ times: options.times }) : another()
  return { server, access, around, another, ...first }
}

/** What channels need, with one connection, `remote`. */
export function surroundingsOf(access: Upstream, most = 64 * 1024 * 1024): SseChannelSurroundings {
  const sockets = openSockets()
  onTestFinished(() => sockets.close())
  return {
    upstreams: { get: (id) => (id === 'remote' ? access : undefined) },
    inFlight: createInFlight(),
    sockets,
    log: recordLog(),
    mostMessageBytes: () => most,
  }
}

/** A client at a channel of its own, which ends with the test. */
export function openSse(
  around: SseChannelSurroundings,
  options: { link?: SseLink | undefined; times?: Partial<SseTimes> } = {},
): Speaker {
  const client = recordClient()
  const channel = new SseChannel({ connection: 'remote', client, times, ...options }, around)
  onTestFinished(() => channel.close())
  return speakTo(channel, client)
}

/** Narrows a fault to the messages of one method. */
export function isFor(method: string): (request: SeenRequest) => boolean {
  return ({ body }) => body !== '' && (JSON.parse(body) as Message).method === method
}
