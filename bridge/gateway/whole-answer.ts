import type { IncomingMessage } from 'node:http'
import { filterMessages } from '../access/answer-filter.ts'
import type { ToolRules } from '../access/policy.ts'
import type { Failure } from '../../shared/errors.ts'
import { isPlainBody, type AnswerHead } from './answer-rules.ts'

/** What comes of an answer that must be looked through. Nothing is called after the first of these. */
export interface WholeAnswerReceiver {
  /** The body without what the client must not see; empty where there was none. */
  done(body: Buffer): void
  failed(failure: Failure): void
}

/** Collects an answer that is no event stream, up to `mostBytes`, and takes denied tools out of it. `rules` are asked for at its end. */
export function collectFiltered(
  answer: IncomingMessage,
  head: AnswerHead,
  { rules, mostBytes }: { rules: () => ToolRules | undefined; mostBytes: number },
  receiver: WholeAnswerReceiver,
): void {
  const chunks: Buffer[] = []
  let length = 0
  let isOver = false
  const fail = (failure: Failure): void => {
    if (isOver) return
    isOver = true
    answer.destroy()
    receiver.failed(failure)
  }
  const unreadable: Failure = { code: 'server.failed', detail: 'its list of tools cannot be read' }
  answer.on('error', () => undefined)
  if (!isPlainBody(head)) return fail(unreadable)
  answer.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    length += chunk.length
    if (length > mostBytes) fail({ code: 'network.too_large', detail: 'a message' })
  })
  answer.on('end', () => {
    if (isOver) return
    const whole = Buffer.concat(chunks)
    const denials = rules()
    // What is no JSON says nothing of tools, but a success must be what it was asked for.
    const isHarmless = !denials || length === 0 || head.status >= 300
    const body = (denials && filterMessages(whole, denials)) ?? (isHarmless ? whole : undefined)
    if (!body) return fail(unreadable)
    isOver = true
    receiver.done(body)
  })
  answer.on('close', () => fail({ code: 'gateway.stream_cut' }))
}
