import type { Failure } from '../../shared/errors.ts'
import { findParams, type RpcMessage } from '../channel/rpc-message.ts'
import { version as ourVersion } from '../version.ts'
import { explain } from './absence.ts'
import type { Knowledge, ListName } from './knowledge.ts'
import { record, versionOf } from './lessons.ts'

/** What an answer in the place of a server is made from. */
export interface StandIn {
  readonly connection: string
  readonly failure: Failure
  readonly known: Knowledge | undefined
}

/** What we declare for a server that nothing is known of: its lists are empty, and say when they are not any more. */
const promised = { tools: {}, prompts: {}, resources: {} }

const sessionVersions = ['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25']
const newestSession = '2025-11-25'
const currentVersion = '2026-07-28'

/** Answers `initialize` for a server that cannot be asked. */
export function standInInitialize(request: RpcMessage, standIn: StandIn): Buffer {
  const place = findParams(request, ['protocolVersion'])?.[0]
  const asked: unknown = place && JSON.parse(request.bytes.toString('utf8', place.start, place.end))
  const spoken = standIn.known?.self?.version
  // Never newer than what the client can, nor than what the server last chose.
  const usual = typeof asked === 'string' && sessionVersions.includes(asked) ? asked : newestSession
  const protocolVersion =
    spoken !== undefined && sessionVersions.includes(spoken) && spoken < usual ? spoken : usual
  return result(request, {
    protocolVersion,
    capabilities: capabilitiesOf(standIn, false),
    serverInfo: serverInfoOf(standIn),
    instructions: instructionsOf(standIn),
  })
}

/**
 * Answers `server/discover` for a server that cannot be asked.
 * @see [MCP 2026-07-28, Discovery](https://modelcontextprotocol.io/specification/2026-07-28/server/discover)
 */
export function standInDiscover(request: RpcMessage, standIn: StandIn): Buffer {
  return result(request, {
    resultType: 'complete',
    supportedVersions: [currentVersion],
    capabilities: capabilitiesOf(standIn, true),
    instructions: instructionsOf(standIn),
    ...uncached,
    _meta: { 'io.modelcontextprotocol/serverInfo': serverInfoOf(standIn) },
  })
}

/** @see [MCP 2026-07-28, Caching](https://modelcontextprotocol.io/specification/2026-07-28/server/utilities/caching) */
const uncached = { ttlMs: 0, cacheScope: 'private' }

/** Answers a request for a list with all of it as it was last known, in one page. */
export function standInList(request: RpcMessage, name: ListName, known: Knowledge | undefined): Buffer {
  const items = known?.lists[name]?.items ?? Buffer.from('[]')
  const head = `{"jsonrpc":"2.0","id":${request.id},"result":{"${name}":`
  const rest = isModern(request) ? ',"resultType":"complete","ttlMs":0,"cacheScope":"private"}}' : '}}'
  return Buffer.concat([Buffer.from(head, 'latin1'), items, Buffer.from(rest)])
}

/** Where a result says which failure it tells of, for programs. */
const failureKey = 'bridgekeeper/failure'

/** Answers with a result that says nothing. */
export function emptyResult(request: RpcMessage): Buffer {
  return result(request, isModern(request) ? { resultType: 'complete' } : {})
}

/**
 * Answers a call of a tool with a result that says what is the matter: a model reads results, while errors of the protocol often stay within the client.
 * @see [MCP 2025-11-25, Tools, Error Handling](https://modelcontextprotocol.io/specification/2025-11-25/server/tools#error-handling)
 */
export function failedCall(request: RpcMessage, text: string, failure: Failure): Buffer {
  const content = [{ type: 'text', text }]
  const type = isModern(request) ? { resultType: 'complete' } : {}
  return result(request, { ...type, content, isError: true, _meta: { [failureKey]: failure } })
}

/** The key under which a client of the current revision answers whether the person wants to sign in. */
const signInInput = 'bridgekeeper-sign-in'

/**
 * Answers a request of the current revision with a page that a person should go to. It gives no state to bring back, so that a server that gets the
 * request again finds nothing in it but an answer to a question it did not ask, which it ignores.
 * @see [MCP 2026-07-28, Multi Round-Trip Requests](https://modelcontextprotocol.io/specification/2026-07-28/basic/patterns/mrtr)
 */
export function inputRequired(request: RpcMessage, url: URL, message: string): Buffer {
  const elicitation = { method: 'elicitation/create', params: { mode: 'url', url: url.href, message } }
  return result(request, { resultType: 'input_required', inputRequests: { [signInInput]: elicitation } })
}

/** What a client said to that: `accept`, `decline` or `cancel`; undefined where it was not asked, or said nothing. */
export function inputGiven(request: RpcMessage): unknown {
  const place = findParams(request, ['inputResponses'])?.[0]
  const given = place && record(JSON.parse(request.bytes.toString('utf8', place.start, place.end)))
  return given && record(given[signInInput])['action']
}

/** Whether a message is of the current revision. */
export function isModern(request: RpcMessage): boolean {
  return versionOf(request) !== undefined
}

function result(request: RpcMessage, value: object): Buffer {
  const head = Buffer.from(`{"jsonrpc":"2.0","id":${request.id},"result":`, 'latin1')
  return Buffer.concat([head, Buffer.from(`${JSON.stringify(value)}}`)])
}

/** What both eras mean by the same name. */
const common = ['tools', 'prompts', 'resources', 'completions']

function capabilitiesOf({ known }: StandIn, isForModern: boolean): Record<string, unknown> {
  const self = known?.self
  const isOfSameEra = self && self.version > newestSession === isForModern
  const said = Object.entries(self?.capabilities ?? promised)
  const capabilities = Object.fromEntries(said.filter(([name]) => isOfSameEra || common.includes(name)))
  for (const name of ['tools', 'prompts', 'resources']) {
    // Whether the server itself says so or not: its lists may change when it is there again.
    if (capabilities[name] !== undefined)
      capabilities[name] = { ...record(capabilities[name]), listChanged: true }
  }
  return capabilities
}

function serverInfoOf({ connection, known }: StandIn): object {
  return known?.self?.serverInfo ?? { name: connection, version: ourVersion }
}

function instructionsOf({ connection, failure, known }: StandIn): string {
  const what = known?.self
    ? 'Until then its lists are shown as they were last known.'
    : 'It was never reached, so that nothing is known of its tools yet; they will be listed then.'
  const own = known?.self?.instructions
  return `${explain(connection, failure)} ${what}${own === undefined ? '' : `\n\n${own}`}`
}
