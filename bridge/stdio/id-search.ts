import { valueEnd } from '../channel/json-bytes.ts'

/** A longer id counts as none, and so does a longer name of a member. */
const mostBytes = 1_024

const quote = 0x22
const backslash = 0x5c

/** Looks for the id of a request in a message that is too large to be held, as its bytes go by. */
export class IdSearch {
  #depth = 0
  #isInText = false
  #isEscaped = false
  /** Whether what comes at the first level is the value of a member, and no name. */
  #isValue = false
  #name: number[] = []
  #value: number[] = []
  #id: string | undefined
  #isRequest = false

  /** The id as it is written; undefined where there is none, or where the message is no request. */
  get id(): string | undefined {
    return this.#isRequest ? this.#id : undefined
  }

  push(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++) {
      if (this.#isInText && this.#isFull) at = nextMark(bytes, at)
      const byte = bytes[at]
      if (byte === undefined) return
      if (this.#isInText) this.#takeText(byte)
      else this.#takeMark(byte)
    }
  }

  /** Whether nothing more is kept of the present name or value. */
  get #isFull(): boolean {
    return (this.#isValue ? this.#value : this.#name).length > mostBytes
  }

  #takeText(byte: number): void {
    this.#collect(byte)
    if (this.#isEscaped) this.#isEscaped = false
    else if (byte === backslash) this.#isEscaped = true
    else if (byte === quote) this.#isInText = false
  }

  #takeMark(byte: number): void {
    switch (byte) {
      case 0x7b: // {
      case 0x5b: // [
        this.#collect(byte)
        this.#depth++
        return
      case 0x7d: // }
      case 0x5d: // ]
        if (--this.#depth === 0) this.#endMember()
        else this.#collect(byte)
        return
      case 0x3a: // :
        if (this.#depth === 1 && !this.#isValue) this.#isValue = true
        else this.#collect(byte)
        return
      case 0x2c: // ,
        if (this.#depth === 1) this.#endMember()
        else this.#collect(byte)
        return
      default:
        if (byte === quote) this.#isInText = true
        this.#collect(byte)
    }
  }

  #collect(byte: number): void {
    if (this.#depth === 0) return
    const part = this.#isValue ? this.#value : this.#name
    if (part.length <= mostBytes) part.push(byte)
  }

  #endMember(): void {
    const name = textOf(this.#name)
    if (name === '"method"') this.#isRequest = true
    if (name === '"id"' && !this.#isFull) {
      const value = textOf(this.#value)
      if (valueEnd(Buffer.from(value, 'latin1'), 0) === value.length) this.#id = value
    }
    this.#name = []
    this.#value = []
    this.#isValue = false
  }
}

/** Where a text goes on that is not plain. */
function nextMark(bytes: Buffer, at: number): number {
  while (at < bytes.length && bytes[at] !== quote && bytes[at] !== backslash) at++
  return at
}

function textOf(bytes: readonly number[]): string {
  return Buffer.from(bytes).toString('latin1').trim()
}
