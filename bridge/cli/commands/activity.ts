import type { ActivityCall, ActivityFilter, ActivityGap, ActivityRecord } from '../../../shared/activity.ts'
import { BridgeError, errors } from '../../../shared/errors.ts'
import type { ControlClient } from '../../control/client.ts'
import type { Face } from '../face.ts'
import { parseId } from '../parse.ts'
import type { Terminal } from '../terminal.ts'
import { alignColumns, oneLine, text, type Paint, type Text } from '../text.ts'
import { localTime, parseMoment } from '../time.ts'

/** As they are typed. */
export interface ActivityOptions {
  readonly client?: string
  readonly connection?: string
  readonly since?: string
  readonly limit?: string
  readonly follow?: boolean
}

/** What is shown where nothing is said, and how much can be asked for; a page of the bridge. */
const usualLimit = 50
const mostShown = 10_000
const pageSize = 1_000

/** The last calls, the latest at the bottom; or calls as they end, until Ctrl-C. In JSON a line each. */
export async function activity(face: Face, options: ActivityOptions): Promise<void> {
  const { client, connection, since, limit, follow } = options
  const filter: ActivityFilter = {
    ...(client === undefined ? {} : { client }),
    ...(connection === undefined ? {} : { connection: parseId(connection) }),
  }
  if (follow && (since !== undefined || limit !== undefined)) {
    throw new BridgeError(
      'cli.usage',
      '--follow shows calls from now on: it goes without --since and --limit',
    )
  }
  const range = { since: moment(since), limit: parseLimit(limit) }
  const control = await face.control()
  if (follow) return await followCalls(face, control, filter)
  const records = await lastRecords(control, filter, range)
  const { terminal } = face
  const isNarrow = [client, connection, since].some((option) => option !== undefined)
  if (terminal.json) for (const record of records) terminal.answer(record, () => [])
  else if (records.length === 0) terminal.note(text`No ${isNarrow ? 'such ' : ''}calls are recorded.`)
  else for (const line of tableOf(records, terminal)) terminal.line(line)
}

/** For which connections arguments and results are kept; with a state, switches that on or off. */
export async function payloads(
  face: Face,
  typedId: string | undefined,
  state: string | undefined,
): Promise<void> {
  if ((state !== 'on' && state !== 'off') || typedId === undefined) {
    if (typedId !== undefined) throw new BridgeError('cli.usage', 'say on or off after the connection')
    const kept = await (await face.control()).activity.payloads({})
    return face.terminal.answer(kept, () => [
      kept.length === 0
        ? text`Arguments and results are kept for no connection.`
        : text`Arguments and results are kept, redacted, for: ${kept.join(', ')}`,
    ])
  }
  const connection = parseId(typedId)
  const control = await face.control()
  const kept = await control.activity.setPayloads({ connection, on: state === 'on' })
  face.terminal.answer(kept, () => [
    state === 'on'
      ? text`Arguments and results of ${connection} are kept from now on, shortened, without what looks like a secret.`
      : text`Arguments and results of ${connection} are not kept any more; activity clear --connection ${connection} deletes what there is.`,
  ])
}

/** Deletes the record, or what it holds of one connection. */
export async function clear(face: Face, { connection }: ActivityOptions): Promise<void> {
  const id = connection === undefined ? undefined : parseId(connection)
  const control = await face.control()
  const { bytes } = await control.activity.clear(id === undefined ? {} : { connection: id })
  face.terminal.answer({ bytes }, () => [text`Deleted ${size(bytes)}.`])
}

async function followCalls(face: Face, control: ControlClient, filter: ActivityFilter): Promise<void> {
  const { terminal } = face
  const stop = AbortSignal.any([face.interruption(), terminal.closed])
  const widths: number[] = []
  try {
    const calls = await control.activity.follow(filter, { signal: stop })
    terminal.note(text`Waiting for calls. Ctrl-C ends this.`)
    for await (const record of calls) terminal.answer(record, () => tableOf([record], terminal, widths))
    terminal.note(text`The bridge has ended.`)
  } catch (thrown) {
    if (!stop.aborted) throw thrown
  }
}

