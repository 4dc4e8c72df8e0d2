import type { Writable } from 'node:stream'
import { painter, safeJson, type Paint, type Text } from './text.ts'

/** Where a command says what it found: words for a person, or JSON for a program. */
export interface Terminal {
  readonly json: boolean
  readonly paint: Paint
  /** Of the terminal; a fixed number where there is none. */
  readonly columns: number
  /** Aborted when nobody reads the output any more. */
  readonly closed: AbortSignal
  /** A line for a person. */
  line(text: Text): void
  /** A line for a person that is not the answer: what happens meanwhile, or a failure. */
  note(text: Text): void
  /** The answer: the value as one line of JSON, or its lines for a person. */
  answer(value: unknown, lines: () => Text[]): void
}

/** An output stream that may be a terminal. */
export type Output = Writable & { readonly isTTY?: boolean; readonly columns?: number }

/** A terminal on the given streams. Colour needs a terminal that does not ask for none (https://no-color.org). */
export function openTerminal(options: {
  out: Output
  err: Output
  env: NodeJS.ProcessEnv
  json: boolean
}): Terminal {
  const { out, err, env, json } = options
  const closed = new AbortController()
  for (const stream of [out, err]) {
    // `bridgekeeper events | head -1` closes the pipe; that is no failure. Whatever else breaks the output ends it as well.
    stream.on('error', () => closed.abort())
  }
  const hasColour = !json && out.isTTY === true && !env['NO_COLOR'] && env['TERM'] !== 'dumb'
  const write = (stream: Output, line: string) => {
    if (!closed.signal.aborted) stream.write(`${line}\n`)
  }
  return {
    json,
    paint: painter(hasColour),
    columns: out.columns ?? 100,
    closed: closed.signal,
    line: ({ shown }) => {
      if (!json) write(out, shown)
    },
    note: ({ shown }) => {
      if (!json) write(err, shown)
    },
    answer(value, lines) {
      if (json) write(out, safeJson(value))
      else for (const { shown } of lines()) write(out, shown)
    },
  }
}
