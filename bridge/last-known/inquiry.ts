import { BridgeError } from '../../shared/errors.ts'
import type { CallEnd, Channel, ChannelClient, OpenChannel } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { version } from '../version.ts'
import { emptyResult } from './stand-in.ts'

/** The client of the bridge's own requests. */
const ownClient = { name: 'bridgekeeper', version }

/** A request of ours with the result that the server gave, or its error. */
export interface Asked {
  readonly request: RpcMessage
  readonly answer: Buffer
  readonly isError: boolean
}

/** The bridge itself as a client of a server. It offers the server nothing. */
export class Inquiry implements ChannelClient {
  readonly name = ownClient.name
  readonly #channel: Channel
  readonly #waiting = new Map<
    RpcMessage,
    { resolve: (asked: Asked) => void; reject: (reason: BridgeError) => void }
  >()
  #lastId = 0
  #isModern = true
  #isClosed = false

  constructor(open: OpenChannel) {
    this.#channel = open(this)
  }

  /** Asks as a client of the current revision. Rejects with the `BridgeError` of what failed on our side of the answer. */
  discover(): Promise<Asked> {
    return this.ask('server/discover')
  }

  /** Begins as a client of the older era, as which everything else is asked from then on. */
  async initialize(): Promise<Asked> {
    this.#isModern = false
    const asked = await this.ask('initialize', {
      protocolVersion: '2025-11-25',
      capabilities: {},
      clientInfo: ownClient,
    })
    if (!asked.isError) this.#channel.take(messageOf({ method: 'notifications/initialized' }))
    return asked
  }

  ask(method: string, params: object = {}): Promise<Asked> {
    const said = this.#isModern ? { ...params, _meta: meta } : params
    const request = messageOf({ id: `bridgekeeper-${++this.#lastId}`, method, params: said })
    return new Promise((resolve, reject) => {
      if (this.#isClosed) return reject(new BridgeError('network.timeout'))
      this.#waiting.set(request, { resolve, reject })
      this.#channel.take(request)
    })
  }

  /** Ends it, also at the server. What is still awaited is rejected. */
  close(): void {
    this.#isClosed = true
    for (const { reject } of this.#waiting.values()) reject(new BridgeError('network.timeout'))
    this.#waiting.clear()
    this.#channel.close(true)
  }

  answer(request: RpcMessage, answer: Buffer, { failure, isError = false }: CallEnd): void {
    const waiting = this.#waiting.get(request)
    this.#waiting.delete(request)
    if (failure) waiting?.reject(new BridgeError(failure.code, failure.detail))
    else waiting?.resolve({ request, answer, isError })
  }

  answerWithSession(request: RpcMessage, answer: Buffer, end: CallEnd): void {
    this.answer(request, answer, end)
  }

  pass(message: RpcMessage): void {
    if (message.kind !== 'request') return
    const failure = { code: 'gateway.method_refused' } as const
    const bytes =
      message.method === 'ping' ? emptyResult(message) : errorAnswer(message.id, failure, methodNotFound)
    const answer = readMessage(bytes)
    if (answer) this.#channel.take(answer)
  }

  dropped(request: RpcMessage): void {
    this.#waiting.get(request)?.reject(new BridgeError('gateway.stream_cut'))
    this.#waiting.delete(request)
  }
}

const methodNotFound = -32_601

const meta = {
  'io.modelcontextprotocol/protocolVersion': '2026-07-28',
  'io.modelcontextprotocol/clientInfo': ownClient,
  'io.modelcontextprotocol/clientCapabilities': {},
}

function messageOf(content: object): RpcMessage {
  return readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', ...content }))) as RpcMessage
}
