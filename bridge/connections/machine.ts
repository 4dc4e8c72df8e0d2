import type { ConnectionStatus, StepUp } from '../../shared/connection.ts'
import { errors, type Failure } from '../../shared/errors.ts'

/** What a connection can prove to its server right now. */
type Access =
  /** Nothing is held: never signed in, revoked, or the first sign-in failed. */
  | { readonly is: 'none'; readonly failure?: Failure }
  /** The server asks for nothing, or a key of the user's own is held. */
  | { readonly is: 'standing'; readonly failure?: Failure }
  /** A grant is held. `trouble` is a renewal that failed for now and is tried again at `nextTryAt`. */
  | {
      readonly is: 'live'
      readonly expiresAt: number | undefined
      readonly renews: boolean
      readonly trouble?: { readonly failure: Failure; readonly nextTryAt: number; readonly tries: number }
    }
  /** A grant was held and has ended at the server. Only a person can go on. */
  | { readonly is: 'lost'; readonly failure: Failure }

/** The sign-in under way. `attempt` tells it from abandoned ones. */
interface PendingSignIn {
  readonly attempt: number
}

export interface ConnectionState {
  readonly access: Access
  readonly signIn: PendingSignIn | undefined
  readonly stepUp: StepUp | undefined
}

export type ConnectionInput =
  | { readonly type: 'signInStarted'; readonly attempt: number }
  | {
      readonly type: 'tokensReceived'
      readonly attempt: number
      readonly expiresAt: number | undefined
      readonly renews: boolean
    }
  | { readonly type: 'signInFailed'; readonly attempt: number; readonly failure: Failure }
  | { readonly type: 'foundOpen' }
  | { readonly type: 'renewed'; readonly expiresAt: number | undefined; readonly renews: boolean }
  | { readonly type: 'renewalFailed'; readonly failure: Failure; readonly nextTryAt: number }
  | { readonly type: 'accessLost'; readonly failure: Failure }
  | { readonly type: 'keyRefused'; readonly failure: Failure }
  | { readonly type: 'keyAccepted' }
  | { readonly type: 'stepUpAsked'; readonly stepUp: StepUp }
  | { readonly type: 'ended' }

/** The state of a connection that holds nothing yet. */
export const signedOut: ConnectionState = { access: { is: 'none' }, signIn: undefined, stepUp: undefined }

/** The whole life of a connection, without clock or I/O. An input that does not apply changes nothing. */
export function next(state: ConnectionState, input: ConnectionInput): ConnectionState {
  switch (input.type) {
    case 'signInStarted':
      return { ...state, signIn: { attempt: input.attempt } }
    case 'tokensReceived':
      // A late answer to an abandoned attempt must not revive it.
      if (state.signIn?.attempt !== input.attempt) return state
      return {
        access: { is: 'live', expiresAt: input.expiresAt, renews: input.renews },
        signIn: undefined,
        stepUp: undefined,
      }
    case 'signInFailed': {
      if (state.signIn?.attempt !== input.attempt) return state
      // A failed step-up takes nothing away from the access that is there.
      const keeps = state.access.is === 'live' || state.access.is === 'standing'
      const access: Access = keeps ? state.access : { is: 'none', failure: input.failure }
      return { ...state, access, signIn: undefined }
    }
    case 'foundOpen':
      return { access: { is: 'standing' }, signIn: undefined, stepUp: undefined }
    case 'renewed':
      if (state.access.is !== 'live') return state
      return { ...state, access: { is: 'live', expiresAt: input.expiresAt, renews: input.renews } }
    case 'renewalFailed': {
      if (state.access.is !== 'live') return state
      const tries = (state.access.trouble?.tries ?? 0) + 1
      const trouble = { failure: input.failure, nextTryAt: input.nextTryAt, tries }
      return { ...state, access: { ...state.access, trouble } }
    }
    case 'accessLost':
      if (state.access.is === 'none') return state
      return { ...state, access: { is: 'lost', failure: input.failure }, stepUp: undefined }
    case 'keyRefused':
      if (state.access.is !== 'standing') return state
      return { ...state, access: { is: 'standing', failure: input.failure } }
    case 'keyAccepted':
      if (state.access.is !== 'standing') return state
      return { ...state, access: { is: 'standing' } }
    case 'stepUpAsked':
      if (state.access.is !== 'live') return state
      return { ...state, stepUp: input.stepUp }
    case 'ended':
      return signedOut
    default:
      return input satisfies never
  }
}

/** The one word a face shows. `now` decides whether a token whose renewal fails still lives. */
export function statusOf(state: ConnectionState, now: number): ConnectionStatus {
  const { access, signIn } = state
  switch (access.is) {
    case 'standing':
      return access.failure ? 'failed' : 'connected'
    case 'live': {
      const expired = access.expiresAt !== undefined && access.expiresAt <= now
      return access.trouble && expired ? 'retrying' : 'connected'
    }
    case 'lost':
      return signIn ? 'signing-in' : 'sign-in-again'
    case 'none':
      if (signIn) return 'signing-in'
      return access.failure && !userCanMend(access.failure) ? 'failed' : 'signed-out'
    default:
      return access satisfies never
  }
}

/** What stands in the way, if anything. */
export function failureOf(state: ConnectionState): Failure | undefined {
  return state.access.is === 'live' ? state.access.trouble?.failure : state.access.failure
}

function userCanMend(failure: Failure): boolean {
  const { fixer } = errors[failure.code]
  return fixer === 'user' || fixer === 'time'
}
