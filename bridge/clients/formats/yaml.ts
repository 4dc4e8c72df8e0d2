import {
  type Document,
  isCollection,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  stringify,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { isDeepStrictEqual } from 'node:util'
import { BridgeError } from '../../../shared/errors.ts'
import type { Format, Json, ServerTable } from './format.ts'
import { isFirstInLine, lineEnd, lineEnding, splice, withoutLines, withoutMark } from './text.ts'

/**
 * YAML, edited line by line at the offsets of the syntax tree: writing the document anew would wrap long lines and
 * indent other people's entries in another way.
 */
export const yamlFormat: Format = {
  parse: (text) => {
    try {
      return documentOf(withoutMark(text).body).toJS() ?? {}
    } catch (thrown) {
      if (thrown instanceof BridgeError) throw thrown
      // A few lines of aliases can stand for gigabytes; the library refuses them, as it does bottomless nesting.
      throw new BridgeError('clients.file_broken', 'it is nested too deeply or uses too many aliases')
    }
  },

  insert: (text, table, name, fields) =>
    edit(text, (body) => {
      const key = onlyKey(table)
      const root = documentOf(body).contents
      const pair = isMap(root) ? pairOf(root, key) : undefined
      const item: Json = table.listed ? [{ name, ...fields }] : { [name]: fields }
      if (!pair) return appendAtEnd(body, `${key}:\n${block(body, item, unit(body))}`)
      const place = pair.value
      if (isCollection(place) && place.items.length > 0) {
        if (place.flow) {
          const flow = JSON.stringify(item).slice(1, -1)
          return splice(body, { offset: contentEnd(place.items.at(-1)), length: 0, text: `, ${flow}` })
        }
        const indent = ' '.repeat(indentOf(place))
        return appendLines(body, contentEnd(place.items.at(-1)), block(body, item, indent))
      }
      const colon = colonOf(body, pair)
      const end = isCollection(place) ? rangeOf(place)[1] : colon + 1
      return splice(
        body,
        { offset: colon + 1, length: end - colon - 1, text: '' },
        {
          offset: lineEnd(body, end),
          length: 0,
          text: withEnding(body, `\n${block(body, item, unit(body))}`),
        },
      )
    }),

  amend: (text, table, name, fields, drop) =>
    edit(text, (body) => {
      let now = body
      for (const [key, value] of Object.entries(fields)) {
        const server = serverOf(now, table, name)
        const present = pairOf(server, key)
        if (!present) {
          now = insertPair(now, server, key, value)
        } else if (isScalar(present.value) && (value === null || typeof value !== 'object')) {
          if (isDeepStrictEqual(present.value.value, value)) continue
          const [offset, end] = rangeOf(present.value)
          now = splice(now, {
            offset,
            length: end - offset,
            text: stringify(value, { lineWidth: 0 }).trimEnd(),
          })
        } else if (!isDeepStrictEqual(JSON.parse(JSON.stringify(present.value)), value)) {
          now = insertPair(removePair(now, server, key), server, key, value)
        }
      }
      for (const key of drop) {
        if (!Object.hasOwn(fields, key)) now = removePair(now, serverOf(now, table, name), key)
      }
      return now
    }),

  remove: (text, table, name) =>
    edit(text, (body) => {
      const root = documentOf(body).contents
      const pair = isMap(root) ? pairOf(root, onlyKey(table)) : undefined
      const place = pair?.value
      if (!pair || !isCollection(place)) throw new BridgeError('clients.file_unsupported')
      const index = place.items.findLastIndex((item) => nameOf(item, table) === name)
      if (place.flow) return removeFlowItem(body, place, index)
      const start = isSeq(place) ? dashOf(place, index) : rangeOf((place.items[index] as Pair<Node>).key)[0]
      const lines = withoutLines(body, start, contentEnd(place.items[index]))
      if (place.items.length > 1) return splice(body, lines)
      const empty = { offset: colonOf(body, pair) + 1, length: 0, text: isSeq(place) ? ' []' : ' {}' }
      return splice(body, empty, lines)
    }),
}

function edit(text: string, change: (body: string) => string): string {
  const { mark, body } = withoutMark(text)
  return mark + change(body)
}

function documentOf(body: string): Document.Parsed {
  const document = parseDocument(body, { keepSourceTokens: true })
  const [error] = document.errors
  if (error) {
    throw new BridgeError('clients.file_broken', `line ${error.linePos?.[0].line ?? 1}: ${error.code}`)
  }
  if (document.contents !== null && !isMap(document.contents) && !isBlank(document.contents)) {
    throw new BridgeError('clients.file_broken', 'it does not hold a table')
  }
  return document
}

function isBlank(node: unknown): boolean {
  return isScalar(node) && node.value === null
}

function onlyKey({ keys }: ServerTable): string {
  const [key, ...deeper] = keys
  if (key === undefined || deeper.length > 0) throw new BridgeError('clients.file_unsupported')
  return key
}

function pairOf(map: YAMLMap, key: string): Pair<Node> | undefined {
  return map.items.findLast((pair) => isScalar(pair.key) && String(pair.key.value) === key) as
    Pair<Node> | undefined
}

function serverOf(body: string, table: ServerTable, name: string): YAMLMap {
  const root = documentOf(body).contents
  const place = isMap(root) ? pairOf(root, onlyKey(table))?.value : undefined
  const item = isCollection(place) ? place.items.findLast((item) => nameOf(item, table) === name) : undefined
  const server = table.listed ? item : (item as Pair<Node> | undefined)?.value
  if (!isMap(server) || server.flow) throw new BridgeError('clients.file_unsupported')
  return server
}

function nameOf(item: unknown, table: ServerTable): unknown {
  if (table.listed) return isMap(item) ? item.get('name') : undefined
  const { key } = item as Pair
  return isScalar(key) ? String(key.value) : undefined
}

function insertPair(body: string, map: YAMLMap, key: string, value: Json): string {
  return appendLines(
    body,
    contentEnd(map.items.at(-1)),
    block(body, { [key]: value }, ' '.repeat(indentOf(map))),
  )
}

function removePair(body: string, map: YAMLMap, key: string): string {
  const pair = pairOf(map, key)
  if (!pair) return body
  const [start] = rangeOf(pair.key)
  if (!isFirstInLine(body, start)) throw new BridgeError('clients.file_unsupported')
  return splice(body, withoutLines(body, start, contentEnd(pair)))
}

function removeFlowItem(body: string, place: YAMLMap | YAMLSeq, index: number): string {
  const [start, end] = [index, index + 1].map((at) => {
    const item = place.items[at]
    if (item === undefined) return undefined
    return rangeOf(isSeq(place) ? (item as Node) : (item as Pair<Node>).key)[0]
  })
  const last = contentEnd(place.items[index])
  const from = index === 0 || end !== undefined ? start : contentEnd(place.items[index - 1])
  if (from === undefined) throw new BridgeError('clients.file_unsupported')
  return splice(body, { offset: from, length: (end ?? last) - from, text: '' })
}

function appendLines(body: string, end: number, lines: string): string {
  return body[end - 1] === '\n'
    ? splice(body, { offset: end, length: 0, text: withEnding(body, `${lines}\n`) })
    : splice(body, { offset: lineEnd(body, end), length: 0, text: withEnding(body, `\n${lines}`) })
}

function appendAtEnd(body: string, lines: string): string {
  const end = body.trimEnd().length
  if (end === 0) return body + withEnding(body, `${lines}\n`)
  return splice(body, { offset: end, length: 0, text: withEnding(body, `\n${lines}`) })
}

function block(body: string, value: Json, indent: string): string {
  return stringify(value, { indent: unit(body).length, lineWidth: 0 })
    .trimEnd()
    .split('\n')
    .map((line) => indent + line)
    .join('\n')
}

function withEnding(body: string, text: string): string {
  return text.replaceAll('\n', lineEnding(body))
}

function unit(body: string): string {
  const steps = [...body.matchAll(/^( +)[^\s#]/gm)].map((match) => match[1] ?? '')
  return steps.reduce((least, step) => (step.length < least.length ? step : least), steps[0] ?? '  ')
}

function rangeOf(node: Node | null | undefined): readonly [number, number] {
  if (!node?.range) throw new BridgeError('clients.file_unsupported')
  return [node.range[0], node.range[1]]
}

/** Where the last scalar within a node or pair ends; the ranges of collections take in what follows them. */
function contentEnd(item: unknown): number {
  if (isCollection(item) && !item.flow && item.items.length > 0) return contentEnd(item.items.at(-1))
  if (typeof item === 'object' && item !== null && 'key' in item) {
    const { key, value } = item as Pair<Node, Node | null>
    return value?.range ? contentEnd(value) : rangeOf(key)[1]
  }
  return rangeOf(item as Node)[1]
}

function indentOf(place: YAMLMap | YAMLSeq): number {
  const token = place.srcToken
  if (token?.type !== 'block-map' && token?.type !== 'block-seq')
    throw new BridgeError('clients.file_unsupported')
  return token.indent
}

function dashOf(place: YAMLSeq, index: number): number {
  const token = place.srcToken
  const dash =
    token?.type === 'block-seq'
      ? token.items[index]?.start.find(({ type }) => type === 'seq-item-ind')
      : undefined
  if (!dash) throw new BridgeError('clients.file_unsupported')
  return dash.offset
}

function colonOf(body: string, pair: Pair<Node>): number {
  const [, end] = rangeOf(pair.key)
  const colon = body.indexOf(':', end)
  if (colon < 0) throw new BridgeError('clients.file_unsupported')
  return colon
}
