/** One change of a text: `length` characters at `offset` become `text`. */
export interface Splice {
  readonly offset: number
  readonly length: number
  readonly text: string
}

/** The text with all splices applied. They must not overlap; at the same offset they come in the order given, removals last. */
export function splice(text: string, ...splices: readonly Splice[]): string {
  let result = text
  for (const { offset, length, text: inserted } of splices.toReversed().sort(lastFirst)) {
    result = result.slice(0, offset) + inserted + result.slice(offset + length)
  }
  return result
}

const lastFirst = (a: Splice, b: Splice): number => b.offset - a.offset || b.length - a.length

/** The byte order mark of a text, if it has one, apart from the rest. */
export function withoutMark(text: string): { mark: string; body: string } {
  return text.startsWith('\uFEFF') ? { mark: '\uFEFF', body: text.slice(1) } : { mark: '', body: text }
}

/** How the text ends its lines, judged by the first line. */
export function lineEnding(text: string): '\n' | '\r\n' {
  const first = text.indexOf('\n')
  return first > 0 && text[first - 1] === '\r' ? '\r\n' : '\n'
}

/** Where the line that holds `offset` begins. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Where the line that holds `offset` ends, before its line ending. */
export function lineEnd(text: string, offset: number): number {
  const next = text.indexOf('\n', offset)
  if (next < 0) return text.length
  return next > offset && text[next - 1] === '\r' ? next - 1 : next
}

/** The offset behind the line ending that begins at `offset`, or `offset` when there is none. */
export function afterLineEnding(text: string, offset: number): number {
  if (text.startsWith('\r\n', offset)) return offset + 2
  return text[offset] === '\n' ? offset + 1 : offset
}

/** The offset before the line ending that ends at `offset`, or `offset` when there is none. */
export function beforeLineEnding(text: string, offset: number): number {
  if (text[offset - 1] !== '\n') return offset
  return text[offset - 2] === '\r' ? offset - 2 : offset - 1
}

/** Removes the lines from the one that holds `start` to the one that holds `end`, with one line ending. */
export function withoutLines(text: string, start: number, end: number): Splice {
  const from = lineStart(text, start)
  // An end right behind a line ending belongs to the line before: the text of a block scalar ends so.
  const stop = end > start && text[end - 1] === '\n' ? end : afterLineEnding(text, lineEnd(text, end))
  // The last line of a file may have no line ending; then the one before it goes.
  const offset = text[stop - 1] === '\n' ? from : beforeLineEnding(text, from)
  return { offset, length: stop - offset, text: '' }
}

/** The blanks and tabs that the line of `offset` begins with. */
export function indentation(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? ''
}

/** Whether nothing but blanks and tabs stands before `offset` in its line. */
export function isFirstInLine(text: string, offset: number): boolean {
  return /^[ \t]*$/.test(text.slice(lineStart(text, offset), offset))
}
