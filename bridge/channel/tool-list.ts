import { elementsOf, findMembers, type Place } from './json-bytes.ts'
import { stringAt, type RpcMessage } from './rpc-message.ts'

/** A page of a list of tools, by places. */
export interface ToolList {
  readonly list: Place
  readonly tools: readonly Place[]
  /** The cursor of the next page. */
  readonly nextCursor: string | undefined
  /** Whether the page says a thing twice, so that another reader might see another list. */
  readonly isAmbiguous: boolean
}

/** Finds the tools in an answer; undefined where it holds no list of them. */
export function toolsIn({ bytes, resultPlace }: RpcMessage): ToolList | undefined {
  const found = resultPlace && findMembers(bytes, resultPlace.start, ['tools', 'nextCursor'])
  const [list, cursor] = found?.places ?? []
  const tools = list && elementsOf(bytes, list.start)
  if (!found || !tools) return undefined
  return { list, tools, nextCursor: stringAt(bytes, cursor), isAmbiguous: found.isAmbiguous }
}

/** The answer with these tools alone; byte for byte the same where all of them stay. */
export function withTools({ bytes }: RpcMessage, { list, tools }: ToolList, kept: readonly Place[]): Buffer {
  if (kept.length === tools.length) return bytes
  const text = kept.map(({ start, end }) => bytes.toString('latin1', start, end)).join(',')
  const array = Buffer.from(`[${text}]`, 'latin1')
  return Buffer.concat([bytes.subarray(0, list.start), array, bytes.subarray(list.end)])
}
