import type { ActivityGap } from '../../shared/activity.ts'
import type { CallFacts, CallOutcome } from './recorder.ts'

/** Arguments and results, redacted and shortened. */
export interface KeptPayload {
  request?: string
  answer?: string
}

/** What is kept of all arguments, and of all results, of one call, in characters. */
export const longestPayload = 8_000

/** The longest other texts that are kept, in characters. */
const longestClient = 200
const longestConnection = 60
const longestMethod = 100
const longestName = 300

/**
 * A call as one line of JSON with its line feed: an `ActivityCall`. Put together by hand, since it is done for every call; each
 * text from outside goes through `quote`.
 */
export function callLine(
  at: number,
  facts: CallFacts,
  end: CallOutcome,
  durationMs: number,
  payload: KeptPayload | undefined,
): string {
  const { method, name } = facts
  let line = `{"at":${at},"record":"call","client":${quote(facts.client, longestClient)},"connection":${quote(facts.connection, longestConnection)},"face":"${facts.face}"`
  if (method !== undefined) line += `,"method":${quote(method, longestMethod)}`
  if (name !== undefined) line += `,"name":${quote(withoutSecrets(name, method), longestName)}`
  line += `,"outcome":"${end.outcome}"`
  if (end.code !== undefined) line += `,"code":"${end.code}"`
  if (end.status !== undefined) line += `,"status":${end.status}`
  line += `,"durationMs":${tenths(durationMs)},"sent":${facts.requestBytes},"received":${end.bytes}`
  if (payload?.request !== undefined) line += `,"request":${quote(payload.request, longestPayload)}`
  if (payload?.answer !== undefined) line += `,"answer":${quote(payload.answer, longestPayload)}`
  return `${line}}\n`
}

/** A gap as one line of JSON with its line feed. */
export function gapLine(gap: ActivityGap): string {
  const { at, ...rest } = gap
  return `${JSON.stringify({ at, ...rest })}\n`
}

/** How a text stands in a line, so that a line can be searched for it without being parsed. */
export function clientInLine(client: string): string {
  return `"client":${quote(client, longestClient)}`
}

/** As `clientInLine`. */
export function connectionInLine(connection: string): string {
  return `"connection":${quote(connection, longestConnection)}`
}

const needsNoEscape = /^[\x20\x21\x23-\x5b\x5d-\x7e]*$/

function quote(text: string, longest: number): string {
  return text.length <= longest && needsNoEscape.test(text) ? `"${text}"` : escape(text, longest)
}

/** Control and format characters, and separators of lines: what JSON allows and a terminal would obey. */
const obeyed = /[\p{Cc}\p{Cf}\u2028\u2029]/gu

function escape(text: string, longest: number): string {
  const whole = text.length <= longest ? text : `${text.slice(0, longest - 1)}…`
  return JSON.stringify(whole).replace(obeyed, (character) =>
    Array.from({ length: character.length }, (_, at) => escapeUnit(character.charCodeAt(at))).join(''),
  )
}

function escapeUnit(unit: number): string {
  return `\\u${unit.toString(16).padStart(4, '0')}`
}

/** The URI of a resource without what may be secret in it: query, fragment, user and password, and what `data:` holds. */
function withoutSecrets(name: string, method: string | undefined): string {
  if (!name.includes('://') && !method?.startsWith('resources/')) return name
  if (/^data:/i.test(name)) return name.slice(0, name.search(/[;,]|$/))
  return name.slice(0, name.search(/[?#]|$/)).replace(/^([^/]*:\/\/)[^/]*@/, '$1')
}

function tenths(ms: number): number {
  return Math.round(ms * 10) / 10
}
