/** One event of a session's streams, as it is sent. */
export interface LoggedEvent {
  /** The stream that it belongs to, and its place there. */
  readonly stream: number
  readonly sequence: number
  readonly frame: Buffer
  wasSent: boolean
  /** The id of the server's request that the event is, as it is written. */
  readonly question: string | undefined
}

/** What the log of one session holds at most, in bytes, with so many for each event itself. The newest event is kept whatever its size. */
const mostBytes = 1024 * 1024
const bytesOfEvent = 200

/** The latest events of a session's streams, for clients that come back. */
export class EventLog {
  readonly #forgotten: (event: LoggedEvent) => void
  #events: LoggedEvent[] = []
  /** Where in `#events` the oldest one is. */
  #first = 0
  #bytes = 0

  /** `forgotten` gets every event that was let go of before a client had it. */
  constructor(forgotten: (event: LoggedEvent) => void) {
    this.#forgotten = forgotten
  }

  add(event: LoggedEvent): void {
    this.#events.push(event)
    this.#bytes += event.frame.length + bytesOfEvent
    while (this.#bytes > mostBytes && this.#events.length - this.#first > 1) this.#drop()
    // The array is cut seldom, since that costs as much as it is long.
    if (this.#first < 1_024 || this.#first * 2 < this.#events.length) return
    this.#events = this.#events.slice(this.#first)
    this.#first = 0
  }

  /** The events of a stream after one place. */
  after(stream: number, sequence: number): LoggedEvent[] {
    return this.#of(stream).filter((event) => event.sequence > sequence)
  }

  /** The events of a stream that nobody has got. */
  unsent(stream: number): LoggedEvent[] {
    return this.#of(stream).filter(({ wasSent }) => !wasSent)
  }

  #of(stream: number): LoggedEvent[] {
    return this.#events.slice(this.#first).filter((event) => event.stream === stream)
  }

  #drop(): void {
    const event = this.#events[this.#first] as LoggedEvent
    // So that the event itself can be collected before the array is cut.
    this.#events[this.#first++] = spent
    this.#bytes -= event.frame.length + bytesOfEvent
    if (!event.wasSent) this.#forgotten(event)
  }
}

const spent: LoggedEvent = {
  stream: -1,
  sequence: 0,
  frame: Buffer.alloc(0),
  wasSent: true,
  question: undefined,
}
