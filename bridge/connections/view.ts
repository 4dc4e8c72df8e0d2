import type { Connection } from '../../shared/connection.ts'
import type { Failure } from '../../shared/errors.ts'
import { accountOf } from '../oauth/account.ts'
import type { Grant } from '../oauth/grant.ts'
import { failureOf, statusOf, type ConnectionState } from './machine.ts'
import type { ConnectionRecord } from './records.ts'

/** A connection as every face sees it: made of what is harmless, never by leaving out of a whole. */
export function viewOf(
  record: ConnectionRecord,
  state: ConnectionState,
  grant: Grant | undefined,
  now: number,
): Connection {
  const { auth } = record
  const failure = failureOf(state)
  const account = accountOf(grant?.idToken)
  const asked = grant?.askedScopes ?? (auth.kind === 'oauth' ? auth.chosenScopes : undefined) ?? []
  const trouble = state.access.is === 'live' ? state.access.trouble : undefined
  return {
    id: record.id,
    url: record.url,
    auth: auth.kind === 'oauth' && auth.open ? 'none' : auth.kind,
    status: statusOf(state, now),
    ...(failure ? { failure } : {}),
    ...(account === undefined ? {} : { account }),
    ...(grant ? { issuer: grant.server.issuer, registration: grant.registration.kind } : {}),
    scopes: { asked, granted: grant?.scopes ?? [] },
    ...(grant?.expiresAt === undefined ? {} : { expiresAt: grant.expiresAt }),
    renews: grant?.refreshToken !== undefined && !grant.lost,
    ...(trouble ? { nextTryAt: trouble.nextTryAt } : {}),
    ...(state.stepUp ? { stepUp: state.stepUp } : {}),
    createdAt: record.createdAt,
  }
}

/** Why a connection cannot be used just now; undefined while it can, be it with an access that is about to be renewed. */
export function troubleIn(connection: Connection | undefined): Failure | undefined {
  if (!connection) return { code: 'connection.unknown' }
  const { status, failure } = connection
  switch (status) {
    case 'connected':
    case 'retrying':
      return undefined
    case 'signed-out':
    case 'sign-in-again':
    case 'failed':
      return failure ?? { code: 'connection.signed_out' }
    case 'signing-in':
      return { code: 'connection.signing_in' }
    default:
      return status satisfies never
  }
}
