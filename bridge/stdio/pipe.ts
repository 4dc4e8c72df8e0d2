import type { Socket } from 'node:net'
import { consequences, errors, sentence, type Failure } from '../../shared/errors.ts'
import { frameKinds } from '../../shim/pipe-protocol.ts'
import type { Channel, ChannelClient } from '../channel/channel.ts'
import { errorAnswer, invalidRequestCode, parseErrorCode } from '../channel/error-messages.ts'
import { isJson } from '../channel/json-bytes.ts'
import { readBatch, readMessage, type RpcMessage } from '../channel/rpc-message.ts'
import { writeFrame } from './frame-writer.ts'
import { LineReader } from './line-reader.ts'
import { readPrelude, type Prelude } from './prelude.ts'
import { readLegacy, stateOf } from './resumption.ts'

/** What all pipes share. */
export interface PipeSurroundings {
  /** The largest message that a client may send, in bytes. */
  readonly mostMessageBytes: () => number
  /** Opens what a pipe leads to; a failure where there is no such thing. */
  open(connection: string | undefined, client: ChannelClient): Channel | Failure
  /** Something happened that a state should tell of soon. */
  changed(pipe: Pipe): void
  left(pipe: Pipe): void
}

/** What passes between two states, in bytes each way, and the longest line that is not sent with a state of its own. */
const mostUnnoted = 64 * 1024
/** With more waiting for the client than this, in bytes, what comes for it is left at its sources, or nothing more is taken from it. */
const mostWaiting = 64 * 1024
const mostWaitingWithInput = 4 * 1024 * 1024
/** How many bytes are taken from a client that does not read what waits for it: some say all that they have to say first. */
const mostTakenUnread = 16 * 1024 * 1024
/** How long a shim may take to say who it is, and answers may take once stdin has ended, in milliseconds. */
const greetingMs = 10_000
const farewellMs = 5_000

/** One client app's stdin and stdout: the bridge's side of a shim. */
export class Pipe implements ChannelClient {
  name = ''
  readonly #socket: Socket
  readonly #around: PipeSurroundings
  readonly #lines: LineReader
  #channel: Channel | undefined
  #prelude: Prelude | undefined
  #begun: Buffer = Buffer.alloc(0)
  /** Lines that the bridge before had been told. */
  #said: Buffer[] = []
  #unsaid = 0
  #batch: Buffer[] = []
  #batchLength = 0
  #isFlushPlanned = false
  /** What has passed since the last state. */
  #outUnnoted = 0
  #inNoted = 0
  #isBlocked = false
  #takenUnread = 0
  #isOver = false
  #timer: NodeJS.Timeout | undefined

