/** One event of an event stream: its type, `message` where the stream gives none, and its data lines joined. */
export interface StreamEvent {
  readonly type: string
  readonly data: string
}

/**
 * Reads an event stream piece by piece, in time linear in its length however it is cut. The result takes a piece and returns the events
 * that it completes; events without data are left out.
 * @see [HTML, event stream interpretation](https://html.spec.whatwg.org/multipage/server-sent-events.html#event-stream-interpretation)
 */
export function createEventReader(): (piece: string) => StreamEvent[] {
  let line: string[] = []
  let type = ''
  let data: string[] = []
  let afterReturn = false

  const endLine = (): StreamEvent | undefined => {
    const text = line.join('')
    line = []
    if (text === '') {
      const event = data.length > 0 ? { type: type || 'message', data: data.join('\n') } : undefined
      type = ''
      data = []
      return event
    }
    const [, field = text, value = ''] = /^([^:]*):? ?([^]*)$/.exec(text) ?? []
    if (field === 'event') type = value
    else if (field === 'data') data.push(value)
    return undefined
  }

  return (piece) => {
    const events: StreamEvent[] = []
    // A line ends with CR, LF or both: the LF of a pair may come with the next piece.
    const rest = afterReturn && piece.startsWith('\n') ? piece.slice(1) : piece
    if (piece !== '') afterReturn = piece.endsWith('\r')
    const parts = rest.split(/\r\n|\n|\r/)
    for (const [index, part] of parts.entries()) {
      if (part) line.push(part)
      const event = index < parts.length - 1 ? endLine() : undefined
      if (event) events.push(event)
    }
    return events
  }
}
