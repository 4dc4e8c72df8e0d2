import type { CallEnd } from '../channel/channel.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import {
  eraOfRequest,
  eraRefusal,
  isNoEventStream,
  isOpeningRefusal,
  type Era,
  type ServerEra,
} from './era.ts'

/**
 * The ways to a server: as the client speaks, or translated, each over Streamable HTTP or HTTP+SSE. There is no plain way over HTTP+SSE for a
 * client of the current era, and no translation from the older one to it.
 */
export type Way = 'plain' | 'plain-sse' | 'older-client' | 'modern-client' | 'modern-client-sse'

const nothing = Buffer.alloc(0)

export const waysOverSse = new Set<Way>(['plain-sse', 'modern-client-sse'])
export const allWays: readonly Way[] = [
  'plain',
  'plain-sse',
  'older-client',
  'modern-client',
  'modern-client-sse',
]

/** Whether messages go on this way as they are. */
export function isPlain(way: Way): boolean {
  return way === 'plain' || way === 'plain-sse'
}

/** What a server speaks that this way works for. */
export function serverEra(way: Way, request: RpcMessage): ServerEra | undefined {
  switch (way) {
    case 'plain':
      return eraOfRequest(request)
    case 'older-client':
      return 'modern'
    case 'modern-client':
      return 'session'
    case 'plain-sse':
    case 'modern-client-sse':
      return 'sse'
    default:
      return way satisfies never
  }
}

/** The way that what is known of a server speaks for; undefined where it is the plain one. */
export function rememberedWay(client: Era, server: ServerEra | undefined): Way | undefined {
  if (server === 'sse') return client === 'modern' ? 'modern-client-sse' : 'plain-sse'
  if (server === undefined || server === 'both' || server === client) return undefined
  return client === 'modern' ? 'modern-client' : 'older-client'
}

/** The ways that may work for a request, the most likely first. `refusal` is what the server said to the first of them. */
export function waysFor(
  request: RpcMessage,
  initialize: RpcMessage | undefined,
  refusal: Buffer = nothing,
): readonly Way[] {
  if (eraOfRequest(request) === 'modern') return ['plain', 'modern-client', 'modern-client-sse']
  if (!initialize) return []
  const isWithinSession = request.method !== 'initialize'
  // What only a server of the current era says makes a look for HTTP+SSE needless.
  if (isWithinSession || saysModern(refusal)) return ['plain', 'older-client']
  return ['plain', 'plain-sse', 'older-client']
}

/** Whether an answer on a plain way is a reason to try another one. */
export function refusesEra(way: Way, request: RpcMessage, bytes: Buffer, end: CallEnd): boolean {
  const { failure } = end
  const era = eraOfRequest(request)
  if (way === 'plain-sse') {
    return request.method === 'initialize' && failure !== undefined && isNoEventStream(failure)
  }
  if (request.method === 'initialize' || request.method === 'server/discover') {
    return isOpeningRefusal(era ?? 'modern', bytes, end)
  }
  if (era !== 'modern') return !failure && saysModern(bytes)
  return failure ? isOpeningRefusal(era, bytes, end) : eraRefusal(era, headOf(end), bytes)
}

/** Whether a server says of itself that it speaks the current era, whatever it was asked. */
function saysModern(bytes: Buffer): boolean {
  return eraRefusal('session', headOf({}), bytes)
}

function headOf({ status = 200 }: CallEnd): AnswerHead {
  return { status, headers: {} }
}
