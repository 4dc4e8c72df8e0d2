import type { Activity, CallInProgress, CallOutcome } from '../activity/recorder.ts'
import { firstMember, skipSpace, valueEnd } from '../channel/json-bytes.ts'
import { readBatch, stringAt } from '../channel/rpc-message.ts'
import { nameIn } from './judgement.ts'

/** How many requests of one batch are noted. */
const mostOfBatch = 100
/** How much of an answer is kept for a record of payloads, in bytes. */
const mostPayload = 1024 * 1024

/** Who asks, and for which connection. */
interface Caller {
  readonly client: string
  readonly connection: string
}

/** The record of one HTTP request whose bytes are passed on: of its one call, or of those in its batch. */
export class HttpRecord {
  readonly #calls: readonly CallInProgress[]
  #wantsPayload = false
  #pieces: Buffer[] = []
  #bytes = 0
  #isError = false

  constructor(activity: Activity, caller: Caller, body: Buffer) {
    const batch = readBatch(body)?.slice(0, mostOfBatch)
    this.#calls = batch
      ? batch.flatMap((one) => begin(activity, caller, one) ?? [])
      : noted(begin(activity, caller, body))
    for (const { wantsPayload } of this.#calls) if (wantsPayload) this.#wantsPayload = true
  }

  /** The call, where it is one alone. */
  get call(): CallInProgress | undefined {
    return this.#calls.length === 1 ? this.#calls[0] : undefined
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

const nothing: readonly CallInProgress[] = []

function noted(call: CallInProgress | undefined): readonly CallInProgress[] {
  return call ? [call] : nothing
}

/** Notes a message, if it is one that gets an answer. */
function begin(
  activity: Activity,
  { client, connection }: Caller,
  bytes: Buffer,
): CallInProgress | undefined {
  const method = methodIn(bytes)
  if (method === null) return undefined
  const name = method === undefined ? undefined : nameOf(bytes, method)
  const requestBytes = bytes.length
  const call = activity.begin(
    name === undefined
      ? { client, connection, method, face: 'http', requestBytes }
      : { client, connection, method, name, face: 'http', requestBytes },
  )
  if (call.wantsPayload) call.payload('request', bytes)
  return call
}

/** The method of a request, with as short a look as can be: undefined where it has none, null for what gets no answer. */
function methodIn(body: Buffer): string | undefined | null {
  if (body.length === 0) return null
  const found = firstMember(body, skipSpace(body, 0), methodNames)
  if (!found) return undefined
  if (found.index > 0) return null
  const method = textAt(body, found.start)
  return method?.startsWith('notifications/') ? null : method
}

function nameOf(body: Buffer, method: string): string | undefined {
  const params = firstMember(body, skipSpace(body, 0), paramsName)
  return params && nameIn(body, method, params.start)
}

const methodNames = ['method', 'result', 'error']
const outcomeNames = ['error', 'result', 'method']
const paramsName = ['params']
function textAt(bytes: Buffer, start: number): string | undefined {
  const end = valueEnd(bytes, start)
  return end < 0 ? undefined : stringAt(bytes, { start, end })
}

const dataField = Buffer.from('data:')

/** Whether the last message that begins in these bytes is an error. */
function endsInError(chunk: Buffer): boolean {
  const data = chunk.lastIndexOf(dataField)
  const at = skipSpace(chunk, data < 0 ? 0 : data + dataField.length)
  return firstMember(chunk, at, outcomeNames)?.index === 0
}
