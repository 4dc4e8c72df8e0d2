/**
 * What a shim and the bridge say to each other on their socket. See docs/decisions/0006-a-shim-that-knows-no-protocol.md.
 *
 * The shim sends one line, the greeting, and then nothing but the bytes of its stdin. The bridge sends frames: a head of fixed length, then
 * the state, then the text. The text is for stdout, or for stderr at the end. The state is a note that the shim keeps without
 * looking into it and hands to the next bridge, with what has passed since.
 */

/** The version of all this. Another one is not spoken. */
export const pipeVersion = 1

/** The first line of a shim. */
export interface Greeting {
  readonly bridgekeeper: typeof pipeVersion
  /** The connection that is asked for; undefined for all of them. */
  readonly connection?: string | undefined
  /** The name of the client app. */
  readonly client: string
  /** Lengths in bytes of what follows the line: the last state, the text that came after it, and the input that it does not cover. */
  readonly resume?: { readonly state: number; readonly heard: number; readonly said: number }
}

/** What a frame is for. */
export const frameKinds = {
  /** Text alone: whole lines. */
  lines: 1,
  /** A state, and a text of at most one line that holds from when the line is out. */
  state: 2,
  /** The bridge ends for now; another one will go on. */
  pause: 3,
  /** The pipe is over: the text says why, and the state is one byte, the exit code. */
  end: 4,
} as const

/**
 * The bytes of a frame's head: its kind (1), the length of the text (4), the length of the state (4), and up to which byte of the input the
 * state goes (6), counted from the end of the greeting with all that belongs to it. All numbers have their highest byte first.
 */
export const headLength = 15

/** A frame's head. */
export interface FrameHead {
  readonly kind: number
  readonly textLength: number
  readonly stateLength: number
  readonly inputEnd: number
}

/** Reads a head back. */
export function readHead(bytes: Buffer): FrameHead {
  return {
    kind: bytes.readUInt8(0),
    textLength: bytes.readUInt32BE(1),
    stateLength: bytes.readUInt32BE(5),
    inputEnd: bytes.readUIntBE(9, 6),
  }
}
