import type { Connection, Trace } from '../../../shared/connection.ts'
import { accessPhrase, failureLines, nextCommand, statusWord, stepUpPhrase } from '../describe.ts'
import type { Face } from '../face.ts'
import { parseId } from '../parse.ts'
import { alignColumns, joinText, text, type Paint, type Text } from '../text.ts'
import { relativeTime } from '../time.ts'

/** All connections, one a line. */
export async function list(face: Face): Promise<void> {
  const control = await face.control()
  const connections = await control.connections.list({})
  face.terminal.answer(connections, () =>
    connections.length === 0
      ? [text`There are no connections yet. Add one: bridgekeeper add https://mcp.example.com/mcp`]
      : alignColumns(connections.map((connection) => listRow(connection, face.terminal.paint))),
  )
}

/** One connection in full, and what to do where something is to be done. */
export async function status(face: Face, typedId: string): Promise<void> {
  const id = parseId(typedId)
  const control = await face.control()
  const connection = await control.connections.get({ id })
  face.terminal.answer(connection, () => statusLines(connection, face.terminal.paint, Date.now()))
}

/** The last sign-in, step by step. */
export async function trace(face: Face, typedId: string): Promise<void> {
  const id = parseId(typedId)
  const control = await face.control()
  const found = await control.connections.trace({ id })
  face.terminal.answer(found, () =>
    found ? traceLines(found, Date.now()) : [text`${id} has no sign-in to show.`],
  )
}

function listRow(connection: Connection, paint: Paint): Text[] {
  const next = nextCommand(connection)
  return [
    text`${connection.id}`,
    statusWord(connection, paint),
    text`${connection.account ?? '-'}`,
    next ? text`next: ${next}` : accessPhrase(connection, Date.now()),
  ]
}

function statusLines(connection: Connection, paint: Paint, now: number): Text[] {
  const { scopes, issuer, registration, failure, stepUp, nextTryAt, lists } = connection
  const missing = scopes.asked.filter((scope) => !scopes.granted.includes(scope))
  const next = nextCommand(connection)
  const row = (name: string, value: Text | undefined): Text[][] => (value ? [[text`  ${name}`, value]] : [])
  return [
    paint('bold', text`${connection.id}`),
    ...alignColumns([
      ...row('server', text`${connection.url}`),
      ...row('state', statusWord(connection, paint)),
      ...row('account', connection.account ? text`${connection.account}` : undefined),
      ...row('signs in at', issuer ? text`${issuer}` : undefined),
      ...row('registration', registration ? text`${registration}` : undefined),
      ...row('scopes', scopes.granted.length > 0 ? text`${scopes.granted.join(' ')}` : undefined),
      ...row('not granted', missing.length > 0 ? text`${missing.join(' ')}` : undefined),
      ...row('access', accessPhrase(connection, now)),
      ...row('next try', nextTryAt === undefined ? undefined : text`${relativeTime(nextTryAt, now)}`),
      ...row('asked for', stepUp && paint('yellow', stepUpPhrase(stepUp, now))),
      ...row('tools', lists?.tools === undefined ? undefined : toolsPhrase(lists.tools, lists.asOf, now)),
      ...row('added', text`${relativeTime(connection.createdAt, now)}`),
    ]),
    ...(failure ? failureLines(failure) : []),
    ...(next ? [text`Next: ${next}`] : []),
  ]
}

function toolsPhrase(count: number, asOf: number, now: number): Text {
  return text`${count}, as of ${relativeTime(asOf, now)}`
}

function traceLines({ startedAt, outcome, failure, steps }: Trace, now: number): Text[] {
  return [
    text`Sign-in ${relativeTime(startedAt, now)}: ${outcome}`,
    ...steps.flatMap(({ at, step, request, response, note, durationMs }) => [
      text`${offset(at - startedAt)}  ${step}`,
      ...(request ? [text`           > ${request.method} ${request.url}`] : []),
      ...(request?.body ? [text`             ${request.body}`] : []),
      ...(response ? [text`           < ${response.status}${took(durationMs)}`] : []),
      ...(response?.body ? [text`             ${response.body}`] : []),
      ...(note ? [text`           ${note}`] : []),
    ]),
    ...(failure ? [joinText(failureLines(failure), ' ')] : []),
  ]
}

function offset(ms: number): string {
  return `+${(Math.max(ms, 0) / 1000).toFixed(3)} s`.padStart(9)
}

function took(ms: number | undefined): string {
  return ms === undefined ? '' : ` after ${Math.round(ms)} ms`
}
