import { inspect } from 'node:util'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'

/** What the control API gave away, by procedure: replies, events of streams, and errors with all that hangs on them. */
export type Replies = ReadonlyMap<string, readonly string[]>

type AnyHandler = (input: unknown, signal: AbortSignal) => Promise<unknown> | AsyncIterable<unknown>

/** The same control API; whatever passes through it is written down. */
export function recordControl(control: ControlHandlers): { control: ControlHandlers; replies: Replies } {
  const replies = new Map<string, string[]>()
  const note = (name: string, text: string): void =>
    void replies.set(name, [...(replies.get(name) ?? []), text])

  const noteError = (name: string, thrown: unknown): never => {
    const { message, stack } = thrown as Error
    note(name, [message, stack, inspect(thrown, { depth: 12, showHidden: true })].join('\n'))
    throw thrown
  }
  async function* recordStream(name: string, events: AsyncIterable<unknown>): AsyncGenerator {
    try {
      for await (const event of events) {
        note(name, JSON.stringify(event))
        yield event
      }
    } catch (thrown) {
      noteError(name, thrown)
    }
  }
  const record = (name: string, handler: AnyHandler): AnyHandler => {
    return (input, signal) => {
      const answer = handler(input, signal)
      if (Symbol.asyncIterator in answer) return recordStream(name, answer)
      return answer.then(
        (reply) => {
          note(name, JSON.stringify(reply))
          return reply
        },
        (thrown: unknown) => noteError(name, thrown),
      )
    }
  }
  const recordAll = (part: object, prefix: string): object =>
    Object.fromEntries(
      Object.entries(part).map(([name, inner]: [string, AnyHandler | object]) => [
        name,
        typeof inner === 'function'
          ? record(`${prefix}${name}`, inner as AnyHandler)
          : recordAll(inner, `${prefix}${name}.`),
      ]),
    )

  return { control: recordAll(control, '') as ControlHandlers, replies }
}
