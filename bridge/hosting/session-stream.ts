import { errorAnswer } from '../channel/error-messages.ts'
import type { CallEnd } from '../channel/channel.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import type { Failure } from '../../shared/errors.ts'
import { statusOfFailure } from './answer-status.ts'
import { messageFrame, positionFrame } from './event-frame.ts'
import type { EventLog } from './event-log.ts'
import type { Flow } from './flow.ts'
import type { Reply } from './reply.ts'

/** What the streams of one session share. */
export interface StreamSurroundings {
  readonly log: EventLog
  readonly flow: Flow
  /** The header fields of an event stream. */
  readonly fields: readonly string[]
  /** Whether the client knows events that only tell their id. */
  knowsPositions(): boolean
}

/** The number of the stream by which the server speaks on its own account. */
export const ownStream = 0

/**
 * One stream of a session. It outlives the responses that it is sent over, one at a time: when a client comes back, it goes on after the last
 * event that the client names. Until it has an event, what it has to say may be one piece of JSON.
 * @see [MCP 2025-11-25, Resumability and Redelivery](https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#resumability-and-redelivery)
 */
export class SessionStream {
  readonly number: number
  readonly #around: StreamSurroundings
  /** The requests that it has to answer. */
  readonly #requests: Set<RpcMessage>
  readonly #isBatch: boolean
  readonly #answers: { readonly sequence: number; readonly id: string | undefined }[] = []
  #reply: Reply | undefined
  #hasEvents = false
  #sequence = 0

  constructor(number: number, requests: readonly RpcMessage[], around: StreamSurroundings) {
    this.number = number
    this.#around = around
    this.#requests = new Set(requests)
    this.#isBatch = requests.length > 1
    if (number === ownStream) this.#hasEvents = true
  }

  /** Whether nothing that is said here can reach the client any more. */
  get isLost(): boolean {
    return !this.#hasEvents && this.#reply === undefined
  }

  get isOpen(): boolean {
    return this.#reply !== undefined
  }

  /** Whether a client that lost it can come back to it. */
  get isResumable(): boolean {
    return this.#hasEvents
  }

  /** Whether all is said. */
  get isDone(): boolean {
    return this.#requests.size === 0 && this.number !== ownStream
  }

  /** Goes out over a reply from here on. */
  attach(reply: Reply): void {
    const earlier = this.#reply
    this.#reply = reply
    reply.belongTo({
      flow: this.#around.flow,
      unanswered: () => [...this.#requests].map(({ id }) => id),
      waiting: () => this.#showPosition(),
      closed: () => {
        if (this.#reply === reply) this.#reply = undefined
      },
    })
    earlier?.finish()
  }

  /** Goes on over a reply, after the event with this place; without one, with all that nobody has got yet. */
  resume(reply: Reply, after: number | undefined): void {
    const { log } = this.#around
    this.attach(reply)
    reply.stream(this.#around.fields)
    const missed = after === undefined ? log.unsent(this.number) : log.after(this.number, after)
    for (const event of missed) {
      event.wasSent = true
      reply.write(event.frame)
    }
    if (after !== undefined) {
      const found = new Set(missed.map(({ sequence }) => sequence))
      for (const { sequence, id } of this.#answers) {
        // The log is bounded, and a client must not wait for what it does not hold any more.
        if (sequence > after && !found.has(sequence)) {
          reply.write(messageFrame(errorAnswer(id, { code: 'gateway.stream_cut' })))
        }
      }
    }
    if (this.isDone) reply.finish()
  }

  /** Passes a message of the server's on. */
  say(message: RpcMessage): void {
    this.#add(message.bytes, message.kind === 'request' ? message.id : undefined)
  }

  answer(request: RpcMessage, bytes: Buffer, end: CallEnd, fields?: readonly string[]): void {
    if (!this.#requests.delete(request) || this.isLost) return
    const reply = this.#reply
    if (reply && !reply.isStreaming && !this.#isBatch) {
      return reply.json(sessionStatus(bytes, end), bytes, fields)
    }
    this.#add(bytes, undefined)
    this.#answers.push({ sequence: this.#sequence, id: request.id })
    this.#finishIfDone()
  }

  /** A request gets no answer. */
  drop(request: RpcMessage): void {
    if (this.#requests.delete(request)) this.#finishIfDone()
  }

  #finishIfDone(): void {
    if (!this.isDone) return
    this.#reply?.stream(this.#around.fields)
    this.#reply?.finish()
  }

  /** Ends it with a failure of all that it still has to answer. */
  end(failure: Failure): void {
    this.#reply?.end(failure)
    this.#requests.clear()
  }

  /** The client waits for long: it sees that it is served, and after what it can come back. */
  #showPosition(): void {
    this.#reply?.stream(this.#around.fields)
    if (this.#hasEvents || !this.#around.knowsPositions()) return
    this.#hasEvents = true
    this.#reply?.write(positionFrame(this.#eventId()))
  }

  #eventId(): string {
    return `${this.number}-${this.#sequence}`
  }

  #add(bytes: Buffer, question: string | undefined): void {
    const reply = this.#reply
    reply?.stream(this.#around.fields)
    this.#hasEvents = true
    this.#sequence++
    const frame = messageFrame(bytes, this.#eventId())
    const wasSent = reply !== undefined
    reply?.write(frame)
    this.#around.log.add({ stream: this.number, sequence: this.#sequence, frame, wasSent, question })
  }
}

/** The status of an answer. Within a session every answer of the server's is 200: a 404 would mean that the session is gone. */
function sessionStatus(bytes: Buffer, { failure }: CallEnd): number {
  return failure ? statusOfFailure(bytes, failure) : 200
}
