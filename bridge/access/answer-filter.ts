import { intoOneLine } from '../channel/json-bytes.ts'
import { readBatch, readMessage } from '../channel/rpc-message.ts'
import { withoutDenied } from './judgement.ts'
import type { ToolRules } from './policy.ts'

const lineFeed = 0x0a
const carriageReturn = 0x0d
const colon = 0x3a
const [comma, open, close] = [Buffer.from(','), Buffer.from('['), Buffer.from(']')]

/**
 * A JSON-RPC message or batch without the tools that are denied: the very same bytes where there is nothing to leave out, undefined where it cannot be
 * told what a client would read.
 */
export function filterMessages(bytes: Buffer, rules: ToolRules): Buffer | undefined {
  const message = readMessage(bytes)
  if (message) {
    const isUnclear = message.kind === 'invalid' && message.resultPlace
    return isUnclear ? undefined : withoutDenied(message, rules).bytes
  }
  const batch = readBatch(bytes)
  if (!batch) return undefined
  const filtered = batch.map((one) => filterMessages(one, rules))
  if (filtered.every((one, index) => one === batch[index])) return bytes
  if (filtered.includes(undefined)) return undefined
  const pieces = filtered.flatMap((one, index) => (index === 0 ? [one] : [comma, one])) as Buffer[]
  return Buffer.concat([open, ...pieces, close])
}

/**
 * An event stream without the tools that are denied. An event goes on, byte for byte, as soon as it is complete; one that lists tools gets its data
 * anew, in one line, and one whose data nobody can judge is left out.
 * @see [HTML, event stream interpretation](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
 */
export class EventFilter {
  readonly #rules: () => ToolRules | undefined
  readonly #mostBytes: number
  /** The line that is not at its end yet. */
  #rest: Buffer[] = []
  /** The lines of the event so far, each with its end, and those of them that are data. */
  #lines: Buffer[] = []
  #data: Buffer[] = []
  #held = 0
  #hasBegun = false
  #isAfterReturn = false

  /** `rules` are asked for with every event. An event larger than `mostBytes` is an overflow. */
  constructor(rules: () => ToolRules | undefined, mostBytes: number) {
    this.#rules = rules
    this.#mostBytes = mostBytes
  }

  /** What may go on now; undefined once an event is too large. */
  push(chunk: Buffer): Buffer | undefined {
    const out: Buffer[] = []
    // A line ends with CR, LF or both: the LF of a pair may come with the next piece, and may as well be missing.
    let start = this.#isAfterReturn && chunk[0] === lineFeed ? 1 : 0
    if (chunk.length > 0) this.#isAfterReturn = chunk[chunk.length - 1] === carriageReturn
    for (let at = start; at < chunk.length; at++) {
      const byte = chunk[at]
      if (byte !== lineFeed && byte !== carriageReturn) continue
      const contentEnd = at
      if (byte === carriageReturn && chunk[at + 1] === lineFeed) at++
      this.#takeLine(chunk.subarray(start, contentEnd), chunk.subarray(contentEnd, at + 1), out)
      start = at + 1
    }
    if (start < chunk.length) {
      this.#rest.push(chunk.subarray(start))
      this.#held += chunk.length - start
    }
    if (this.#held > this.#mostBytes) return undefined
    return out.length === 1 ? out[0] : Buffer.concat(out)
  }

  #takeLine(end: Buffer, terminator: Buffer, out: Buffer[]): void {
    const line = this.#rest.length === 0 ? end : Buffer.concat([...this.#rest, end])
    this.#rest = []
    this.#held += end.length
    const begin = this.#hasBegun ? 0 : markEnd(line)
    this.#hasBegun = true
    if (line.length === begin) return this.#dispatch(line, terminator, out)
    // Comments keep the connection alive, and belong to no event.
    if (line[begin] === colon) {
      this.#held -= line.length
      out.push(line, terminator)
      return
    }
    const nameEnd = line.indexOf(colon, begin)
    const name = line.toString('latin1', begin, nameEnd < 0 ? line.length : nameEnd)
    if (name !== 'data') {
      this.#lines.push(line, terminator)
      return
    }
    const value = nameEnd < 0 ? line.length : line[nameEnd + 1] === 0x20 ? nameEnd + 2 : nameEnd + 1
    this.#data.push(line.subarray(value), terminator)
    this.#lines.push(line, terminator)
  }

  #dispatch(line: Buffer, terminator: Buffer, out: Buffer[]): void {
    const [lines, data] = [this.#lines, this.#data]
    this.#lines = []
    this.#data = []
    this.#held = 0
    const rules = this.#rules()
    const json = data.length === 2 ? (data[0] as Buffer) : Buffer.concat(data)
    const isBlank = json.every((byte) => byte === 0x20 || byte === lineFeed || byte === carriageReturn)
    const filtered = !rules || isBlank ? json : filterMessages(json, rules)
    if (filtered === json) {
      out.push(...lines, line, terminator)
      return
    }
    // Without its data an event does nothing, but for the position in the stream.
    const kept = lines.filter((_, index) => !isData(lines[index - (index % 2)] as Buffer))
    const text = filtered ? [Buffer.from('data: '), intoOneLine(filtered), terminator] : []
    out.push(...kept, ...text, line, terminator)
  }
}

/** Where the text begins behind a byte order mark. */
function markEnd(line: Buffer): number {
  return line[0] === 0xef && line[1] === 0xbb && line[2] === 0xbf ? 3 : 0
}

function isData(line: Buffer): boolean {
  const text = line.toString('latin1', markEnd(line), markEnd(line) + 5)
  return text === 'data:' || text === 'data'
}
