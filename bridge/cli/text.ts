import { styleText } from 'node:util'

/**
 * Text that may go to a terminal: what came from a server or a file has lost its control characters, so that it cannot move the
 * cursor, recolour or retitle the terminal, or show itself in another order than it reads. Made with `text` alone.
 */
export interface Text {
  readonly shown: string
  /** How many columns it takes; colour takes none. */
  readonly width: number
}

/** A template whose values are stripped of control characters, unless they are `Text` already. */
export function text(parts: TemplateStringsArray, ...values: (string | number | Text)[]): Text {
  const pieces = parts.flatMap((part, index) => {
    const value = values[index]
    return value === undefined
      ? [plain(part)]
      : [plain(part), typeof value === 'object' ? value : plain(`${value}`)]
  })
  return joinText(pieces, '')
}

/** Texts one after the other, with a plain separator. */
export function joinText(texts: readonly Text[], separator: string): Text {
  return {
    shown: texts.map(({ shown }) => shown).join(separator),
    width:
      texts.reduce((sum, { width }) => sum + width, 0) + separator.length * Math.max(texts.length - 1, 0),
  }
}

/** The text in a colour, where the terminal has colours. */
export type Paint = (style: 'green' | 'yellow' | 'red' | 'dim' | 'bold', text: Text) => Text

/** Paints for a terminal with colours, or leaves everything as it is. */
export function painter(hasColour: boolean): Paint {
  return (style, { shown, width }) => ({
    shown: hasColour ? styleText(style, shown, { validateStream: false }) : shown,
    width,
  })
}

/**
 * Lines of cells in columns; the last column is as long as it likes. `widths`, where given, are those of lines before; they grow.
 */
export function alignColumns(rows: readonly (readonly Text[])[], widths: number[] = []): Text[] {
  for (const row of rows) {
    for (const [column, { width }] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width)
  }
  return rows.map((row) =>
    joinText(
      row.map((cell, column) => (column === row.length - 1 ? cell : padEnd(cell, widths[column] ?? 0))),
      '  ',
    ),
  )
}

/** The JSON of a value in one line, with control characters escaped that JSON allows and terminals obey. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value ?? null).replace(CONTROL, (character) =>
    // Of a character beyond 16 bits, JSON escapes both halves.
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(''),
  )
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** Several lines as one, cut to a width in columns. */
export function oneLine(value: string, columns: number): string {
  const line = value.replace(/\s+/g, ' ').trim()
  return line.length <= columns ? line : `${line.slice(0, Math.max(columns - 1, 0))}…`
}

/** Control and format characters (Cc, Cf) and line separators: escape sequences, and marks that reorder text. */
const CONTROL = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

function plain(value: string): Text {
  const shown = value.replace(CONTROL, '')
  return { shown, width: shown.length }
}

function padEnd({ shown, width }: Text, columns: number): Text {
  return { shown: shown + ' '.repeat(Math.max(columns - width, 0)), width: Math.max(columns, width) }
}
