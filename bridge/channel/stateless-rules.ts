import type { Upstream } from '../connections/upstream.ts'
import { isRepeatableMethod } from '../gateway/message.ts'
import { ask } from './ask.ts'
import { endOf, type CallRules } from './call.ts'
import type { CallEnd } from './channel.ts'
import type { DeliverySurroundings } from './delivery.ts'
import { errorCodeOf } from './error-messages.ts'
import { mirror, type Mirrored } from './mirrored-headers.ts'
import { findParams, readMessage, type RpcMessage } from './rpc-message.ts'
import { cursorOf, type ToolCatalogue } from './tool-catalogue.ts'

/** What a request of the current revision is made with. */
export interface StatelessSurroundings {
  readonly upstream: Upstream
  readonly client: string
  readonly around: DeliverySurroundings
  readonly catalogue: ToolCatalogue
  readonly answer: (bytes: Buffer, end: CallEnd) => void
}

/** The code by which a server says that headers and body differ. */
const headerMismatch = -32_020

/** The most pages of a list of tools that are fetched, and how long that may take together, in milliseconds: then calls go without it. */
const mostPages = 100
const learningMs = 3_000

/**
 * How a request of the current revision is called: with the headers that repeat its body, and for a tool those that its schema asks for.
 * @see [MCP 2026-07-28, Client Behavior](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#client-behavior)
 */
export function statelessRules(
  request: RpcMessage,
  mirrored: Mirrored,
  surroundings: StatelessSurroundings,
): CallRules {
  const { catalogue, answer } = surroundings
  const { method } = request
  const tool = method === 'tools/call' ? mirrored.name : undefined
  const parameterFields = (): string[] | undefined =>
    tool === undefined ? [] : catalogue.fieldsFor(tool, () => argumentsOf(request))
  const learnTools = (): Promise<void> =>
    catalogue.fetch(() => fetchTools(request, mirrored, surroundings)).catch(() => undefined)
  let hasLearned = false
  return {
    isRepeatable: isRepeatableMethod(method),
    listens: method === 'subscriptions/listen',
    prepare: () => (parameterFields() ? undefined : learnTools()),
    fields: () => [...mirrored.fields, ...(parameterFields() ?? [])],
    refused(call, { status }, error) {
      if (tool === undefined || hasLearned || status !== 400 || !error) return false
      if (errorCodeOf(error) !== headerMismatch) return false
      // Refused before it was done: the schema may have changed since it was learned.
      hasLearned = true
      catalogue.forget()
      void learnTools().then(() => call.send())
      return true
    },
    settle: (received, head) => {
      const isList = method === 'tools/list'
      answer(isList ? catalogue.learn(received, cursorOf(request)) : received.bytes, endOf(received, head))
    },
  }
}

async function fetchTools(
  call: RpcMessage,
  { version }: Mirrored,
  { upstream, client, around, catalogue }: StatelessSurroundings,
): Promise<void> {
  const _meta = metaOf(call)
  // Calls of other clients may wait for the same, so that it does not end with this one.
  const signal = AbortSignal.timeout(learningMs)
  let cursor: string | undefined
  for (let page = 0; page < mostPages; page++) {
    const params = { ...(cursor === undefined ? {} : { cursor }), _meta }
    const text = JSON.stringify({ jsonrpc: '2.0', id: `bridgekeeper-${page}`, method: 'tools/list', params })
    const request = readMessage(Buffer.from(text)) as RpcMessage
    const fields = mirror(request)?.fields ?? ['MCP-Protocol-Version', version]
    const parcel = { upstream, client, fields, isRepeatable: true }
    const { answer } = await ask(request, parcel, around, { signal })
    catalogue.learn(answer, cursor)
    cursor = nextCursorIn(answer)
    if (cursor === undefined) return
  }
}

function nextCursorIn({ bytes, resultPlace }: RpcMessage): string | undefined {
  if (!resultPlace) return undefined
  const { nextCursor } = JSON.parse(bytes.toString('utf8', resultPlace.start, resultPlace.end)) as {
    nextCursor?: unknown
  }
  return typeof nextCursor === 'string' ? nextCursor : undefined
}

/** What a request says of itself, but for what is only about this one. */
function metaOf(call: RpcMessage): Record<string, unknown> {
  const place = findParams(call, ['_meta'])?.[0]
  const meta = place ? (JSON.parse(call.bytes.toString('utf8', place.start, place.end)) as object) : {}
  return Object.fromEntries(
    Object.entries(meta).filter(([name]) => name.startsWith('io.modelcontextprotocol/')),
  )
}

function argumentsOf(call: RpcMessage): unknown {
  const place = findParams(call, ['arguments'])?.[0]
  return place ? (JSON.parse(call.bytes.toString('utf8', place.start, place.end)) as unknown) : undefined
}
