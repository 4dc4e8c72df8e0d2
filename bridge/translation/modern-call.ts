import type { CallEnd } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, isSameId, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { versionKey } from './era.ts'
import type { ServerSession } from './server-session.ts'
import { changed, entriesOf, rawId, resultOf, valuesAt, withMembers } from './splice.ts'
import { askingMethods, capabilitiesKey, infoKey, levelKey, severityOf } from './vocabulary.ts'

const none = Buffer.alloc(0)

/** How much is kept for a client that is gathering input: notifications, their bytes, and questions. */
const mostNotes = 1_000
const mostNoteBytes = 1024 * 1024
const mostQuestions = 64

/** One call of a client of the current era, made in a session. It outlives the client's requests: each of them may bring input for it. */
export class ModernCall {
  /** The client's request that waits for an answer; undefined while the client gathers input. */
  request: RpcMessage | undefined
  /** What went to the server. */
  sent: RpcMessage | undefined
  readonly session: ServerSession
  /** Of the request to the server, as it is written, and also what its progress is told by. */
  readonly id: string
  readonly mayAsk: boolean
  rounds: number
  readonly #first: RpcMessage
  #wants: Wants
  /** What the server asks, by the keys that the client sees. */
  readonly #questions = new Map<string, RpcMessage>()
  /** What the client is to do before the call is made anew. */
  #wishes: ReadonlyMap<string, RpcMessage> | undefined
  #lastKey = 0
  #outcome: { readonly bytes: Buffer; readonly end: CallEnd } | undefined
  #notes: RpcMessage[] = []
  #noteBytes = 0

  constructor(request: RpcMessage, session: ServerSession, id: string, rounds: number) {
    this.#first = request
    this.request = request
    this.session = session
    this.id = id
    this.rounds = rounds
    this.#wants = wantsOf(request)
    this.mayAsk = askingMethods.has(request.method)
  }

  /** The client's progress token, as it is written. */
  get token(): Buffer | undefined {
    return this.#wants.token
  }

  /** How severe what the client wants to hear is at least; undefined where it wants to hear nothing. */
  get level(): number | undefined {
    return this.#wants.level
  }

  /** The request as the server knows it: with an id of ours, without what a session says once. */
  translated(): RpcMessage {
    const request = this.#first
    const { bytes, paramsPlace } = request
    const meta = findParams(request, ['_meta'])?.[0]
    const id = rawId(this.id)
    const _meta = withMembers(bytes, meta, {
      [versionKey]: undefined,
      [infoKey]: undefined,
      [capabilitiesKey]: undefined,
      [levelKey]: undefined,
      ...(this.token ? { progressToken: id } : {}),
    })
    const params = withMembers(bytes, paramsPlace, {
      _meta: _meta.length > 2 ? _meta : undefined,
      inputResponses: undefined,
      requestState: undefined,
    })
    this.sent = changed(request, { id, params })
    return this.sent
  }

  /** Whether a request can be a retry of this call: it is for the same thing. */
  isFor(request: RpcMessage): boolean {
    const names = ['name', 'uri']
    const own = valuesAt(this.#first.bytes, this.#first.paramsPlace, names)
    const others = valuesAt(request.bytes, request.paramsPlace, names)
    return (
      this.#first.method === request.method &&
      own.every((value, index) => (value ?? none).equals(others[index] ?? none))
    )
  }

  /** False where the server asks too much at once. */
  ask(question: RpcMessage): boolean {
    if (this.#questions.size >= mostQuestions) return false
    this.#questions.set(`input-${++this.#lastKey}`, question)
    return true
  }

  /** The server does not want to know any more. */
  withdraw(id: string | undefined): void {
    for (const [key, question] of this.#questions) {
      if (isSameId(question.id, id)) this.#questions.delete(key)
    }
  }

  get hasQuestions(): boolean {
    return this.#questions.size > 0
  }

  /** The call is to be made anew once the client has done these. */
  repeatAfter(wishes: readonly RpcMessage[]): void {
    this.#wishes = new Map(wishes.map((wish) => [`input-${++this.#lastKey}`, wish] as const))
  }

  get isToBeRepeated(): boolean {
    return this.#wishes !== undefined
  }

  /** What the client is asked for, as `inputRequests`. From here on its request is answered. */
  takeQuestions(): Buffer {
    this.request = undefined
    const questions = [...(this.#wishes ?? this.#questions)].map(([key, { bytes, paramsPlace, method }]) => {
      const params = paramsPlace && bytes.subarray(paramsPlace.start, paramsPlace.end)
      return [
        key,
        withMembers(none, undefined, { method: Buffer.from(JSON.stringify(method)), params }),
      ] as const
    })
    return withMembers(none, undefined, Object.fromEntries(questions))
  }

  /** The client has called again: what it gathered goes to the server. */
  resume(request: RpcMessage): void {
    this.request = request
    this.#wants = wantsOf(request)
    const place = findParams(request, ['inputResponses'])?.[0]
    for (const [key, response] of entriesOf(request.bytes, place)) {
      const question = this.#questions.get(key)
      if (!question) continue
      this.#questions.delete(key)
      this.session.tell(resultOf(question.id ?? 'null', response))
    }
  }

  /** Nobody will answer what the server asked. */
  refuseQuestions(): void {
    for (const question of this.#questions.values()) {
      const bytes = errorAnswer(question.id, { code: 'translation.input_failed' })
      this.session.tell(readMessage(bytes) as RpcMessage)
    }
    this.#questions.clear()
  }

  keepOutcome(bytes: Buffer, end: CallEnd): void {
    this.#outcome = { bytes, end }
  }

  takeOutcome(): { readonly bytes: Buffer; readonly end: CallEnd } | undefined {
    return this.#outcome
  }

  keepNote(note: RpcMessage): void {
    this.#noteBytes += note.bytes.length
    if (this.#notes.length < mostNotes && this.#noteBytes <= mostNoteBytes) this.#notes.push(note)
  }

  takeNotes(): RpcMessage[] {
    const notes = this.#notes
    this.#notes = []
    this.#noteBytes = 0
    return notes
  }
}

/** What a request wants to hear while it runs. */
interface Wants {
  readonly token: Buffer | undefined
  readonly level: number | undefined
}

function wantsOf(request: RpcMessage): Wants {
  const meta = findParams(request, ['_meta'])?.[0]
  const [token, level] = valuesAt(request.bytes, meta, ['progressToken', levelKey])
  return { token, level: severityOf(stringAt(level ?? none, level && { start: 0, end: level.length })) }
}
