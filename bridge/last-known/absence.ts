import { errors, type ErrorCode, type Failure } from '../../shared/errors.ts'

/** Failures that say that a person must do something for the whole connection before it works. */
const needsPerson: ReadonlySet<ErrorCode> = new Set([
  'connection.ended',
  'connection.key_refused',
  'connection.signed_out',
  'connection.signing_in',
  'oauth.client_unknown',
  'oauth.expired',
  'oauth.refresh_rejected',
])

/** Failures that say that the server cannot be reached just now. */
const needsTime: ReadonlySet<ErrorCode> = new Set([
  'network.timeout',
  'network.unreachable',
  'oauth.refresh_failed',
])

/** Why a server does not answer: for `person` somebody has to sign in or give a key, for `time` it comes back by itself. */
export type Absence = 'person' | 'time'

/** What kind of absence a failure is; undefined where the server is there, or where there is no hope of it. */
export function absenceIn({ code }: Failure): Absence | undefined {
  if (needsPerson.has(code)) return 'person'
  return needsTime.has(code) ? 'time' : undefined
}

/** Whether a sign-in in the browser is what mends it. */
export function isMendedBySignIn({ code }: Failure): boolean {
  return code === 'step_up.needed' || (needsPerson.has(code) && code !== 'connection.key_refused')
}

/** What is the matter, who mends it, and how: for a person who reads it in a client app, and for a model that passes it on. */
export function explain(connection: string, failure: Failure): string {
  const { cause, remedy } = errors[failure.code]
  const how = isMendedBySignIn(failure)
    ? `The user can mend this on this computer: with "bridgekeeper connect ${connection}" in a terminal, or in the Bridgekeeper app. Then call again.`
    : remedy
  return `${cause} (${connection}). ${how}`
}
