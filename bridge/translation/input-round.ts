import type { Failure } from '../../shared/errors.ts'
import { stringAt, isSameId, type RpcMessage } from '../channel/rpc-message.ts'
import { entriesOf, json, rawId, requestOf, valuesAt, withMembers } from './splice.ts'
import { inputMethods } from './vocabulary.ts'

const none = Buffer.alloc(0)

/** How much a server may want to know at once. */
const mostQuestions = 64

interface Question {
  readonly key: string
  readonly request: RpcMessage
  answer: Buffer | undefined
}

/**
 * What a server wants to know before it finishes a call, as requests to a client of the older era.
 * @see [MCP 2026-07-28, Multi Round-Trip Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr)
 */
export class InputRound {
  readonly #questions: readonly Question[]
  readonly #state: Buffer | undefined

  private constructor(questions: readonly Question[], state: Buffer | undefined) {
    this.#questions = questions
    this.#state = state
  }

  /** Reads an `input_required` result; a failure where it asks for what a client of the older era cannot be asked. */
  static begin({ bytes, resultPlace }: RpcMessage, nextId: () => string): InputRound | Failure {
    const [inputs, state] = valuesAt(bytes, resultPlace, ['inputRequests', 'requestState'])
    const questions: Question[] = []
    for (const [key, value] of entriesOf(inputs ?? none, inputs && placeOf(inputs))) {
      const [method, params] = valuesAt(value, placeOf(value), ['method', 'params'])
      const name = stringAt(method ?? none, method && placeOf(method))
      if (!inputMethods.has(name)) return { code: 'translation.unmapped', detail: 'what the server asks for' }
      const id = nextId()
      const request = requestOf(id, name as string, asked(params, id))
      questions.push({ key, request, answer: undefined })
    }
    if (questions.length > mostQuestions)
      return { code: 'server.failed', detail: 'it asks for too much at once' }
    if (questions.length === 0 && !state) return { code: 'server.failed', detail: 'it asks for nothing' }
    return new InputRound(questions, state)
  }

  get questions(): readonly RpcMessage[] {
    return this.#questions.map(({ request }) => request)
  }

  get isComplete(): boolean {
    return this.#questions.every(({ answer }) => answer !== undefined)
  }

  /** The ids of what has not been answered. */
  get open(): string[] {
    return this.#questions.flatMap(({ request, answer }) => (answer ? [] : (request.id ?? [])))
  }

  /** What is added to the params of the retry. */
  get answers(): Record<string, Buffer> {
    const responses: Record<string, Buffer | undefined> = Object.create(null) as Record<string, Buffer>
    for (const { key, answer } of this.#questions) responses[key] = answer
    const inputResponses = withMembers(none, undefined, responses)
    return { inputResponses, ...(this.#state ? { requestState: this.#state } : {}) }
  }

  /** Takes the client's answer to one of the questions; undefined where it is to none of them. */
  take({ id, bytes, resultPlace }: RpcMessage): 'taken' | 'failed' | undefined {
    const question = this.#questions.find(({ request }) => isSameId(request.id, id))
    if (!question) return undefined
    if (resultPlace) question.answer = bytes.subarray(resultPlace.start, resultPlace.end)
    // Only an elicitation has a word for a person who was not asked.
    else if (question.request.method === 'elicitation/create') question.answer = json({ action: 'cancel' })
    else return 'failed'
    return 'taken'
  }
}

/** By 2025-11-25 an elicitation that sends a person to an address has an id, which the current revision does without. */
function asked(params: Buffer | undefined, id: string): Buffer {
  if (!params) return withMembers(none, undefined, {})
  const [mode, elicitationId] = valuesAt(params, placeOf(params), ['mode', 'elicitationId'])
  const needsId = mode?.toString() === '"url"' && !elicitationId
  return needsId ? withMembers(params, placeOf(params), { elicitationId: rawId(id) }) : params
}

function placeOf(bytes: Buffer): { start: number; end: number } {
  return { start: 0, end: bytes.length }
}