  constructor(socket: Socket, around: PipeSurroundings) {
    this.#socket = socket
    this.#around = around
    this.#lines = new LineReader(
      {
        line: (bytes) => this.#takeLine(bytes),
        tooLong: (id) => {
          const limit = `${around.mostMessageBytes()} bytes`
          this.#say(errorAnswer(id, { code: 'gateway.body_too_large', detail: limit }))
        },
      },
      around.mostMessageBytes,
    )
    this.#timer = setTimeout(() => socket.destroy(), greetingMs)
    socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    socket.on('end', () => this.#finishSoon())
    socket.on('drain', () => this.#unblock())
    socket.on('error', () => undefined)
    socket.on('close', () => this.#leave(true))
  }

  answer(_request: RpcMessage, bytes: Buffer): void {
    this.#say(bytes)
  }

  answerWithSession(_request: RpcMessage, bytes: Buffer): void {
    this.#sayWithState(bytes)
  }

  pass({ bytes }: RpcMessage): void {
    this.#say(bytes)
  }

  dropped(): void {
    // Nobody waits, and the next state does not know of it any more.
  }

  #say(message: Buffer): void {
    if (this.#isOver) return
    if (message.length > mostUnnoted) return this.#sayWithState(message)
    this.#batch.push(message)
    this.#batchLength += message.length + 1
    // Nothing more is awaited that could travel with it.
    if (this.#batchLength > mostUnnoted || this.#channel?.awaited === 0) return this.#flush()
    if (this.#isFlushPlanned) return
    this.#isFlushPlanned = true
    // What one turn of the event loop brings travels together: a write costs more than all else that an answer needs.
    setImmediate(() => {
      this.#isFlushPlanned = false
      this.#flush()
    })
  }

  #sayWithState(message: Buffer): void {
    if (this.#isOver) return
    this.#flush()
    this.#note(message)
  }

  /** Tells the shim how things stand, for the case that the next to ask is another bridge. */
  note(): void {
    if (this.#isOver || !this.#channel) return
    this.#flush()
    this.#note()
  }

  /** Ends for now: what can be done again waits for the next bridge, the rest is answered with an error. */
  pause(failure: Failure): void {
    if (!this.#channel) {
      this.#socket.destroy()
      return
    }
    this.#channel.giveUp(failure)
    this.#flush()
    this.#note(undefined, true)
    this.#write(writeFrame({ kind: frameKinds.pause }))
    this.#socket.end()
    this.#leave(false)
  }

  /** Cuts it off, whatever is on its way. */
  destroy(): void {
    this.#socket.destroy()
  }

  #receive(chunk: Buffer): void {
    // What comes after the last word is not seen to here; the shim may still be saying it.
    if (this.#isOver) return
    if (this.#channel) return this.#read(chunk)
    this.#begun = this.#begun.length === 0 ? chunk : Buffer.concat([this.#begun, chunk])
    const prelude = readPrelude(this.#begun)
    if (prelude === 'incomplete') return
    if (prelude === 'invalid') return this.#end({ code: 'bridge.request_invalid' })
    clearTimeout(this.#timer)
    this.#begun = Buffer.alloc(0)
    this.#open(prelude)
  }

  #open(prelude: Prelude): void {
    this.name = prelude.client
    const channel = this.#around.open(prelude.connection, this)
    if ('code' in channel) return this.#end(channel)
    this.#channel = channel
    if (prelude.state.length > 0 || prelude.heard.length > 0 || prelude.said > 0) this.#prelude = prelude
    this.#unsaid = prelude.said
    this.#read(prelude.rest)
  }

  #read(chunk: Buffer): void {
    if (this.#prelude) {
      const repeated = chunk.subarray(0, this.#unsaid)
      this.#unsaid -= repeated.length
      this.#lines.push(repeated)
      if (this.#unsaid > 0) return
      this.#goOn(this.#prelude)
      if (this.#isOver) return
      chunk = chunk.subarray(repeated.length)
    }
    this.#lines.push(chunk)
    if (this.#isBlocked && (this.#takenUnread += chunk.length) > mostTakenUnread) this.#socket.pause()
    this.#around.changed(this)
    if (this.#lines.consumed + this.#lines.begun - this.#inNoted > mostUnnoted) this.note()
  }

  /** Takes over from another bridge. */
  #goOn({ state, heard }: Prelude): void {
    this.#prelude = undefined
    const legacy = readLegacy(state, heard, this.#said)
    this.#said = []
    const channel = this.#channel
    if (!channel || !legacy || !channel.restore(legacy.session))
      return this.#end({ code: 'gateway.call_lost' })
    for (const { message, id } of legacy.pending) {
      if (message) channel.take(message)
      else this.#say(errorAnswer(id, { code: 'gateway.call_lost' }))
    }
    for (const note of legacy.notes) channel.take(note)
  }

  #takeLine(bytes: Buffer): void {
    if (this.#prelude) return void this.#said.push(bytes)
    const message = readMessage(bytes)
    if (message) return this.#take(message)
    const batch = readBatch(bytes)
    if (!batch) return this.#refuse(undefined, isJson(bytes) ? invalidRequestCode : parseErrorCode)
    if (batch.length === 0) this.#refuse(undefined)
    for (const one of batch) {
      const single = readMessage(one)
      if (single) this.#take(single)
      else this.#refuse(undefined)
    }
  }

  #take(message: RpcMessage): void {
    if (message.kind === 'invalid') this.#refuse(message.id)
    else this.#channel?.take(message)
  }

  #refuse(id: string | undefined, code = invalidRequestCode): void {
    this.#say(errorAnswer(id, { code: 'gateway.message_invalid' }, code))
  }

  #flush(): void {
    if (this.#batchLength === 0) return
    const batch = this.#batch
    const textLength = this.#batchLength
    this.#batch = []
    this.#batchLength = 0
    this.#write(writeFrame({ kind: frameKinds.lines, lines: batch }))
    this.#outUnnoted += textLength
    if (this.#outUnnoted > mostUnnoted) this.#note()
    else this.#around.changed(this)
  }

  /** `isLast`: nothing begins any more that has not begun by now. */
  #note(message?: Buffer, isLast = false): void {
    const channel = this.#channel
    if (!channel) return
    const { consumed, begun } = this.#lines
    const isWithinLine = begun > mostUnnoted
    this.#outUnnoted = 0
    this.#inNoted = isWithinLine ? consumed + begun : consumed
    const state = stateOf(channel, { isWithinLine, isLast })
    const lines = message ? [message] : []
    this.#write(writeFrame({ kind: frameKinds.state, state, inputEnd: this.#inNoted, lines }))
  }

  #write(pieces: readonly Buffer[]): void {
    const socket = this.#socket
    if (!socket.writable) return
    if (pieces.length > 1) socket.cork()
    for (const piece of pieces) socket.write(piece)
    if (pieces.length > 1) socket.uncork()
    if (socket.writableLength <= mostWaiting) return
    if (socket.writableLength > mostWaitingWithInput) socket.pause()
    if (this.#isBlocked) return
    this.#isBlocked = true
    this.#channel?.pause()
  }

  #unblock(): void {
    this.#socket.resume()
    if (!this.#isBlocked) return
    this.#isBlocked = false
    this.#takenUnread = 0
    this.#channel?.resume()
  }

  /** The client says nothing more; it may still wait for answers. */
  #finishSoon(): void {
    this.#lines.end()
    const channel = this.#channel
    if (this.#isOver || !channel) return this.#finish()
    // What makes it idle is about to be said.
    channel.onIdle = () => process.nextTick(() => channel.awaited === 0 && this.#finish())
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#finish(), farewellMs)
    channel.onIdle()
  }

  #finish(): void {
    this.#flush()
    this.#socket.end()
    this.#leave(true)
  }

  /** Ends it with a word on the shim's stderr. */
  #end(failure: Failure): void {
    const words = Buffer.from(`bridgekeeper: ${sentence(failure)}\n`)
    const exit = Buffer.of(consequences[errors[failure.code].fixer].exit)
    this.#write(writeFrame({ kind: frameKinds.end, state: exit, text: words }))
    this.#socket.end()
    this.#leave(true)
  }

  #leave(isForGood: boolean): void {
    if (this.#isOver) return
    this.#isOver = true
    clearTimeout(this.#timer)
    this.#channel?.close(isForGood)
    this.#around.left(this)
  }
}
