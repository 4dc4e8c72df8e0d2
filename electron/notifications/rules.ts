import type { Approval } from '../../shared/access.ts'
import type { Connection, StepUp } from '../../shared/connection.ts'
import { errors, type Failure } from '../../shared/errors.ts'
import type { BridgeEvent } from '../../shared/events.ts'
import { listed, plainLine } from '../words.ts'

/** One notification. */
export interface Notice {
  /** What it is about; a later one of the same key takes its place. */
  readonly key: string
  readonly title: string
  readonly body: string
  /** The address in the window that a click opens. */
  readonly opens: string
}

/** What was told and is not settled, or need not be told: by connection or call, the causes. */
export type Open = ReadonlyMap<string, ReadonlySet<Cause>>

/** What an event calls for: what is open after it, what is shown, and the keys of what is taken back. */
export interface Consequence {
  readonly open: Open
  readonly show: readonly Notice[]
  readonly withdraw: readonly string[]
}

type Question = 'sign-in' | 'issuer' | 'step-up' | 'approval'
/** `own-doing`: it is signed out since the person ended it, or is signing in just now, and needs no telling. */
type Cause = Question | 'own-doing'

/** Where calls that wait are answered. */
const approvalsPlace = '/approvals'

/** From how many questions of one kind on there is one notification for all. */
const many = 4

/**
 * Decides what a person is told. A connection is told of once for a cause until that is settled, be it asked a thousand times; and where many
 * connections have the same cause, as after a long sleep, one notification speaks for all of them.
 */
export function consequenceOf(open: Open, event: BridgeEvent): Consequence {
  switch (event.event) {
    case 'sign-in-needed': {
      const cause = event.failure.code === 'discovery.issuer_changed' ? 'issuer' : 'sign-in'
      return told(open, event.id, cause, signInNotice(event.id, cause, event.failure))
    }
    case 'step-up-asked':
      return told(open, event.id, 'step-up', stepUpNotice(event.id, event.stepUp))
    case 'connection-removed':
      return settled(open, event.id, ['sign-in', 'issuer', 'step-up', 'own-doing'])
    case 'connection-changed':
      return changed(open, event.connection)
    case 'approval-asked':
      return told(open, event.approval.id, 'approval', approvalNotice(event.approval))
    case 'approval-settled':
      return settled(open, event.id, ['approval'])
    case 'connection-added':
    case 'notice':
      return { open, show: [], withdraw: [] }
    default:
      return event satisfies never
  }
}

function told(open: Open, id: string, question: Question, notice: Notice): Consequence {
  const causes = open.get(id)
  const isKnown = causes?.has(question) === true || (question === 'sign-in' && causes?.has('own-doing'))
  if (isKnown) return { open, show: [], withdraw: [] }
  const next = withCause(open, id, question)
  const ids = having(next, question)
  if (ids.length < many) return { open: next, show: [notice], withdraw: [] }
  const single = ids.map((one) => keyOf(one, question))
  // It is told once, and not for each one more.
  if (ids.length > many) return { open: next, show: [], withdraw: [] }
  return { open: next, show: [manyNotice(question)], withdraw: single }
}

function changed(open: Open, { id, status, stepUp }: Connection): Consequence {
  const isOwnDoing = status === 'signed-out' || status === 'signing-in'
  const isLost = status === 'sign-in-again' || status === 'failed'
  const consequence = settled(open, id, [
    ...(isLost ? [] : (['sign-in', 'issuer'] as const)),
    ...(stepUp === undefined ? (['step-up'] as const) : []),
    ...(isOwnDoing ? [] : (['own-doing'] as const)),
  ])
  return isOwnDoing ? { ...consequence, open: withCause(consequence.open, id, 'own-doing') } : consequence
}

function withCause(open: Open, id: string, cause: Cause): Open {
  return new Map([...open, [id, new Set([...(open.get(id) ?? []), cause])]])
}

function settled(open: Open, id: string, causes: readonly Cause[]): Consequence {
  const left = open.get(id)
  const gone = causes.filter((cause) => left?.has(cause))
  if (!left || gone.length === 0) return { open, show: [], withdraw: [] }
  const next = new Map(open)
  const rest = new Set([...left].filter((cause) => !gone.includes(cause)))
  if (rest.size > 0) next.set(id, rest)
  else next.delete(id)
  const isNone = (cause: Cause): boolean => having(next, cause).length === 0
  return {
    open: next,
    show: [],
    withdraw: [...gone.map((cause) => keyOf(id, cause)), ...gone.filter(isNone).map(keyOfMany)],
  }
}

function having(open: Open, cause: Cause): readonly string[] {
  return [...open].flatMap(([id, causes]) => (causes.has(cause) ? [id] : []))
}

function keyOf(id: string, cause: Cause): string {
  return `${cause}:${id}`
}

function keyOfMany(cause: Cause): string {
  return `${cause}:*`
}

function signInNotice(id: string, cause: 'sign-in' | 'issuer', failure: Failure): Notice {
  const isOther = cause === 'issuer'
  return {
    key: keyOf(id, cause),
    title: isOther ? `${id} changed who signs you in` : `${id} needs you to sign in`,
    body: `${errors[failure.code].cause}. ${isOther ? 'Sign in again only if you trust the new one.' : 'Click to sign in.'}`,
    opens: `/servers/${id}`,
  }
}

function stepUpNotice(id: string, { scopes, by }: StepUp): Notice {
  const call = by.name ?? by.method
  return {
    key: keyOf(id, 'step-up'),
    title: `${id} asks for ${plainLine(listed(scopes), 60)}`,
    body: `${plainLine(by.client, 40)} wants to use ${call === undefined ? 'it' : plainLine(call, 60)}. The call is waiting for you.`,
    opens: `/servers/${id}`,
  }
}

function approvalNotice({ id, client, connection, tool }: Approval): Notice {
  return {
    key: keyOf(id, 'approval'),
    title: `${plainLine(client, 40)} wants to use ${plainLine(tool, 60)}`,
    body: `It is a tool of ${connection} that asks you first. The call is waiting for you.`,
    opens: approvalsPlace,
  }
}

function manyNotice(cause: Question): Notice {
  const asks: Record<Question, string> = {
    'sign-in': 'Several servers need you to sign in',
    issuer: 'Several servers changed who signs you in',
    'step-up': 'Several servers ask for more',
    approval: 'Several calls wait for you',
  }
  const opens = cause === 'approval' ? approvalsPlace : '/servers'
  return { key: keyOfMany(cause), title: asks[cause], body: 'See which ones.', opens }
}
