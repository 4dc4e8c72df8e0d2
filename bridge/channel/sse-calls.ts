import type { Failure } from '../../shared/errors.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { CallTable, keyOf } from './call-table.ts'
import type { Delivery } from './delivery.ts'
import { findMembers } from './json-bytes.ts'
import { findParams, type RpcMessage } from './rpc-message.ts'

/** How many requests of one client may be under way, and how many bytes they may have together. */
const mostCalls = 4_096
const mostBytes = 256 * 1024 * 1024

/** How often one request may be made again. */
const mostRepetitions = 3

/** One request of the client, until its answer. */
export class SseCall {
  readonly request: RpcMessage
  /** Whether the server may know of it. */
  isPosted = false
  isOver = false
  post: Delivery | undefined
  /** What the server answered to the POST; 0 before that. */
  status = 0
  repetitions = 0
  #token: string | undefined
  #isTokenKnown = false

  constructor(request: RpcMessage) {
    this.request = request
  }

  get isRepeatable(): boolean {
    return isRepeatableMethod(this.request.method)
  }

  /** Whether it may be posted to another session. */
  get mayBeRepeated(): boolean {
    return this.isRepeatable && this.repetitions < mostRepetitions
  }

  /** What its progress is told under, in the spelling of `keyOf`. */
  get progressToken(): string | undefined {
    if (!this.#isTokenKnown) this.#token = tokenIn(this.request, '_meta')
    this.#isTokenKnown = true
    return this.#token
  }
}

/** The requests of one client. */
export class SseCalls {
  readonly #table = new CallTable<SseCall>()
  #bytes = 0
  /** How many answers came that nobody asked for. */
  #strays = 0

  get size(): number {
    return this.#table.size
  }

  all(): SseCall[] {
    return this.#table.all()
  }

  posted(): SseCall[] {
    return this.#table.all().filter(({ isPosted }) => isPosted)
  }

  /** Why one more request is not taken. */
  refusal({ id, bytes }: RpcMessage): Failure | undefined {
    // The answer to any other id could not be told from the rest.
    if (!/^["\d-]/.test(id ?? '')) return { code: 'gateway.message_invalid' }
    const isTooMuch = this.#table.size >= mostCalls || this.#bytes + bytes.length > mostBytes
    return isTooMuch ? { code: 'gateway.too_many_calls' } : undefined
  }

  add(request: RpcMessage): SseCall {
    const call = new SseCall(request)
    this.#table.add(call)
    this.#bytes += request.bytes.length
    return call
  }

  remove(call: SseCall): void {
    call.isOver = true
    this.#table.remove(call)
    this.#bytes -= call.request.bytes.length
    if (this.#table.size === 0) this.#strays = 0
  }

  /** The call under way with this id. */
  find(id: string | undefined): SseCall | undefined {
    return this.#table.find(id)
  }

  /**
   * Notes an answer that belongs to none, and gives the calls that it must have been for: as soon as there are as many such answers as there
   * are calls without one, the server has mistaken their ids.
   */
  takeStray({ id }: RpcMessage): SseCall[] {
    // The second answer to a call, or one to a call that was cancelled.
    if (this.#table.hasFinished(id)) return []
    const posted = this.posted()
    if (posted.length === 0 || ++this.#strays < posted.length) return []
    this.#strays = 0
    return posted
  }

  /** The request that a message of the server is about, as far as that can be told. */
  requestOf(message: RpcMessage): RpcMessage | undefined {
    if (message.method === 'notifications/progress') {
      const token = tokenIn(message)
      const isMeant = ({ progressToken }: SseCall): boolean => progressToken === token
      return token === undefined ? undefined : this.posted().find(isMeant)?.request
    }
    if (message.kind !== 'request' && message.method !== 'notifications/message') return undefined
    const [only, other] = this.posted()
    return other ? undefined : only?.request
  }
}

/** The progress token in the params of a message, or in a member of them. */
function tokenIn(message: RpcMessage, member?: string): string | undefined {
  const outer = findParams(message, [member ?? 'progressToken'])?.[0]
  const place =
    member === undefined || !outer
      ? outer
      : findMembers(message.bytes, outer.start, ['progressToken'])?.places[0]
  return place && keyOf(message.bytes.toString('latin1', place.start, place.end))
}
