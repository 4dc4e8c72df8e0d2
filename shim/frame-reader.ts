import { headLength, readHead, type FrameHead } from './pipe-protocol.ts'

/** Gets the frames of a bridge as they come. */
export interface FrameReceiver {
  /** A piece of a frame's text. */
  text(piece: Buffer, frame: FrameHead): void
  /** A frame is complete. */
  frame(frame: FrameHead, state: Buffer): void
}

/** Reads frames from pieces of any size; a text is passed on piece by piece. */
export class FrameReader {
  readonly #receiver: FrameReceiver
  #head = Buffer.alloc(headLength)
  #headLength = 0
  #frame: FrameHead | undefined
  #state = Buffer.alloc(0)
  #stateLeft = 0
  #textLeft = 0

  constructor(receiver: FrameReceiver) {
    this.#receiver = receiver
  }

  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const frame = this.#frame
      if (!frame) {
        at += this.#readHead(chunk, at)
        continue
      }
      if (this.#stateLeft > 0) {
        const piece = chunk.subarray(at, at + this.#stateLeft)
        piece.copy(this.#state, this.#state.length - this.#stateLeft)
        this.#stateLeft -= piece.length
        at += piece.length
      } else if (this.#textLeft > 0) {
        const piece = chunk.subarray(at, at + this.#textLeft)
        this.#textLeft -= piece.length
        at += piece.length
        this.#receiver.text(piece, frame)
      }
      this.#finishIfComplete(frame)
    }
  }

  #readHead(chunk: Buffer, at: number): number {
    const copied = chunk.copy(this.#head, this.#headLength, at)
    this.#headLength += copied
    if (this.#headLength < headLength) return copied
    const frame = readHead(this.#head)
    this.#headLength = 0
    this.#frame = frame
    this.#stateLeft = frame.stateLength
    this.#textLeft = frame.textLength
    this.#state = Buffer.alloc(frame.stateLength)
    this.#finishIfComplete(frame)
    return copied
  }

  #finishIfComplete(frame: FrameHead): void {
    if (this.#stateLeft > 0 || this.#textLeft > 0) return
    this.#frame = undefined
    this.#receiver.frame(frame, this.#state)
  }
}
