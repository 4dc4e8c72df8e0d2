import type { CallEnd } from '../channel/channel.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { listKinds } from './items.ts'
import { modernVersion, protocolError, type Said } from './era.ts'
import type { Astray } from './router.ts'

const methodNotFound = -32_601
const invalidParams = -32_602
/** What servers of the older era say of a resource that there is not. */
const resourceNotFound = -32_002
const unsupportedVersion = -32_022

const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency']

/** An answer of ours that says no. */
export interface Refusal {
  readonly bytes: Buffer
  readonly end: CallEnd
}

/** Why a request is not looked at any further; `hasBegun` for a client that began as one of the older era. */
export function refusalOf(
  request: RpcMessage,
  said: Said | undefined,
  hasBegun: boolean,
): Refusal | undefined {
  const { method } = request
  const refuse = (code: number, message: string, data?: object): Refusal => ({
    bytes: protocolError(request, code, message, data),
    end: { isError: true },
  })
  if (said && said.version !== modernVersion && !hasBegun) {
    const data = { supported: [modernVersion], requested: said.version }
    return refuse(unsupportedVersion, 'Unsupported protocol version', data)
  }
  if (said && !said.isComplete && !hasBegun) {
    return refuse(invalidParams, 'The _meta of the request lacks clientCapabilities')
  }
  const needsNothing = method === 'initialize' || method === 'ping'
  if (!said && !hasBegun && method === 'server/discover') {
    return refuse(invalidParams, 'The request lacks the _meta of its revision')
  }
  if (!said && !hasBegun && !needsNothing) {
    const failure = { code: 'gateway.not_initialized' } as const
    return { bytes: errorAnswer(request.id, failure), end: { failure } }
  }
  if (listKinds.has(method ?? '') && findParams(request, ['cursor'])?.[0]) {
    return refuse(invalidParams, 'There is no such page: lists of all connections have one')
  }
  if (method === 'logging/setLevel') {
    const level = stringAt(request.bytes, findParams(request, ['level'])?.[0])
    if (!levels.includes(level ?? '')) return refuse(invalidParams, 'There is no such log level')
  }
  return undefined
}

/** The answer to a request that belongs to no server. */
export function astrayAnswer(request: RpcMessage, why: Astray, isLegacy: boolean): Buffer {
  const [name, uri] = findParams(request, ['name', 'uri']) ?? []
  const named = stringAt(request.bytes, name ?? uri)
  const about = named === undefined ? '' : `: ${named.slice(0, 200)}`
  switch (why) {
    case 'unknown-method':
      return protocolError(
        request,
        methodNotFound,
        `The endpoint of all connections does not serve ${request.method}; the endpoint of one connection may`,
      )
    case 'unknown-name':
      return protocolError(request, invalidParams, `No connection of this client app has this name${about}`)
    case 'unknown-resource':
      return protocolError(
        request,
        isLegacy ? resourceNotFound : invalidParams,
        `No connection, or more than one, offers this resource; see resources/list for its address${about}`,
      )
    case 'unknown-task':
      return protocolError(request, invalidParams, 'No connection of this client app has this task')
    case 'invalid':
      return protocolError(request, invalidParams, 'The request does not say what it is about')
    default:
      return why satisfies never
  }
}
