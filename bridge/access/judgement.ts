import type { Failure } from '../../shared/errors.ts'
import { redactPayload } from '../activity/payload.ts'
import { errorAnswer } from '../channel/error-messages.ts'
import { findMembers, firstMember, memberNames, skipSpace, valueEnd } from '../channel/json-bytes.ts'
import { findParams, stringAt, type RpcMessage } from '../channel/rpc-message.ts'
import { toolsIn, withTools } from '../channel/tool-list.ts'
import type { ToolRules } from './policy.ts'

/** What becomes of a message: it goes on, a person is asked about the tool, or it is refused. */
export type Judgement =
  | { readonly is: 'allowed' }
  | { readonly is: 'asked'; readonly tool: string }
  | { readonly is: 'refused'; readonly failure: Failure }

const allowed: Judgement = { is: 'allowed' }
const unclear: Judgement = { is: 'refused', failure: { code: 'access.call_unclear' } }
const denied: Judgement = { is: 'refused', failure: { code: 'access.tool_denied' } }

/** Judges a message of a client as its server will read it. Everything but a call of a tool is allowed. */
export function judge(message: RpcMessage, rules: ToolRules): Judgement {
  const { bytes, paramsPlace } = message
  if (hasLookalike(bytes, skipSpace(bytes, 0), ['method', 'params'])) return unclear
  if (message.method !== 'tools/call') return allowed
  if (paramsPlace && hasLookalike(bytes, paramsPlace.start, ['name'])) return unclear
  const tool = toolCalled(message)
  if (tool === undefined) return unclear
  const verdict = rules.verdictOf(tool)
  if (verdict === 'allow') return allowed
  return verdict === 'ask' ? { is: 'asked', tool } : denied
}

/**
 * Whether an object has a member whose name differs from one of these in case alone. Some readers take it for the same (Go's `encoding/json`, .NET
 * with its defaults for the web), and the last one counts. Both cases are tried, since letters outside of ASCII fold to some inside.
 */
function hasLookalike(bytes: Buffer, at: number, names: readonly string[]): boolean {
  return memberNames(bytes, at).some(
    (name) => !names.includes(name) && names.includes(name.toUpperCase().toLowerCase()),
  )
}

/**
 * The one tool that a message calls. Undefined where servers could read different names: one that is said twice, or that holds what is cut off,
 * replaced or left out when it is decoded (control characters, halves of characters, bytes that are no UTF-8).
 */
export function toolCalled(message: RpcMessage): string | undefined {
  const name = stringAt(message.bytes, findParams(message, ['name'])?.[0])
  return name === undefined || /[\p{Cc}\p{Cs}\uFFFD]/u.test(name) ? undefined : name
}

/** What a message calls its tool with, for a person who decides: JSON, redacted and bounded like what the record of calls may keep. */
export function previewOf(message: RpcMessage): string {
  const place = findParams(message, ['arguments'])?.[0]
  return place ? redactPayload(message.bytes.subarray(place.start, place.end)) : '{}'
}

/** By method: the parameter that says what is meant. */
const namingParameters = new Map([
  ['tools/call', ['name']],
  ['prompts/get', ['name']],
  ['resources/read', ['uri']],
])

/** The tool, prompt or resource that a request means, for the record, by a short look at its params, which begin at `params`. */
export function nameIn(bytes: Buffer, method: string | undefined, params: number): string | undefined {
  const names = namingParameters.get(method ?? '')
  const named = names && firstMember(bytes, params, names)
  return named && stringAt(bytes, { start: named.start, end: valueEnd(bytes, named.start) })
}

/** What a client gets of an answer in which the server might list tools. */
export interface Listed {
  readonly bytes: Buffer
  /** Set where the answer is an error of ours, because the list could not be looked through. */
  readonly failure?: Failure
}

/** An answer without the tools that are denied; byte for byte the same where there are none. A tool that nobody can name is left out. */
export function withoutDenied(answer: RpcMessage, rules: ToolRules): Listed {
  const page = toolsIn(answer)
  if (!page) return { bytes: answer.bytes }
  if (page.isAmbiguous) {
    const failure: Failure = { code: 'server.failed', detail: 'its list of tools says a thing twice' }
    return { bytes: errorAnswer(answer.id, failure), failure }
  }
  const { bytes } = answer
  const kept = page.tools.filter(({ start }) => {
    const found = findMembers(bytes, start, ['name'])
    const name = found && !found.isAmbiguous ? stringAt(bytes, found.places[0]) : undefined
    return name !== undefined && rules.verdictOf(name) !== 'deny'
  })
  return { bytes: withTools(answer, page, kept) }
}
