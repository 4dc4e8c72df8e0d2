import { type AST, getStaticTOMLValue, parseTOML } from 'toml-eslint-parser'
import { isDeepStrictEqual } from 'node:util'
import { BridgeError } from '../../../shared/errors.ts'
import type { Format, Json } from './format.ts'
import {
  beforeLineEnding,
  lineEnd,
  lineEnding,
  lineStart,
  type Splice,
  splice,
  withoutLines,
  withoutMark,
} from './text.ts'

/** TOML with a table for each server, edited line by line at the offsets of the syntax tree. */
export const tomlFormat: Format = {
  parse: (text) => getStaticTOMLValue(treeOf(withoutMark(text).body)),

  insert: (text, { keys }, name, fields) =>
    edit(text, (body) => {
      const lines = [
        `[${[...keys, name].map(keyText).join('.')}]`,
        ...Object.entries(fields).map(([key, value]) => `${keyText(key)} = ${valueText(value)}`),
      ]
      const eol = lineEnding(body)
      const last = treeOf(body).body[0].body.findLast(
        (node) => isTable(node) && startsWith(keyOf(node), keys),
      )
      const end = last ? lastLineEnd(body, last) : body.trimEnd().length
      if (end === 0) return body + lines.join(eol) + eol
      return splice(body, { offset: end, length: 0, text: eol + eol + lines.join(eol) })
    }),

  amend: (text, { keys }, name, fields, drop) =>
    edit(text, (body) => {
      const path = [...keys, name]
      let now = body
      for (const [key, value] of Object.entries(fields)) {
        const table = treeOf(now).body[0].body.find(
          (node) => isTable(node) && isDeepStrictEqual(keyOf(node), path),
        )
        if (table?.type !== 'TOMLTable') throw new BridgeError('clients.file_unsupported')
        const present = table.body.find((node) => isDeepStrictEqual(keyOf(node), [key]))
        const line = `${keyText(key)} = ${valueText(value)}`
        if (!present) {
          const end = lastLineEnd(now, table)
          now = splice(now, { offset: end, length: 0, text: lineEnding(now) + line })
        } else if (!isDeepStrictEqual(getStaticTOMLValue(present.value), value)) {
          const [offset, end] = present.value.range
          now = splice(now, { offset, length: end - offset, text: valueText(value) })
        }
      }
      for (const key of drop) {
        if (!Object.hasOwn(fields, key)) now = removeAll(now, [...path, key])
      }
      return now
    }),

  remove: (text, { keys }, name) => edit(text, (body) => removeAll(body, [...keys, name])),
}

type Entry = AST.TOMLKeyValue | AST.TOMLTable

function edit(text: string, change: (body: string) => string): string {
  const { mark, body } = withoutMark(text)
  return mark + change(body)
}

function treeOf(body: string): AST.TOMLProgram {
  try {
    return parseTOML(body)
  } catch (thrown) {
    const line = thrown instanceof Error && 'lineNumber' in thrown ? Number(thrown.lineNumber) : undefined
    throw new BridgeError(
      'clients.file_broken',
      line === undefined ? 'it is not TOML' : `line ${line} is not TOML`,
    )
  }
}

function isTable(node: Entry): boolean {
  return node.type === 'TOMLTable'
}

function keyOf(node: Entry): readonly (string | number)[] {
  if (node.type === 'TOMLTable') return node.resolvedKey
  return node.key.keys.map((key) => (key.type === 'TOMLBare' ? key.name : key.value))
}

function startsWith(key: readonly (string | number)[], start: readonly string[]): boolean {
  return start.every((part, index) => key[index] === part)
}

/** Removes the tables and the dotted keys that a path holds. */
function removeAll(body: string, path: readonly string[]): string {
  const removed: Splice[] = []
  for (const node of treeOf(body).body[0].body) {
    if (startsWith(keyOf(node), path)) {
      removed.push(linesOf(body, node))
    } else if (node.type === 'TOMLTable') {
      const inner = node.body.filter((pair) => startsWith([...keyOf(node), ...keyOf(pair)], path))
      removed.push(...inner.map((pair) => linesOf(body, pair)))
    }
  }
  return splice(body, ...removed)
}

/** The lines of a node. A table takes the blank line before it along, as it came with one. */
function linesOf(body: string, node: Entry): Splice {
  const start = lineStart(body, node.range[0])
  const end = lastLineEnd(body, node)
  const before = beforeLineEnding(body, start)
  if (node.type === 'TOMLTable' && before < start) {
    const blank = lineStart(body, before)
    const from = body.slice(blank, before).trim() === '' ? beforeLineEnding(body, blank) : before
    return { offset: from, length: end - from, text: '' }
  }
  return withoutLines(body, start, end)
}

function lastLineEnd(body: string, node: Entry): number {
  const last = node.type === 'TOMLTable' ? (node.body.at(-1) ?? node.key) : node
  return lineEnd(body, last.range[1])
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key)
}

function valueText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const pairs = Object.entries(value).map(([key, inner]) => `${keyText(key)} = ${valueText(inner)}`)
    return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`
  }
  // A JSON string is a basic string of TOML, but for the delete character, which TOML wants escaped.
  return JSON.stringify(value).replaceAll('\u007F', String.raw`\u007F`)
}
