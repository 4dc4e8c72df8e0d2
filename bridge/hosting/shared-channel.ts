import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, EarlierTry } from '../channel/channel.ts'
import { errorAnswer, errorCodeOf } from '../channel/error-messages.ts'
import { readMessage, withId, type RpcMessage } from '../channel/rpc-message.ts'
import { statusOfFailure } from './answer-status.ts'
import { messageFrame } from './event-frame.ts'
import { Flow } from './flow.ts'
import type { Reply } from './reply.ts'
import { withOwnId } from './subscription-ids.ts'

/** A request of one of the clients, as the channel knows it. */
interface Asked {
  readonly reply: Reply
  /** As the client wrote it. */
  readonly request: RpcMessage
  /** As the channel got it: the same, or with another id. */
  readonly sent: RpcMessage
  hasLeft: boolean
}

/**
 * What all requests without a session share that one client app makes to one target. Many processes of the app may use it at once, and
 * no two requests that are under way have the same id on it.
 * @see [MCP 2026-07-28, Streamable HTTP](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http)
 */
export class SharedChannel implements ChannelClient {
  readonly name: string
  readonly #asked = new Map<RpcMessage, Asked>()
  /** The ids under way on the channel, by what they are and not by how they are written. */
  readonly #ids = new Set<string>()
  readonly #flow: Flow
  #channel: Channel | undefined
  #lastId = 0

  constructor(client: string) {
    this.name = client
    this.#flow = new Flow({ pause: () => this.#channel?.pause(), resume: () => this.#channel?.resume() })
  }

  /** Opens what stands behind it; a failure where there is no such thing. */
  open(open: (client: ChannelClient) => Channel | Failure): Failure | undefined {
    const channel = open(this)
    if ('code' in channel) return channel
    this.#channel = channel
    return undefined
  }

  /** Whether a client waits for something here just now. */
  get isInUse(): boolean {
    return [...this.#asked.values()].some(({ hasLeft }) => !hasLeft)
  }

  /** Takes one message and answers it. */
  take(message: RpcMessage, reply: Reply): void {
    if (message.kind === 'request') return this.#ask(message, reply)
    reply.empty(202)
    // Over HTTP a request is cancelled by closing it. An id alone could be that of another client's request.
    if (message.method !== 'notifications/cancelled') this.#channel?.take(message)
  }

  #ask(request: RpcMessage, reply: Reply): void {
    const sent = this.#withFreeId(request)
    const asked: Asked = { reply, request, sent, hasLeft: false }
    this.#asked.set(sent, asked)
    reply.belongTo({
      flow: this.#flow,
      unanswered: () => (this.#asked.has(sent) ? [request.id] : []),
      waiting: () => reply.stream(),
      closed: () => this.#leave(asked),
    })
    this.#channel?.take(sent)
  }

  #withFreeId(request: RpcMessage): RpcMessage {
    let sent = request
    while (this.#ids.has(keyOf(sent.id))) {
      sent = readMessage(withId(request, `"bridgekeeper-${++this.#lastId}"`)) ?? request
    }
    this.#ids.add(keyOf(sent.id))
    return sent
  }

  #forget(sent: RpcMessage): Asked | undefined {
    const asked = this.#asked.get(sent)
    if (asked) this.#ids.delete(keyOf(sent.id))
    this.#asked.delete(sent)
    return asked
  }

  /** The client has left, or has got its answer. */
  #leave(asked: Asked): void {
    if (asked.hasLeft || !this.#asked.has(asked.sent)) return
    asked.hasLeft = true
    const { id } = asked.sent
    const note = `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":${id}}}`
    const message = readMessage(Buffer.from(note, 'latin1'))
    if (message) this.#channel?.take(message)
  }

  answer(sent: RpcMessage, bytes: Buffer, end: CallEnd): void {
    const asked = this.#forget(sent)
    if (!asked || asked.hasLeft) return
    const { reply, request } = asked
    const own = sent === request ? bytes : withOwnId(bytes, sent.id, request.id)
    if (!reply.isStreaming) return reply.json(statusOfAnswer(own, end), own)
    reply.write(messageFrame(own))
    reply.finish()
  }

  answerWithSession(sent: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.answer(sent, bytes, end)
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    const asked = about && this.#asked.get(about)
    if (!asked || asked.hasLeft) return this.#refuseQuestion(message)
    const { reply, request, sent } = asked
    const own = sent === request ? message.bytes : withOwnId(message.bytes, sent.id, request.id)
    reply.stream()
    reply.write(messageFrame(own))
  }

  /** A server must not wait for the answer to a question that no client will ever hear. */
  #refuseQuestion({ kind, id }: RpcMessage): void {
    if (kind !== 'request') return
    const answer = readMessage(errorAnswer(id, { code: 'gateway.client_away' }))
    if (answer) this.#channel?.take(answer)
  }

  dropped(sent: RpcMessage): void {
    this.#forget(sent)?.reply.finish()
  }

  earlierTry(sent: RpcMessage): EarlierTry | undefined {
    return this.#asked.get(sent)?.reply.earlierTry
  }

  /** Ends it. What is open gets the failure. */
  end(failure: Failure): void {
    const open = [...this.#asked.values()]
    for (const { reply } of open) reply.end(failure)
    this.#asked.clear()
    this.#ids.clear()
    this.#channel?.close(true)
  }
}

/** What an id is, however it is written. */
function keyOf(id: string | undefined): string {
  if (id === undefined || /^(?:0|-?[1-9]\d{0,14})$/.test(id)) return id ?? ''
  const value: unknown = JSON.parse(Buffer.from(id, 'latin1').toString())
  return typeof value === 'number' ? String(value) : JSON.stringify(value)
}

/** Codes by which an error has a status of its own. */
const statusOfCode = new Map([
  [-32_601, 404],
  [-32_020, 400],
  [-32_021, 400],
  [-32_022, 400],
])

/**
 * The HTTP status of an answer. A server that was asked over another transport, or in the older era, gave none that counts here.
 * @see [MCP 2026-07-28, Protocol Version Header](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#protocol-version-header)
 */
function statusOfAnswer(bytes: Buffer, { failure, isError, status = 200 }: CallEnd): number {
  if (failure) return statusOfFailure(bytes, failure)
  if (isError === false) return 200
  const answer = readMessage(bytes)
  if (!answer?.errorPlace) return 200
  return statusOfCode.get(errorCodeOf(answer) ?? 0) ?? (status >= 400 ? status : 200)
}
