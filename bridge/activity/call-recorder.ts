import type { Clock } from '../ports.ts'
import type { Followers } from './followers.ts'
import { callLine, longestPayload, type KeptPayload } from './line.ts'
import { redactPayload } from './payload.ts'
import { parseLine } from './reader.ts'
import type { Activity, CallFacts, CallInProgress, CallOutcome } from './recorder.ts'

/** What becomes of a call that ended, and what is kept of it. */
export interface RecorderOptions {
  readonly clock: Clock
  /** Takes a line with its line feed. */
  readonly write: (at: number, line: string) => void
  readonly followers: Followers
  readonly wantsPayload: (connection: string) => boolean
}

/** Makes a line of every call that ends. */
export function createRecorder(options: RecorderOptions): Activity {
  return { begin: (facts) => new RecordedCall(facts, options) }
}

class RecordedCall implements CallInProgress {
  readonly wantsPayload: boolean
  readonly #facts: CallFacts
  readonly #options: RecorderOptions
  // By a clock that nobody sets.
  readonly #begunAt = performance.now()
  #payload: KeptPayload | undefined
  #isOver = false

  constructor(facts: CallFacts, options: RecorderOptions) {
    this.#facts = facts
    this.#options = options
    this.wantsPayload = options.wantsPayload(facts.connection)
  }

  payload(direction: 'request' | 'answer', bytes: Buffer): void {
    if (!this.wantsPayload || this.#isOver) return
    const before = this.#payload?.[direction]
    if (before !== undefined && before.length >= longestPayload) return
    const own = redactPayload(bytes)
    this.#payload = { ...this.#payload, [direction]: before === undefined ? own : `${before}\n${own}` }
  }

  end(end: CallOutcome): void {
    if (this.#isOver) return
    this.#isOver = true
    const { clock, write, followers } = this.#options
    const at = clock.now()
    const line = callLine(at, this.#facts, end, performance.now() - this.#begunAt, this.#payload)
    write(at, line)
    if (followers.size === 0) return
    const record = parseLine(line)
    if (record) followers.tell(record)
  }
}
