import type { CallEnd, Channel, ChannelClient, Json, OpenChannel } from '../../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'

/** A message as a test reads it. */
export interface Line {
  readonly id?: unknown
  readonly method?: string
  readonly params?: any
  readonly result?: any
  readonly error?: { readonly code: number; readonly message: string; readonly data?: any }
  /** How the call ended, of an answer. */
  readonly end?: CallEnd
}

/** A client that speaks to a channel without a face between them. */
export interface ChannelClientUnderTest {
  readonly channel: Channel
  /** Everything that came, in order. */
  readonly lines: readonly Line[]
  send(message: object): void
  /** Sends a request and resolves with its answer. */
  ask(method: string, params?: object): Promise<Line>
  /** The first message, past or to come, that fits. */
  find(fits: (line: Line) => boolean): Promise<Line>
  initialize(capabilities?: object, version?: string): Promise<Line>
  /** Ends it without a word, and gives what the next bridge needs to go on. */
  leave(): Json
}

let lastId = 0

/** Opens a channel as one client app. With `session` it goes on with what `leave` of another one gave. */
export function openClient(open: OpenChannel, session?: Json): ChannelClientUnderTest {
  const lines: Line[] = []
  const waiting = new Set<() => void>()
  const take = (bytes: Buffer, end?: CallEnd): void => {
    const line = JSON.parse(bytes.toString()) as Line
    lines.push(end ? { ...line, end } : line)
    for (const look of waiting) look()
  }
  const client: ChannelClient = {
    name: 'test-app',
    answer: (_, bytes, end) => take(bytes, end),
    answerWithSession: (_, bytes, end) => take(bytes, end),
    pass: ({ bytes }) => take(bytes),
    dropped: () => undefined,
  }
  const channel = open(client)
  if (session !== undefined && !channel.restore(session)) throw new Error('the session cannot be restored')
  const send: ChannelClientUnderTest['send'] = (message) => {
    const bytes = Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...message }))
    channel.take(readMessage(bytes) as RpcMessage)
  }
  const find: ChannelClientUnderTest['find'] = (fits) =>
    new Promise((resolve) => {
      let next = 0
      const look = (): void => {
        for (let line = lines[next]; line; line = lines[next]) {
          next++
          if (!fits(line)) continue
          waiting.delete(look)
          return resolve(line)
        }
      }
      waiting.add(look)
      look()
    })
  const ask: ChannelClientUnderTest['ask'] = async (method, params = {}) => {
    const id = `test-${++lastId}`
    send({ id, method, params })
    return await find((line) => line.method === undefined && line.id === id)
  }
  return {
    channel,
    lines,
    send,
    ask,
    find,
    async initialize(capabilities = {}, protocolVersion = '2025-11-25') {
      const clientInfo = { name: 'test', version: '1' }
      const answer = await ask('initialize', { protocolVersion, capabilities, clientInfo })
      send({ method: 'notifications/initialized' })
      return answer
    },
    leave() {
      const session = channel.session()
      channel.close(false)
      return session
    },
  }
}
