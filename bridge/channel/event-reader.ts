/** Gets what an event stream says. */
export interface EventReceiver {
  /** The data of one `message` event, in one line. */
  data(bytes: Buffer): void
  /** The same for an event of another type. */
  other?(type: string, bytes: Buffer): void
  /** The stream can be resumed after this event. */
  position(id: string): void
  /** How long to wait before a resumption, in milliseconds. */
  retry(ms: number): void
  /** An event is larger than the limit; nothing more is read. */
  overflow(): void
}

const lineFeed = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const space = Buffer.from(' ')

/**
 * Reads an event stream in time linear in its length, however it is cut, and without decoding or copying an event that comes in one piece.
 * Comments are left out.
 * @see [HTML, event stream interpretation](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
 */
export class EventReader {
  readonly #receiver: EventReceiver
  readonly #mostBytes: number
  /** The line that is not at its end yet. */
  #rest: Buffer[] = []
  #restLength = 0
  #data: Buffer[] = []
  #dataLength = 0
  /** Empty for a `message`. */
  #type = ''
  #id: string | undefined
  #isAfterReturn = false
  #hasBegun = false
  #isOver = false

  /** An event with more than `mostBytes` of data is an overflow. */
  constructor(receiver: EventReceiver, mostBytes: number) {
    this.#receiver = receiver
    this.#mostBytes = mostBytes
  }

  push(chunk: Buffer): void {
    // A line ends with CR, LF or both: the LF of a pair may come with the next piece.
    let start = this.#isAfterReturn && chunk[0] === lineFeed ? 1 : 0
    if (chunk.length > 0) this.#isAfterReturn = chunk[chunk.length - 1] === carriageReturn
    let nextReturn = chunk.indexOf(carriageReturn, start)
    while (!this.#isOver) {
      const nextFeed = chunk.indexOf(lineFeed, start)
      const end = nextReturn >= 0 && (nextFeed < 0 || nextReturn < nextFeed) ? nextReturn : nextFeed
      if (end < 0) return this.#keep(chunk.subarray(start))
      this.#endLine(chunk, start, end)
      start = end + 1
      if (end !== nextReturn) continue
      if (nextFeed === start) start++
      nextReturn = chunk.indexOf(carriageReturn, start)
    }
  }

  #keep(rest: Buffer): void {
    if (rest.length === 0) return
    this.#rest.push(rest)
    this.#restLength += rest.length
    if (this.#restLength + this.#dataLength > this.#mostBytes) this.#overflow()
  }

  #endLine(chunk: Buffer, start: number, end: number): void {
    if (this.#restLength === 0) return this.#takeLine(chunk, start, end)
    const line = Buffer.concat([...this.#rest, chunk.subarray(start, end)])
    this.#rest = []
    this.#restLength = 0
    this.#takeLine(line, 0, line.length)
  }

  #takeLine(bytes: Buffer, start: number, end: number): void {
    if (!this.#hasBegun) {
      this.#hasBegun = true
      if (bytes[start] === 0xef && bytes[start + 1] === 0xbb && bytes[start + 2] === 0xbf) start += 3
    }
    if (start === end) return this.#dispatch()
    let nameEnd = start
    while (nameEnd < end && bytes[nameEnd] !== colon) nameEnd++
    let value = Math.min(nameEnd + 1, end)
    if (value < end && bytes[value] === 0x20) value++
    this.#takeField(bytes.toString('latin1', start, nameEnd), bytes, value, end)
  }

  #takeField(name: string, bytes: Buffer, start: number, end: number): void {
    if (name === 'data') {
      this.#data.push(bytes.subarray(start, end))
      this.#dataLength += end - start
      if (this.#dataLength > this.#mostBytes) this.#overflow()
      return
    }
    const value = bytes.toString('latin1', start, end)
    if (name === 'event') this.#type = value === 'message' ? '' : value
    else if (name === 'id' && !value.includes('\0')) this.#id = value
    else if (name === 'retry' && /^\d{1,9}$/.test(value)) this.#receiver.retry(Number(value))
  }

  #dispatch(): void {
    const data = this.#data
    const type = this.#type
    const hasData = this.#dataLength > 0
    this.#type = ''
    if (data.length > 0) {
      this.#data = []
      this.#dataLength = 0
    }
    if (this.#id !== undefined) {
      this.#receiver.position(this.#id)
      this.#id = undefined
    }
    if (!hasData) return
    const bytes = data.length === 1 ? (data[0] as Buffer) : joined(data)
    if (type === '') this.#receiver.data(bytes)
    else this.#receiver.other?.(type, bytes)
  }

  #overflow(): void {
    this.#isOver = true
    this.#rest = []
    this.#data = []
    this.#receiver.overflow()
  }
}

/** The lines of one event stand for line breaks, which JSON has between its tokens only. */
function joined(lines: readonly Buffer[]): Buffer {
  return Buffer.concat(lines.flatMap((line, i) => (i === 0 ? [line] : [space, line])))
}
