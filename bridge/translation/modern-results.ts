import type { Failure } from '../../shared/errors.ts'
import { errorAnswer, errorCodeOf } from '../channel/error-messages.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'
import { modernVersion, saysCapabilities, unsupportedVersion, versionOf } from './era.ts'
import type { Agreed } from './server-session.ts'
import { changed, json, rawId, valuesAt, withMembers } from './splice.ts'
import { invalidParams, methodNotFound, removedMethods, serverInfoKey } from './vocabulary.ts'

const none = Buffer.alloc(0)
const complete = json('complete')

/** Results that say how long they may be kept. A server of the older era does not say: not at all. */
const cacheable = new Set<unknown>([
  'prompts/list',
  'resources/list',
  'resources/read',
  'resources/templates/list',
  'server/discover',
  'tools/list',
])
const uncached = { ttlMs: json(0), cacheScope: json('private') }

/** What 2025-11-25 says where a resource is not there. */
const resourceNotFound = -32_002

/**
 * What `server/discover` is answered with, by what the server said at the start of the session.
 * @see [MCP 2026-07-28, Discovery](https://modelcontextprotocol.io/specification/2026-07-28/server/discover)
 */
export function discoverResult({ capabilities, info, instructions }: Agreed): Buffer {
  return withMembers(none, undefined, {
    resultType: complete,
    supportedVersions: json([modernVersion]),
    // Tasks became an extension with other requests.
    capabilities: withMembers(capabilities, { start: 0, end: capabilities.length }, { tasks: undefined }),
    instructions,
    ...uncached,
    ...(info ? { _meta: withMembers(none, undefined, { [serverInfoKey]: info }) } : {}),
  })
}

/**
 * A server's answer as a client of the current era expects it: with the members that its results must have.
 * @see [MCP 2026-07-28, Responses](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#responses)
 */
export function modernAnswer(request: RpcMessage, answer: RpcMessage, { info }: Agreed): Buffer {
  const { bytes, resultPlace, errorPlace } = answer
  const { method, id = 'null' } = request
  if (errorPlace) {
    const isMissing = method === 'resources/read' && errorCodeOf(answer) === resourceNotFound
    const error = isMissing && { error: withMembers(bytes, errorPlace, { code: json(invalidParams) }) }
    return changed(answer, { id: rawId(id), ...error }).bytes
  }
  if (!resultPlace) return changed(answer, { id: rawId(id) }).bytes
  const [type, ttl, scope, meta] = valuesAt(bytes, resultPlace, [
    'resultType',
    'ttlMs',
    'cacheScope',
    '_meta',
  ])
  const metaPlace = meta && { start: 0, end: meta.length }
  const [named] = valuesAt(meta ?? none, metaPlace, [serverInfoKey])
  const result = withMembers(bytes, resultPlace, {
    ...(type ? {} : { resultType: complete }),
    ...(cacheable.has(method) && !ttl ? { ttlMs: uncached.ttlMs } : {}),
    ...(cacheable.has(method) && !scope ? { cacheScope: uncached.cacheScope } : {}),
    ...(info && !named ? { _meta: withMembers(meta ?? none, metaPlace, { [serverInfoKey]: info }) } : {}),
  })
  return changed(answer, { id: rawId(id), result }).bytes
}

/**
 * What a request is answered with that no server is asked: it is of a revision that is not translated, lacks what each must say, or has a method
 * of sessions alone. Undefined where it is none of these.
 * @see [MCP 2026-07-28, Per-request protocol fields](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#_meta)
 */
export function refusalOf(request: RpcMessage): Buffer | undefined {
  const { id, method } = request
  const version = versionOf(request)
  if (version !== undefined && version !== modernVersion) return versionRefusal(request, version)
  if (version !== undefined && !saysCapabilities(request)) {
    const failure: Failure = { code: 'gateway.message_invalid', detail: '_meta names no capabilities' }
    return errorAnswer(id, failure, invalidParams)
  }
  const isRemoved = removedMethods.has(method)
  return isRemoved ? errorAnswer(id, { code: 'gateway.method_unknown' }, methodNotFound) : undefined
}

/** @see [MCP 2026-07-28, Protocol Version Negotiation](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#protocol-version-negotiation) */
function versionRefusal({ id = 'null' }: RpcMessage, requested: string): Buffer {
  const error = {
    code: unsupportedVersion,
    message: 'Unsupported protocol version',
    data: { supported: [modernVersion], requested },
  }
  return withMembers(none, undefined, { jsonrpc: json('2.0'), id: rawId(id), error: json(error) })
}
