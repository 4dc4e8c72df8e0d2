const lineFeed = 0x0a
const carriageReturn = 0x0d
/** The bytes of `id:`. */
const idField = 0x69643a

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
      if (!idSeen) idSeen = beginsWithId(last, chunk) || holdsId(chunk)
      for (let i = Math.max(0, chunk.length - 4); i < chunk.length; i++) last = shifted(last, chunk, i)
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

function shifted(last: number, chunk: Buffer, at: number): number {
  return (last << 8) | (chunk[at] ?? 0)
}

function isLineEnd(byte: number | undefined): boolean {
  return byte === lineFeed || byte === carriageReturn
}

/** Whether a field `id` is completed by the first bytes of a chunk, when the border of two chunks tore it. */
function beginsWithId(before: number, chunk: Buffer): boolean {
  let last = before
  for (let i = 0; i < 3 && i < chunk.length; i++) {
    last = shifted(last, chunk, i)
    if ((last & 0xffffff) === idField && isLineEnd(last >>> 24)) return true
  }
  return false
}

function holdsId(chunk: Buffer): boolean {
  for (let at = chunk.indexOf('id:', 1, 'latin1'); at > 0; at = chunk.indexOf('id:', at + 1, 'latin1')) {
    if (isLineEnd(chunk[at - 1])) return true
  }
  return false
}

/** One `message` event with one line of data. */
export function messageEvent(data: string): string {
  return `event: message\ndata: ${data}\n\n`
}
