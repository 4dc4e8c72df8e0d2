import { elementsOf, findMembers } from '../channel/json-bytes.ts'
import { findParams, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import type { ListName, ServerSelf } from './knowledge.ts'
import type { Memory } from './memory.ts'

/** By the method that asks for it: a list, and the member of the result that it is. */
export const lists: ReadonlyMap<string, { readonly name: ListName; readonly member: string }> = new Map([
  ['tools/list', { name: 'tools', member: 'tools' }],
  ['prompts/list', { name: 'prompts', member: 'prompts' }],
  ['resources/list', { name: 'resources', member: 'resources' }],
  ['resources/templates/list', { name: 'resourceTemplates', member: 'resourceTemplates' }],
])

/** A list of which not all pages have come: the cursor of the next one, and the elements so far. */
interface Coming {
  readonly cursor: string
  readonly elements: Buffer[]
}

/** A page of more bytes than this is not looked into, and a list of more elements not learned. */
const mostBytes = 16 * 1024 * 1024
const mostElements = 50_000

const versionKey = 'io.modelcontextprotocol/protocolVersion'
const serverInfoKey = 'io.modelcontextprotocol/serverInfo'

/** Learns about the server of one connection from the answers that one client gets. */
export class Lessons {
  readonly #connection: string
  readonly #memory: Memory
  readonly #coming = new Map<ListName, Coming>()

  constructor(connection: string, memory: Memory) {
    this.#connection = connection
    this.#memory = memory
  }

  /**
   * Takes what there is to learn from a result; of nearly all requests that is nothing, and costs nothing. Gives the cursor of the next page of
   * a list that has one.
   */
  take(request: RpcMessage, answer: Buffer): string | undefined {
    const { method = '' } = request
    if (method === 'initialize' || method === 'server/discover') this.#takeSelf(request, answer)
    const list = lists.get(method)
    return list && this.#takePage(request, answer, list)
  }

  #takeSelf(request: RpcMessage, answer: Buffer): void {
    const self = selfIn(request, answer)
    if (self) this.#memory.learnSelf(this.#connection, self)
  }

  #takePage(
    request: RpcMessage,
    answer: Buffer,
    { name, member }: { name: ListName; member: string },
  ): string | undefined {
    const cursor = stringAt(request.bytes, findParams(request, ['cursor'])?.[0])
    const before = this.#coming.get(name)
    this.#coming.delete(name)
    if (answer.length > mostBytes) return undefined
    const { resultPlace } = readMessage(answer) ?? {}
    const found = resultPlace && findMembers(answer, resultPlace.start, [member, 'nextCursor'])
    const [place, nextPlace] = found?.places ?? []
    const page = place && elementsOf(answer, place.start)
    const next = stringAt(answer, nextPlace)
    if (!page || found?.isAmbiguous) return undefined
    // Of a list that was not followed from its beginning nothing is known as a whole.
    const earlier = cursor === undefined ? [] : before?.cursor === cursor ? before.elements : undefined
    if (!earlier || earlier.length + page.length > mostElements) return next
    const elements = [
      ...earlier,
      ...page
        .filter(({ start }) => answer[start] === 0x7b)
        .map(({ start, end }) => answer.subarray(start, end)),
    ]
    if (next === undefined) this.#memory.learnList(this.#connection, name, elements)
    else this.#coming.set(name, { cursor: next, elements })
    return next
  }
}

/** What a server says of itself in this answer. */
function selfIn(request: RpcMessage, answer: Buffer): ServerSelf | undefined {
  const { resultPlace } = readMessage(answer) ?? {}
  if (!resultPlace) return undefined
  const result = record(JSON.parse(answer.toString('utf8', resultPlace.start, resultPlace.end)))
  const meta = record(result['_meta'])
  const serverInfo = result['serverInfo'] ?? meta[serverInfoKey]
  const version = result['protocolVersion'] ?? versionOf(request)
  const { instructions } = result
  if (typeof version !== 'string') return undefined
  return {
    version: version.slice(0, 100),
    capabilities: record(result['capabilities']),
    ...(serverInfo === undefined ? {} : { serverInfo: record(serverInfo) }),
    ...(typeof instructions === 'string' ? { instructions } : {}),
  }
}

/** The version that a request of the current revision says; undefined for one of the older era. */
export function versionOf(request: RpcMessage): string | undefined {
  const place = findParams(request, ['_meta'])?.[0]
  const version = place && findMembers(request.bytes, place.start, [versionKey])?.places[0]
  return stringAt(request.bytes, version)
}

/** A value as an object, empty where it is none. */
export function record(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Record<string, unknown>)
    : {}
}