/** Page by page, the oldest first in the end. */
async function lastRecords(
  control: ControlClient,
  filter: ActivityFilter,
  { since, limit }: { since: number | undefined; limit: number },
): Promise<ActivityRecord[]> {
  const records: ActivityRecord[] = []
  let before: string | undefined
  do {
    const page = await control.activity.list({
      ...filter,
      limit: Math.min(limit - records.length, pageSize),
      ...(since === undefined ? {} : { since }),
      ...(before === undefined ? {} : { before }),
    })
    records.push(...page.records)
    before = page.next ?? undefined
  } while (before !== undefined && records.length < limit)
  return records.toReversed()
}

function moment(typed: string | undefined): number | undefined {
  const parsed = typed === undefined ? undefined : parseMoment(typed, Date.now())
  if (typed !== undefined && parsed === undefined) {
    throw new BridgeError(
      'cli.usage',
      '--since takes a span such as 15m, 1h or 7d, or a date such as 2026-11-21',
    )
  }
  return parsed
}

function parseLimit(typed: string | undefined): number {
  if (typed === undefined) return usualLimit
  const limit = /^\d{1,5}$/.test(typed) ? Number(typed) : 0
  if (limit < 1 || limit > mostShown)
    throw new BridgeError('cli.usage', '--limit takes a number from 1 to 10000')
  return limit
}

function tableOf(records: readonly ActivityRecord[], { paint }: Terminal, widths?: number[]): Text[] {
  const now = Date.now()
  const calls = records.map((record) => (record.record === 'call' ? callRow(record, paint, now) : []))
  const aligned = alignColumns(calls, widths)
  return records.flatMap((record, index) => {
    if (record.record === 'gap') return [paint('yellow', gapText(record, now))]
    const { request, answer } = record
    return [
      ...aligned.slice(index, index + 1),
      ...(request === undefined ? [] : [paint('dim', text`    > ${request}`)]),
      ...(answer === undefined ? [] : [paint('dim', text`    < ${answer}`)]),
    ]
  })
}

function callRow(call: ActivityCall, paint: Paint, now: number): Text[] {
  const { at, client, connection, method = '-', name, status, durationMs, sent, received } = call
  return [
    text`${localTime(at, now)}`,
    text`${oneLine(client, 30)}`,
    text`${oneLine(connection, 40)}`,
    text`${oneLine(name === undefined ? method : `${method} ${name}`, 60)}`,
    text`${status ?? '-'}`,
    text`${duration(durationMs)}`,
    text`${size(sent)} out, ${size(received)} in`,
    outcomeText(call, paint),
  ]
}

function outcomeText({ outcome, code }: ActivityCall, paint: Paint): Text {
  const why = code === undefined ? text`` : text`: ${errors[code].cause}`
  switch (outcome) {
    case 'answered':
      return paint('green', text`answered`)
    case 'error':
      return paint('yellow', text`the server answered with an error`)
    case 'failed':
      return paint('red', text`failed${why}`)
    case 'refused':
      return paint('red', text`refused${why}`)
    case 'cancelled':
      return text`cancelled by the client app`
    default:
      return outcome satisfies never
  }
}

function gapText({ at, reason, calls = 0, bytes = 0, day }: ActivityGap, now: number): Text {
  const time = localTime(at, now)
  switch (reason) {
    case 'size':
      return text`${time}  the oldest ${size(bytes)}, up to ${day ?? 'then'}, were deleted to make room`
    case 'disk':
      return text`${time}  ${calls} calls could not be recorded, since the disk did not take them`
    case 'reader':
      return text`${time}  ${calls} calls are not shown, since they came faster than they were read`
    default:
      return reason satisfies never
  }
}

function duration(ms: number): string {
  if (ms < 1000) return `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(1)} s` : `${(ms / 60_000).toFixed(1)} min`
}

function size(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`
  return bytes < 1_000_000 ? `${(bytes / 1000).toFixed(1)} kB` : `${(bytes / 1_000_000).toFixed(1)} MB`
}
