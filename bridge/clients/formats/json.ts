import { type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser'
import { isDeepStrictEqual } from 'node:util'
import { BridgeError } from '../../../shared/errors.ts'
import type { Format, Json, JsonObject } from './format.ts'
import {
  afterLineEnding,
  beforeLineEnding,
  indentation,
  isFirstInLine,
  lineEnd,
  lineEnding,
  lineStart,
  splice,
  withoutMark,
} from './text.ts'

/**
 * JSON with comments and trailing commas. `modify` of jsonc-parser formats the whole lines that it touches and moves
 * comments to the wrong property, so the edits are made here, at the offsets of its syntax tree.
 */
export const jsonFormat: Format = {
  parse: (text) => valueOf(treeOf(withoutMark(text).body)),

  insert: (text, { keys }, name, fields) =>
    edit(text, (body) => {
      const root = treeOf(body)
      let place = root
      for (const [depth, key] of keys.entries()) {
        const inner = lastProperty(place, key)?.children?.[1]
        if (inner?.type !== 'object') {
          const value = [...keys.slice(depth + 1), name].reduceRight<Json>(
            (value, key) => ({ [key]: value }),
            fields,
          )
          return inner
            ? splice(body, {
                offset: inner.offset,
                length: inner.length,
                text: valueText(body, inner, value),
              })
            : insertProperty(body, place, key, value)
        }
        place = inner
      }
      return insertProperty(body, place, name, fields)
    }),

  amend: (text, { keys }, name, fields, drop) =>
    edit(text, (body) => {
      let now = body
      for (const [key, value] of Object.entries(fields))
        now = setProperty(now, find(now, [...keys, name]), key, value)
      for (const key of drop) {
        const server = find(now, [...keys, name])
        const property = Object.hasOwn(fields, key) ? undefined : lastProperty(server, key)
        if (property) now = removeProperty(now, server, property)
      }
      return now
    }),

  remove: (text, { keys }, name) =>
    edit(text, (body) => {
      const place = find(body, keys)
      const property = lastProperty(place, name)
      return property ? removeProperty(body, place, property) : body
    }),
}

function edit(text: string, change: (body: string) => string): string {
  const { mark, body } = withoutMark(text)
  return mark + change(body.trim() === '' ? `{}${lineEnding(body)}` : body)
}

/** The root object. A text of nothing but blanks is an empty one. */
function treeOf(body: string): Node {
  if (body.trim() === '') return { type: 'object', offset: 0, length: 0, children: [] }
  const errors: ParseError[] = []
  let tree: Node | undefined
  try {
    tree = parseTree(body, errors, { allowTrailingComma: true, disallowComments: false })
  } catch {
    // Thousands of nested brackets exhaust the stack of the parser.
    throw new BridgeError('clients.file_broken', 'it is nested too deeply')
  }
  const [error] = errors
  if (error) {
    const line = body.slice(0, error.offset).split('\n').length
    throw new BridgeError('clients.file_broken', `line ${line}: ${printParseErrorCode(error.error)}`)
  }
  if (tree?.type !== 'object') throw new BridgeError('clients.file_broken', 'it does not hold an object')
  return tree
}

function valueOf(node: Node): unknown {
  if (node.type === 'array') return (node.children ?? []).map(valueOf)
  if (node.type !== 'object') return node.value
  // `fromEntries` keeps a key named __proto__ a plain key.
  return Object.fromEntries(
    (node.children ?? []).map(({ children: [key, value] = [] }) => [key?.value, value && valueOf(value)]),
  )
}

/** The property that counts when a key is written twice: readers take the last. */
function lastProperty(object: Node, key: string): Node | undefined {
  return object.children?.findLast((property) => property.children?.[0]?.value === key)
}

function find(body: string, keys: readonly string[]): Node {
  let place = treeOf(body)
  for (const key of keys) {
    const inner = lastProperty(place, key)?.children?.[1]
    if (inner?.type !== 'object') throw new BridgeError('clients.file_unsupported')
    place = inner
  }
  return place
}

function setProperty(body: string, object: Node, key: string, value: Json): string {
  const present = lastProperty(object, key)?.children?.[1]
  if (!present) return insertProperty(body, object, key, value)
  if (isDeepStrictEqual(valueOf(present), value)) return body
  return splice(body, {
    offset: present.offset,
    length: present.length,
    text: valueText(body, present, value),
  })
}

function insertProperty(body: string, object: Node, key: string, value: Json): string {
  const close = object.offset + object.length - 1
  const eol = lineEnding(body)
  const last = object.children?.at(-1)
  const outer = indentation(body, object.offset)
  if (!last) {
    const interior = body.slice(object.offset + 1, close)
    if (interior.trim() === '' && isInline(body)) {
      return splice(body, { offset: object.offset + 1, length: 0, text: propertyText(body, key, value) })
    }
    const indent = outer + unit(body)
    const offset = object.offset + 1 + interior.trimEnd().length
    const rest = interior.trim() === '' ? '' : body.slice(offset, close)
    return splice(body, {
      offset,
      length: close - offset,
      text:
        eol + indent + propertyText(body, key, value, indent) + (rest.includes('\n') ? rest : eol + outer),
    })
  }
  const end = last.offset + last.length
  const comma = commaAfter(body, end, close)
  const from = comma === undefined ? end : comma + 1
  const tail = afterComments(body, from, close)
  const separator = comma === undefined ? [{ offset: end, length: 0, text: ',' }] : []
  const ending = comma === undefined ? '' : ','
  if (tail < close && afterLineEnding(body, tail) > tail) {
    const first = object.children?.[0] ?? last
    const indent = isFirstInLine(body, first.offset) ? indentation(body, first.offset) : outer + unit(body)
    const text = eol + indent + propertyText(body, key, value, indent) + ending
    return splice(body, ...separator, { offset: tail, length: 0, text })
  }
  const text = (spaced(body) ? ' ' : '') + propertyText(body, key, value) + ending
  return splice(body, ...separator, { offset: from, length: 0, text })
}

function removeProperty(body: string, object: Node, property: Node): string {
  const open = object.offset + 1
  const close = object.offset + object.length - 1
  const start = property.offset
  const end = start + property.length
  const siblings = object.children ?? []
  const previous = siblings[siblings.indexOf(property) - 1]
  const comma = commaAfter(body, end, close)
  const tail = afterComments(body, comma === undefined ? end : comma + 1, close)
  const ownLines = isFirstInLine(body, start) && afterLineEnding(body, tail) > tail

  if (siblings.length === 1) {
    const rest = body.slice(open, start) + body.slice(comma === undefined ? end : comma + 1, close)
    if (rest.trim() === '') return splice(body, { offset: open, length: close - open, text: '' })
  }
  if (comma !== undefined || !previous) {
    if (ownLines) {
      const from = lineStart(body, start)
      return splice(body, { offset: from, length: afterLineEnding(body, tail) - from, text: '' })
    }
    const after = comma === undefined ? end : comma + 1
    // Before another property the blanks behind the comma go too, at the end the blanks before the property.
    const follows = siblings.at(-1) !== property
    const to = follows ? after + (/^[ \t]*/.exec(body.slice(after))?.[0].length ?? 0) : after
    const from = follows ? start : body.slice(0, start).replace(/[ \t]+$/, '').length
    return splice(body, { offset: from, length: to - from, text: '' })
  }
  const between = commaAfter(body, previous.offset + previous.length, close)
  const separator = between === undefined ? [] : [{ offset: between, length: 1, text: '' }]
  const from = isFirstInLine(body, start)
    ? beforeLineEnding(body, lineStart(body, start))
    : Math.max(body.slice(0, start).replace(/[ \t]+$/, '').length, (between ?? 0) + 1)
  return splice(body, ...separator, { offset: from, length: (ownLines ? tail : end) - from, text: '' })
}

function commaAfter(body: string, from: number, close: number): number | undefined {
  const at = afterTrivia(body, from, close, /[ \t\r\n]/)
  return at < close && body[at] === ',' ? at : undefined
}

/** Behind the blanks and comments that follow in the same line. */
function afterComments(body: string, from: number, close: number): number {
  return afterTrivia(body, from, close, /[ \t]/)
}

function afterTrivia(body: string, from: number, close: number, blank: RegExp): number {
  let at = from
  while (at < close) {
    if (blank.test(body[at] ?? '')) at += 1
    else if (body.startsWith('//', at)) at = lineEnd(body, at)
    else if (body.startsWith('/*', at)) at = body.indexOf('*/', at) + 2
    else break
  }
  return at
}

/** A file in one line that holds something stays in one line. */
function isInline(body: string): boolean {
  return !body.trim().includes('\n') && /"/.test(body)
}

/** The step of indentation: the smallest one of the file, since nobody indents the first level by more. */
function unit(body: string): string {
  const steps = [...body.matchAll(/\n([ \t]+)["}\]]/g)].map((match) => match[1] ?? '')
  return steps.reduce((least, step) => (step.length < least.length ? step : least), steps[0] ?? '  ')
}

function spaced(body: string): boolean {
  return !/"\s*:\S/.test(body)
}

function propertyText(body: string, key: string, value: Json, indent?: string): string {
  return JSON.stringify(key) + (spaced(body) ? ': ' : ':') + text(body, value, indent)
}

function valueText(body: string, node: Node, value: Json): string {
  return text(body, value, isInline(body) ? undefined : indentation(body, node.offset))
}

function text(body: string, value: Json | JsonObject, indent: string | undefined): string {
  if (indent !== undefined) {
    return JSON.stringify(value, null, unit(body)).replaceAll('\n', lineEnding(body) + indent)
  }
  return spaced(body) ? JSON.stringify(value, null, 1).replaceAll(/\n\s*/g, ' ') : JSON.stringify(value)
}
