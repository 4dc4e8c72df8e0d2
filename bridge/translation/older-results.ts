import { findMembers, type Place } from '../channel/json-bytes.ts'
import { stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { changed, valuesAt, withElements, withMembers } from './splice.ts'

/** What kind of result an answer is; undefined where it does not say, as in the older era. */
export function resultTypeOf({ bytes, resultPlace }: RpcMessage): string | undefined {
  const found = resultPlace && findMembers(bytes, resultPlace.start, ['resultType'])
  return stringAt(bytes, found?.places[0])
}

/**
 * A result as a client of the older era can read it. Most are the same bytes; what older revisions do not know is left as it is, but for what
 * their clients would refuse the whole answer for: structured content, or a schema for it, that is no object.
 * @see [MCP 2026-07-28, Key Changes, minor 10](https://modelcontextprotocol.io/specification/2026-07-28/changelog#minor-changes)
 */
export function olderResult({ method }: RpcMessage, answer: RpcMessage): RpcMessage {
  const { bytes, resultPlace } = answer
  if (!resultPlace) return answer
  if (method === 'tools/call') {
    const [content] = valuesAt(bytes, resultPlace, ['structuredContent'])
    if (!content || isObject(content)) return answer
    return changed(answer, { result: withMembers(bytes, resultPlace, { structuredContent: undefined }) })
  }
  const list =
    method === 'tools/list' ? findMembers(bytes, resultPlace.start, ['tools'])?.places[0] : undefined
  if (!list) return answer
  let isSame = true
  const tools = withElements(bytes, list, (tool) => {
    if (!hasOtherSchema(bytes, tool)) return undefined
    isSame = false
    return withMembers(bytes, tool, { outputSchema: undefined })
  })
  return isSame ? answer : changed(answer, { result: withMembers(bytes, resultPlace, { tools }) })
}

function isObject(value: Buffer): boolean {
  return value[0] === 0x7b
}

function hasOtherSchema(bytes: Buffer, tool: Place): boolean {
  const [schema] = valuesAt(bytes, tool, ['outputSchema'])
  const [type] = valuesAt(schema ?? bytes, schema && { start: 0, end: schema.length }, ['type'])
  return schema !== undefined && type?.toString() !== '"object"'
}
