import { isSameId, type RpcMessage } from '../channel/rpc-message.ts'

/** How long a question waits for a call in which it can be asked, in milliseconds, and how many do. */
const questionMs = 60_000
const mostQuestions = 16

/** What a server of the older era asks outside of any call, as for the roots at the start of a session: a client of the current era can be asked only in a call. */
export class EarlyQuestions {
  readonly #waiting = new Map<RpcMessage, NodeJS.Timeout>()
  readonly #refuse: (question: RpcMessage) => void

  /** `refuse` answers a question that came to nothing. */
  constructor(refuse: (question: RpcMessage) => void) {
    this.#refuse = refuse
  }

  keep(question: RpcMessage): void {
    if (this.#waiting.size >= mostQuestions) return this.#refuse(question)
    const expire = (): void => {
      this.#waiting.delete(question)
      this.#refuse(question)
    }
    this.#waiting.set(question, setTimeout(expire, questionMs).unref())
  }

  /** All that wait, for a call that has come. */
  takeAll(): RpcMessage[] {
    const questions = [...this.#waiting.keys()]
    for (const timer of this.#waiting.values()) clearTimeout(timer)
    this.#waiting.clear()
    return questions
  }

  /** The server does not want to know any more. */
  withdraw(id: string | undefined): void {
    for (const [question, timer] of this.#waiting) {
      if (!isSameId(question.id, id)) continue
      clearTimeout(timer)
      this.#waiting.delete(question)
    }
  }
}
