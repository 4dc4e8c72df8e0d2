import type { Failure } from '../../shared/errors.ts'
import type { CallEnd } from '../channel/channel.ts'
import type { AnswerHead } from '../gateway/answer-rules.ts'
import { elementsOf, findMembers, skipSpace } from '../channel/json-bytes.ts'
import { errorCodeOf } from '../channel/error-messages.ts'
import { findParams, readMessage, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { capabilitiesKey } from './vocabulary.ts'

/**
 * What a message speaks: `modern` says its version in every request (2026-07-28), `session` agrees on one with `initialize` (2025-11-25 and older).
 * @see [MCP 2026-07-28, Terminology](https://modelcontextprotocol.io/specification/2026-07-28/basic/versioning#terminology)
 */
export type Era = 'modern' | 'session'

/** What a server speaks: one era, both, or the older one over HTTP+SSE. */
export type ServerEra = Era | 'both' | 'sse'

/** What has been found out about servers, for all who talk to them. */
export interface EraMemory {
  /** Undefined where nothing is known, or where it is too old to be relied on. */
  eraOf(connection: string): ServerEra | undefined
  learn(connection: string, era: ServerEra): void
}

/** The revision that messages of the current era are translated from and to. */
export const modernVersion = '2026-07-28'
export const versionKey = 'io.modelcontextprotocol/protocolVersion'

const methodNotFound = -32_601
const invalidParams = -32_602
const headerMismatch = -32_020
export const missingCapability = -32_021
export const unsupportedVersion = -32_022

/** The era that a request shows by itself: `initialize` is of the older one, a version in `_meta` of the current one. */
export function eraOfRequest(request: RpcMessage): Era | undefined {
  if (request.method === 'initialize') return 'session'
  return versionOf(request) === undefined ? undefined : 'modern'
}

/** The version that a request of the current era says it has. */
export function versionOf(request: RpcMessage): string | undefined {
  const meta = findParams(request, ['_meta'])?.[0]
  const found = meta && findMembers(request.bytes, meta.start, [versionKey])
  return stringAt(request.bytes, found?.places[0])
}

/**
 * Whether a request says what its client can do, as every one of the current era must.
 * @see [MCP 2026-07-28, Per-request protocol fields](https://modelcontextprotocol.io/specification/2026-07-28/basic/index#_meta)
 */
export function saysCapabilities(request: RpcMessage): boolean {
  const { bytes } = request
  const meta = findParams(request, ['_meta'])?.[0]
  const place = meta && findMembers(bytes, meta.start, [capabilitiesKey])?.places[0]
  return place !== undefined && bytes[place.start] === 0x7b
}

/**
 * Whether an answer says that the server does not speak the era of the client, so that another way to it is worth trying. Ask it of requests
 * without a session only: a 404 within a session means that the session is gone.
 * @param body Empty where the server's body was no JSON-RPC message.
 * @see [MCP 2026-07-28, Backward Compatibility](https://modelcontextprotocol.io/specification/2026-07-28/basic/transports/streamable-http#backward-compatibility)
 */
export function eraRefusal(clientEra: Era, { status }: AnswerHead, body: Buffer): boolean {
  const message = readMessage(body)
  const error = message?.kind === 'answer' && message.errorPlace ? message : undefined
  const isOfTransport = status === 400 || status === 404 || status === 405
  if (!error) return isOfTransport
  const speaksModern = isModernError(error, status)
  return clientEra === 'modern' ? isOlderOnly(error) || (isOfTransport && !speaksModern) : speaksModern
}

/** Whether only a server of the current era gives this error with this status. */
function isModernError(error: RpcMessage, status: number): boolean {
  switch (errorCodeOf(error)) {
    case unsupportedVersion:
      return supportedVersions(error).some(isModernVersion)
    case headerMismatch:
    case missingCapability:
      return true
    case methodNotFound:
      return status === 404
    case invalidParams:
      return status === 400
    default:
      return false
  }
}

/** The server names the versions that it speaks, and all are of the older era. */
function isOlderOnly(error: RpcMessage): boolean {
  return errorCodeOf(error) === unsupportedVersion && !supportedVersions(error).some(isModernVersion)
}

/** Revisions are named by their dates. */
function isModernVersion(version: string): boolean {
  return version >= modernVersion
}

function supportedVersions({ bytes, errorPlace }: RpcMessage): string[] {
  const data = errorPlace && findMembers(bytes, errorPlace.start, ['data'])?.places[0]
  const list = data && findMembers(bytes, skipSpace(bytes, data.start), ['supported'])?.places[0]
  const elements = list && elementsOf(bytes, list.start)
  return (elements ?? []).flatMap((place) => stringAt(bytes, place) ?? [])
}

/** The same as `eraRefusal` of an answer to what begins a conversation, as it comes out of a channel. */
export function isOpeningRefusal(clientEra: Era, bytes: Buffer, { status = 0, failure }: CallEnd): boolean {
  if (failure) return isNoServer(failure) || eraRefusal(clientEra, { status, headers: {} }, nothing)
  const answer = readMessage(bytes)
  const isUnknown = answer?.errorPlace !== undefined && errorCodeOf(answer) === methodNotFound
  return isUnknown || eraRefusal(clientEra, { status, headers: {} }, bytes)
}

/** Whether a failure says that no stream of HTTP+SSE is there: what answers otherwise is something else, however it says so. */
export function isNoEventStream(failure: Failure): boolean {
  return isNoServer(failure) || failure.code === 'server.failed'
}

/** A failure that says that nothing of the kind is there, and not that it cannot be reached or that a sign-in is needed. */
function isNoServer({ code }: Failure): boolean {
  return code === 'server.not_mcp'
}

const nothing = Buffer.alloc(0)
