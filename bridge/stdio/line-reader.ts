import { IdSearch } from './id-search.ts'

/** Gets the lines of a client. */
export interface LineReceiver {
  /** One line without its end; never an empty one. */
  line(bytes: Buffer): void
  /** A line was longer than the limit. Its id as it is written, where it is a request and has one. */
  tooLong(id: string | undefined): void
}

const lineFeed = 0x0a

/**
 * Cuts what comes into lines, in time linear in its length, holding no more of a line than the limit. A longer line is searched for its id as
 * it goes by, so that whoever waits for its answer gets one.
 */
export class LineReader {
  readonly #receiver: LineReceiver
  readonly #mostBytes: () => number
  #rest: Buffer[] = []
  #restLength = 0
  #search: IdSearch | undefined
  #consumed = 0

  constructor(receiver: LineReceiver, mostBytes: () => number) {
    this.#receiver = receiver
    this.#mostBytes = mostBytes
  }

  /** How many bytes have come that belong to lines that are complete. */
  get consumed(): number {
    return this.#consumed
  }

  /** How many bytes have come of a line that is not complete. */
  get begun(): number {
    return this.#restLength
  }

  push(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(lineFeed); end >= 0; end = chunk.indexOf(lineFeed, start)) {
      this.#endLine(chunk.subarray(start, end))
      start = end + 1
    }
    if (start < chunk.length) this.#keep(chunk.subarray(start))
  }

  /** Nothing more comes: what has no end is a line all the same. */
  end(): void {
    if (this.#restLength > 0) this.#endLine(Buffer.alloc(0))
  }

  #keep(piece: Buffer): void {
    this.#restLength += piece.length
    if (this.#search) return this.#search.push(piece)
    this.#rest.push(piece)
    if (this.#restLength <= this.#mostBytes()) return
    this.#search = new IdSearch()
    for (const kept of this.#rest) this.#search.push(kept)
    this.#rest = []
  }

  #endLine(last: Buffer): void {
    if (this.#restLength > 0 || last.length > this.#mostBytes()) this.#keep(last)
    const length = this.#restLength || last.length
    const line = this.#restLength > 0 ? Buffer.concat(this.#rest) : last
    const search = this.#search
    this.#rest = []
    this.#restLength = 0
    this.#search = undefined
    if (search) this.#receiver.tooLong(search.id)
    else if (!isBlank(line)) this.#receiver.line(line)
    this.#consumed += length + 1
  }
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false
  return true
}
