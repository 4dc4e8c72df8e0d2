const lineFeed = 0x0a
const carriageReturn = 0x0d

/** Watches the bytes of an event stream go by, without holding them. */
export interface EventStreamWatch {
  push(chunk: Buffer): void
  /** Whether a new event may begin here: the stream is empty so far, or ends with an empty line. */
  isBetweenEvents(): boolean
  /** Whether an event had an id, which lets a client resume the stream. */
  hasIds(): boolean
}

/**
 * Begins to watch a stream. It needs constant memory and the time of a byte search.
 * @see [HTML, parsing an event stream](https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream)
 */
export function watchEventStream(): EventStreamWatch {
  // The last four bytes, the latest in the lowest place. Before the first byte it is as after an empty line.
  let last = 0x0a0a0a0a
  let idSeen = false

  return {
    push(chunk) {
      idSeen ||= holdsId(last, chunk)
      for (let i = Math.max(0, chunk.length - 4); i < chunk.length; i++) {
        last = (last << 8) | (chunk[i] as number)
      }
    },
    isBetweenEvents() {
      const end = last & 0xff
      const second = (last >>> 8) & 0xff
      const third = (last >>> 16) & 0xff
      if (end === carriageReturn) return isLineEnd(second)
      if (end !== lineFeed) return false
      return second === lineFeed || (second === carriageReturn && isLineEnd(third))
    },
    hasIds: () => idSeen,
  }
}

function isLineEnd(byte: number): boolean {
  return byte === lineFeed || byte === carriageReturn
}

function holdsId(before: number, chunk: Buffer): boolean {
  if (chunk.includes('\nid:') || chunk.includes('\rid:')) return true
  // The field may be torn by the border of two chunks.
  const border = Buffer.alloc(7)
  border.writeInt32BE(before)
  const length = 4 + chunk.copy(border, 4, 0, 3)
  return /[\r\n]id:/.test(border.toString('latin1', 0, length))
}

/** One `message` event with one line of data. */
export function messageEvent(data: string): string {
  return `event: message\ndata: ${data}\n\n`
}
