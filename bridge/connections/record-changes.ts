import type { Failure } from '../../shared/errors.ts'
import type { Grant } from '../oauth/grant.ts'
import { signedOut, type ConnectionState } from './machine.ts'
import type { ConnectionRecord } from './records.ts'
import type { Credentials } from './upstream.ts'

/** What proves a connection without a grant: the user's own key, or nothing for a server that asks for nothing. */
export function standingCredentials({ auth }: ConnectionRecord): Credentials | undefined {
  switch (auth.kind) {
    case 'oauth':
      return auth.open ? { headers: {}, generation: 0 } : undefined
    case 'bearer':
      return auth.token === undefined
        ? undefined
        : { headers: { authorization: `Bearer ${auth.token}` }, generation: 0 }
    case 'headers':
      return auth.headers && { headers: Object.fromEntries(auth.headers), generation: 0 }
    default:
      return auth satisfies never
  }
}

/** The state a connection starts in, from what the vault held. */
export function initialState(
  hasStanding: boolean,
  grant: Grant | undefined,
  unreadable?: Failure,
): ConnectionState {
  if (hasStanding) return { ...signedOut, access: { is: 'standing' } }
  if (unreadable) return { ...signedOut, access: { is: 'none', failure: unreadable } }
  if (!grant) return signedOut
  if (grant.lost) return { ...signedOut, access: { is: 'lost', failure: grant.lost } }
  const { expiresAt, refreshToken } = grant
  return { ...signedOut, access: { is: 'live', expiresAt, renews: refreshToken !== undefined } }
}

/** The record after a sign-in: the issuer its own client belongs to, and the scopes the user chose, are remembered. */
export function afterSignIn(
  record: ConnectionRecord,
  grant: Grant,
  chosen: readonly string[] | undefined,
): ConnectionRecord {
  const { auth } = record
  if (auth.kind !== 'oauth') return record
  const ownClient = auth.ownClient && { ...auth.ownClient, issuer: grant.server.issuer }
  const chosenScopes = chosen ? [...chosen] : auth.chosenScopes
  return {
    ...record,
    auth: {
      ...auth,
      open: false,
      ...(ownClient ? { ownClient } : {}),
      ...(chosenScopes ? { chosenScopes } : {}),
    },
  }
}

/** The record after its access was ended: keys are destroyed, what is needed to sign in again stays. */
export function withoutAccess(record: ConnectionRecord): ConnectionRecord {
  const { auth } = record
  switch (auth.kind) {
    case 'oauth':
      return { ...record, auth: { ...auth, open: false } }
    case 'bearer':
      return { ...record, auth: { kind: 'bearer' } }
    case 'headers':
      return { ...record, auth: { kind: 'headers' } }
    default:
      return auth satisfies never
  }
}
