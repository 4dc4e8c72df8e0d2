import type { Activity, CallFacts, CallInProgress, CallOutcome } from '../activity/recorder.ts'
import { firstMember, skipSpace, valueEnd } from '../channel/json-bytes.ts'
import { readBatch, stringAt } from '../channel/rpc-message.ts'

/** How many requests of one batch are noted. */
const mostOfBatch = 100
/** How much of an answer is kept for a record of payloads, in bytes. */
const mostPayload = 1024 * 1024

/** The record of one HTTP request whose bytes are passed on: of its one call, or of those in its batch. */
export class HttpRecord {
  readonly #calls: readonly CallInProgress[]
  readonly #wantsPayload: boolean
  #pieces: Buffer[] = []
  #bytes = 0
  #isError = false

  constructor(activity: Activity, facts: Omit<CallFacts, 'method' | 'face' | 'requestBytes'>, body: Buffer) {
    const bodies = readBatch(body)?.slice(0, mostOfBatch) ?? [body]
    this.#calls = bodies.flatMap((one) => {
      const said = peek(one)
      if (!said) return []
      const call = activity.begin({ ...facts, ...said, face: 'http', requestBytes: one.length })
      if (call.wantsPayload) call.payload('request', one)
      return [call]
    })
    this.#wantsPayload = this.#calls.some(({ wantsPayload }) => wantsPayload)
  }

  /** Sees a piece of the answer go by. `mayBegin`: a message may begin with it, or an event. */
  took(chunk: Buffer, mayBegin: boolean): void {
    if (mayBegin) this.#isError = endsInError(chunk)
    this.#bytes += chunk.length
    if (this.#wantsPayload && this.#bytes <= mostPayload) this.#pieces.push(chunk)
  }

  /** Ends it with the server's answer. */
  answered(status: number): void {
    if (this.#wantsPayload) {
      const whole = Buffer.concat(this.#pieces)
      for (const call of this.#calls) call.payload('answer', whole)
    }
    this.end({ outcome: status >= 400 || this.#isError ? 'error' : 'answered', status })
  }

  /** Ends it. What comes after the first end is ignored. */
  end(outcome: Omit<CallOutcome, 'bytes'>): void {
    this.#pieces = []
    for (const call of this.#calls) call.end({ ...outcome, bytes: this.#bytes })
  }
}

/** Method and name of a request, with as short a look as can be; undefined for what gets no answer. */
function peek(body: Buffer): { method: string | undefined; name?: string } | undefined {
  if (body.length === 0) return undefined
  const at = skipSpace(body, 0)
  const found = firstMember(body, at, ['method', 'result', 'error'])
  if (found && found.index > 0) return undefined
  const method = found && textAt(body, found.start)
  if (method?.startsWith('notifications/')) return undefined
  const naming = namingParameters.get(method ?? '')
  const params = naming && firstMember(body, at, ['params'])
  const named = params && firstMember(body, params.start, [naming])
  const name = named && textAt(body, named.start)
  return { method, ...(name === undefined ? {} : { name }) }
}

const namingParameters = new Map([
  ['tools/call', 'name'],
  ['prompts/get', 'name'],
  ['resources/read', 'uri'],
])

function textAt(bytes: Buffer, start: number): string | undefined {
  const end = valueEnd(bytes, start)
  return end < 0 ? undefined : stringAt(bytes, { start, end })
}

const dataField = Buffer.from('data:')

/** Whether the last message that begins in these bytes is an error. */
function endsInError(chunk: Buffer): boolean {
  const data = chunk.lastIndexOf(dataField)
  const at = skipSpace(chunk, data < 0 ? 0 : data + dataField.length)
  return firstMember(chunk, at, ['error', 'result', 'method'])?.index === 0
}
