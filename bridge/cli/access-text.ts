import type { AppAccess, Approval, ApprovalDetails, ApprovalOutcome, Verdict } from '../../shared/access.ts'
import { alignColumns, text, type Paint, type Text } from './text.ts'
import { relativeTime } from './time.ts'

/** What one client app may use. */
export function accessLines({ client, connections, rules }: AppAccess, paint: Paint): Text[] {
  const named = connections === 'all' ? 'all connections' : connections.join(', ') || 'no connection'
  const allowed = rules.some(({ tool, verdict }) => tool === '*' && verdict !== 'allow')
    ? []
    : [[text`  every other tool`, verdictWord('allow', paint)]]
  return [
    paint('bold', text`${client}`),
    text`  may use ${named}`,
    ...alignColumns([
      ...rules.map(({ connection, tool, verdict }) => [
        text`  ${connection}  ${tool}`,
        verdictWord(verdict, paint),
      ]),
      ...(rules.length > 0 ? allowed : [[text`  every tool`, verdictWord('allow', paint)]]),
    ]),
  ]
}

function verdictWord(verdict: Verdict, paint: Paint): Text {
  const colour = { allow: 'green', ask: 'yellow', deny: 'red' } as const
  return paint(colour[verdict], text`${verdict}`)
}

/** A call that waits, without what it is called with. */
export function approvalPhrase({ id, client, connection, tool }: Approval): Text {
  return text`call ${id}: ${tool} of ${connection}, by ${client}`
}

/** Calls that wait, with what they are called with. */
export function approvalLines(approvals: readonly ApprovalDetails[], paint: Paint, now: number): Text[] {
  if (approvals.length === 0) return [text`No call waits for an answer.`]
  return approvals.flatMap((approval) => [
    paint('bold', approvalPhrase(approval)),
    text`  ${approval.preview}`,
    paint(
      'dim',
      text`  asked ${relativeTime(approval.since, now)}, refused ${relativeTime(approval.expires, now)}`,
    ),
  ])
}

/** How a call that waited went on. */
export const outcomeWords: Record<ApprovalOutcome, string> = {
  allowed: 'was allowed',
  denied: 'was refused',
  expired: 'was refused: nobody answered in time',
  left: 'is gone: the app does not wait any more',
}
