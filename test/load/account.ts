import { progressCount } from './questions.ts'

/** A message of the server as a client under load reads it. */
export interface Heard {
  readonly id?: number
  readonly method?: string
  readonly params?: { readonly progressToken: number; readonly progress: number; readonly message: string }
  readonly result?: { readonly content?: readonly { readonly text: string }[] }
  readonly error?: object
}

interface Awaited {
  readonly nonce: string
  readonly wantsProgress: boolean
  progress: number
  readonly done: () => void
}

/** The account of one client: what it asked, and whether what it hears is that and nothing else. */
export class Account {
  readonly #name: string
  readonly #faults: string[]
  readonly #awaited = new Map<number, Awaited>()
  #lastId = 0

  /** What is wrong is written to `faults`, in words. */
  constructor(name: string, faults: string[]) {
    this.#name = name
    this.#faults = faults
  }

  /** The calls that have got no answer. */
  get lost(): number {
    return this.#awaited.size
  }

  /** A call with a nonce of its own. Ids are the same in all accounts, so that an answer that goes astray is taken for another's. */
  open(wantsProgress: boolean): { id: number; nonce: string; answered: Promise<void> } {
    const id = ++this.#lastId
    const nonce = `${this.#name}/${id}`
    const answered = new Promise<void>((done) => {
      this.#awaited.set(id, { nonce, wantsProgress, progress: 0, done })
    })
    return { id, nonce, answered }
  }

  hear(message: Heard): void {
    if (message.method === undefined) this.#hearAnswer(message)
    else if (message.method === 'notifications/progress') this.#hearProgress(message.params)
    else this.fault(`heard ${message.method}`)
  }

  fault(words: string): void {
    this.#faults.push(`${this.#name}: ${words}`)
  }

  #hearAnswer({ id = -1, result, error }: Heard): void {
    const call = this.#awaited.get(id)
    if (!call) return this.fault(`an answer to ${id}, which is not awaited`)
    this.#awaited.delete(id)
    const text = result?.content?.[0]?.text
    if (text !== call.nonce) this.fault(`asked ${call.nonce}, got ${error ? JSON.stringify(error) : text}`)
    const expected = call.wantsProgress ? progressCount : 0
    if (call.progress !== expected) this.fault(`${call.progress} of ${expected} progress messages`)
    call.done()
  }

  #hearProgress(params: Heard['params']): void {
    const call = this.#awaited.get(params?.progressToken ?? -1)
    if (!call || params?.message !== call.nonce) return this.fault(`progress of ${params?.message}`)
    if (params.progress !== ++call.progress) this.fault(`progress ${params.progress} out of turn`)
  }
}
