import { randomBytes } from 'node:crypto'
import type { Failure } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, EarlierTry } from '../channel/channel.ts'
import { errorAnswer, invalidRequestCode, parseErrorCode } from '../channel/error-messages.ts'
import { findMembers } from '../channel/json-bytes.ts'
import { readBatch, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { EventLog } from './event-log.ts'
import { Flow } from './flow.ts'
import type { Reply } from './reply.ts'
import { batchVersion, firstWithPositions, sessionPrefix } from './request-rules.ts'
import { ownStream, SessionStream, type StreamSurroundings } from './session-stream.ts'

/** Whose session it is, and where it leads. */
export interface SessionOptions {
  readonly client: string
  readonly open: (client: ChannelClient) => Channel | Failure
  /** It is over, or never came to be. */
  readonly left: (session: HostedSession) => void
}

/** How many streams that are done a session keeps for a client that comes back. */
const mostDone = 64

/**
 * A session of the older era that ends here; its messages go to a channel of its own.
 * @see [MCP 2025-11-25, Session Management](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#session-management)
 */
export class HostedSession implements ChannelClient {
  readonly id = sessionPrefix + randomBytes(24).toString('base64url')
  readonly name: string
  readonly #options: SessionOptions
  readonly #around: StreamSurroundings
  readonly #streams = new Map<number, SessionStream>()
  /** By the request that is answered there. */
  readonly #waiting = new Map<RpcMessage, SessionStream>()
  readonly #done: number[] = []
  #channel: Channel | undefined
  #initialize: RpcMessage | undefined
  /** Of `initialize`: whatever comes later names the session, and comes here first. */
  #earlierTry: EarlierTry | undefined
  #version = ''
  #isOver = false
  #nextNumber = ownStream + 1

  constructor(options: SessionOptions) {
    this.name = options.client
    this.#options = options
    this.#around = {
      log: new EventLog(({ question }) => this.#refuseQuestion(question)),
      flow: new Flow({ pause: () => this.#channel?.pause(), resume: () => this.#channel?.resume() }),
      fields: ['Mcp-Session-Id', this.id],
      knowsPositions: () => this.#version >= firstWithPositions,
    }
    this.#streams.set(ownStream, new SessionStream(ownStream, [], this.#around))
  }

  /** Whether a client waits for something here just now. */
  get isInUse(): boolean {
    return [...this.#streams.values()].some(({ isOpen }) => isOpen)
  }

  /** Begins with the client's first message. */
  begin(initialize: RpcMessage, reply: Reply): void {
    const channel = this.#options.open(this)
    if ('code' in channel) {
      reply.refuse(channel, { id: initialize.id })
      return this.end(channel)
    }
    this.#channel = channel
    this.#initialize = initialize
    this.#earlierTry = reply.earlierTry
    this.#take([initialize], [initialize], reply)
  }

  /** Takes what a client posts. */
  post(bytes: Buffer, reply: Reply): void {
    const message = readMessage(bytes)
    if (message?.kind === 'invalid') return refuse(reply, invalidRequestCode, message.id)
    if (message) return this.#take([message], message.kind === 'request' ? [message] : [], reply)
    const batch = readBatch(bytes)
    if (!batch) return refuse(reply, parseErrorCode)
    const messages = batch.map((one) => readMessage(one)).filter((one) => one !== undefined)
    const isSound = messages.length === batch.length && !messages.some(({ kind }) => kind === 'invalid')
    if (!isSound || batch.length === 0 || this.#version !== batchVersion) {
      return refuse(reply, invalidRequestCode)
    }
    const requests = messages.filter(({ kind }) => kind === 'request')
    this.#take(messages, requests, reply)
  }

  #take(messages: readonly RpcMessage[], requests: readonly RpcMessage[], reply: Reply): void {
    if (requests.length === 0) reply.empty(202)
    else {
      const stream = new SessionStream(this.#nextNumber++, requests, this.#around)
      this.#streams.set(stream.number, stream)
      for (const request of requests) this.#waiting.set(request, stream)
      stream.attach(reply)
    }
    for (const message of messages) if (!this.#isOver) this.#channel?.take(message)
  }

  /** Serves a GET: the server's own stream, or the rest of another one after the event that the client names. */
  listen(lastEventId: string | undefined, reply: Reply): void {
    const [, number, sequence] = /^(\d{1,15})-(\d{1,15})$/.exec(lastEventId ?? '0-0') ?? []
    const stream = this.#streams.get(Number(number))
    if (!stream) return reply.refuse({ code: 'gateway.event_unknown' })
    stream.resume(reply, lastEventId === undefined ? undefined : Number(sequence))
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    if (this.#isOver) return
    const stream = this.#waiting.get(request)
    this.#waiting.delete(request)
    if (request === this.#initialize) return this.#answerInitialize(request, bytes, end, stream)
    stream?.answer(request, bytes, end)
    this.#keepIfDone(stream)
  }

  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void {
    this.answer(request, bytes, end)
  }

  pass(message: RpcMessage, about?: RpcMessage): void {
    const stream = about && this.#waiting.get(about)
    const reachable = stream && !stream.isLost ? stream : this.#streams.get(ownStream)
    reachable?.say(message)
  }

  dropped(request: RpcMessage): void {
    const stream = this.#waiting.get(request)
    this.#waiting.delete(request)
    stream?.drop(request)
    this.#keepIfDone(stream)
  }

  earlierTry(request: RpcMessage): EarlierTry | undefined {
    return request === this.#initialize ? this.#earlierTry : undefined
  }

  /** Ends it: what is open gets the failure, and the session ends at the server as well. */
  end(failure: Failure): void {
    if (this.#isOver) return
    this.#isOver = true
    for (const stream of this.#streams.values()) stream.end(failure)
    this.#channel?.close(true)
    this.#options.left(this)
  }

  #answerInitialize(
    request: RpcMessage,
    bytes: Buffer,
    end: CallEnd,
    stream: SessionStream | undefined,
  ): void {
    this.#initialize = undefined
    this.#earlierTry = undefined
    const version = agreedVersion(bytes)
    if (version === undefined || stream?.isLost === true) {
      stream?.answer(request, bytes, end)
      return this.end({ code: 'gateway.session_unknown' })
    }
    this.#version = version
    stream?.answer(request, bytes, end, this.#around.fields)
    this.#keepIfDone(stream)
  }

  /** Streams that are done are kept for a while, if a client can come back to them. */
  #keepIfDone(stream: SessionStream | undefined): void {
    if (!stream?.isDone) return
    if (!stream.isResumable) {
      this.#streams.delete(stream.number)
      return
    }
    this.#done.push(stream.number)
    const oldest = this.#done.length > mostDone ? this.#done.shift() : undefined
    if (oldest !== undefined) this.#streams.delete(oldest)
  }

  /** A server must not wait for the answer to a question that no client will ever hear. */
  #refuseQuestion(question: string | undefined): void {
    const answer = question === undefined ? undefined : errorAnswer(question, { code: 'gateway.client_away' })
    const message = answer && readMessage(answer)
    if (message && !this.#isOver) this.#channel?.take(message)
  }
}

function refuse(reply: Reply, code: number, id?: string): void {
  reply.refuse({ code: 'gateway.message_invalid' }, { status: 400, code, id })
}

/** The protocol version that an answer to `initialize` agrees to; undefined where it refuses. */
function agreedVersion(bytes: Buffer): string | undefined {
  const place = readMessage(bytes)?.resultPlace
  const found = place && findMembers(bytes, place.start, ['protocolVersion'])
  return stringAt(bytes, found?.places[0])
}
