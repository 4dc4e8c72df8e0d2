import type { IncomingHttpHeaders } from 'node:http'
import type { Failure } from '../../shared/errors.ts'
import { bearerChallenge } from '../oauth/challenge.ts'

/** The part of a server's answer that decides what becomes of it. */
export interface AnswerHead {
  readonly status: number
  readonly headers: IncomingHttpHeaders
}

/**
 * Whether the server refused the token itself. Some servers say so with 400 or 403 instead of 401.
 * @see [RFC 6750 §3.1](https://www.rfc-editor.org/rfc/rfc6750.html#section-3.1)
 */
export function refusesToken({ status, headers }: AnswerHead): boolean {
  if (status === 401) return true
  const challenge = headers['www-authenticate']
  return (status === 400 || status === 403) && bearerChallenge(challenge)?.error === 'invalid_token'
}

/** Whether the server points elsewhere. */
export function redirects({ status }: AnswerHead): boolean {
  return status >= 300 && status < 400 && status !== 304
}

/**
 * Where a redirect from `url` may be followed to, or undefined: a token stays with the origin it is for, and only 307 and 308 keep method and
 * body as they are.
 * @see [RFC 9110 §15.4](https://www.rfc-editor.org/rfc/rfc9110.html#section-15.4)
 */
export function redirectTarget(head: AnswerHead, url: URL): URL | undefined {
  const target = locationOf(head, url)
  return (head.status === 307 || head.status === 308) && target?.origin === url.origin ? target : undefined
}

/** The failure of a redirect that is not followed. Of where it leads only the origin is told. */
export function redirectFailure(head: AnswerHead, url: URL): Failure {
  const target = locationOf(head, url)
  return { code: 'network.redirect_refused', detail: `${head.status}${target ? ` to ${target.origin}` : ''}` }
}

function locationOf({ headers: { location } }: AnswerHead, url: URL): URL | undefined {
  return location !== undefined && URL.canParse(location, url.href) ? new URL(location, url) : undefined
}

/**
 * What an answer for people means to a client, which cannot read it: a login wall, the error page of a proxy, or no MCP server at all.
 * Undefined for every other answer. The status keeps its meaning, such as a session that is gone.
 */
export function pageFailure({
  status,
  headers,
}: AnswerHead): { failure: Failure; status: number } | undefined {
  if (!/^\s*(?:text\/html|application\/xhtml\+xml)\b/i.test(headers['content-type'] ?? '')) return undefined
  const failure: Failure = { code: pageCode(status), detail: `it answered ${status} with a web page` }
  return { failure, status: status < 400 ? 502 : status }
}

function pageCode(status: number): Failure['code'] {
  if (status === 403) return 'server.forbidden'
  if (status < 400 || status === 404 || status === 405 || status === 410) return 'server.not_mcp'
  return 'server.failed'
}

/**
 * Whether an answer can be passed on: with a final status, and in no other transfer coding than the one that was taken off.
 * @see [RFC 9112 §6.1](https://www.rfc-editor.org/rfc/rfc9112.html#section-6.1)
 */
export function isPassable({ status, headers }: AnswerHead): boolean {
  const coding = headers['transfer-encoding']
  return status >= 200 && (coding === undefined || coding.toLowerCase() === 'chunked')
}

/** Whether the bytes of an answer can be read as they are. */
export function isPlainBody({ headers }: Pick<AnswerHead, 'headers'>): boolean {
  const { 'content-encoding': encoding } = headers
  return encoding === undefined || encoding.toLowerCase() === 'identity'
}

/** Whether an answer is an event stream whose bytes can be read as they are. */
export function isPlainEventStream({ headers }: AnswerHead): boolean {
  const { 'content-type': type = '' } = headers
  return isPlainBody({ headers }) && /^\s*text\/event-stream\b/i.test(type)
}
