import { headLength, type frameKinds } from '../../shim/pipe-protocol.ts'

/** What one frame holds. */
export interface Frame {
  readonly kind: (typeof frameKinds)[keyof typeof frameKinds]
  /** Messages, each of which becomes a line. */
  readonly lines?: readonly Buffer[]
  readonly state?: Buffer
  /** Up to which byte of the input the state goes. */
  readonly inputEnd?: number
  /** Instead of lines. */
  readonly text?: Buffer
}

/** Up to this size, in bytes, copying a frame together costs less than writing it in pieces. */
const mostCopied = 128 * 1024

const lineFeed = Buffer.from('\n')
const nothing = Buffer.alloc(0)

/** A frame as the pieces to be written one after the other. */
export function writeFrame({ kind, lines = [], state = nothing, inputEnd = 0, text }: Frame): Buffer[] {
  let textLength = text?.length ?? 0
  for (const { length } of lines) textLength += length + 1
  const headAndState = headLength + state.length
  const isCopied = textLength <= mostCopied
  const first = Buffer.allocUnsafe(isCopied ? headAndState + textLength : headAndState)
  first.writeUInt8(kind, 0)
  first.writeUInt32BE(textLength, 1)
  first.writeUInt32BE(state.length, 5)
  first.writeUIntBE(inputEnd, 9, 6)
  state.copy(first, headLength)
  if (!isCopied) return [first, ...lines.flatMap((line) => [line, lineFeed]), ...(text ? [text] : [])]
  let at = headAndState
  text?.copy(first, at)
  for (const line of lines) {
    at += line.copy(first, at)
    first[at++] = 0x0a
  }
  return [first]
}
