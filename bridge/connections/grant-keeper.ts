import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, toFailure, type Failure } from '../../shared/errors.ts'
import { succeeding, type Grant } from '../oauth/grant.ts'
import type { GuardedFetch } from '../oauth/guarded-fetch.ts'
import type { Registrations } from '../oauth/sign-in.ts'
import { isForgotten } from '../oauth/sign-in.ts'
import { isRefusal, renewGrant, type OAuthRefusal } from '../oauth/tokens.ts'
import type { Clock } from '../ports.ts'
import type { Vault } from '../vault/record.ts'
import { grantRecords } from './records.ts'
import { backoff, renewAt, unusableAt } from './renewal.ts'
import type { Credentials } from './upstream.ts'

/** A server that refuses a token it never accepted contradicts itself; it is asked for another one only after this pause. */
const contradictionMs = 30_000

/** What the keeper tells its owner. */
export interface GrantNews {
  renewed(grant: Grant): void
  /** A renewal failed for now; the next one is made at `nextTryAt`. */
  troubled(failure: Failure, nextTryAt: number): void
  /** The server ended the grant: only a new sign-in helps. */
  lost(failure: Failure): void
}

/** The one owner of a connection's grant. All rejections are `BridgeError`s. */
export interface GrantKeeper {
  readonly grant: Grant | undefined
  /** Why the stored grant could not be read at the start; it stays on disk until the next sign-in or revocation. */
  readonly unreadable: Failure | undefined
  /** Credentials that may be used right now, without waiting. */
  current(): Credentials | undefined
  /** Usable credentials, renewed first where needed: one renewal for however many callers. */
  obtain(): Promise<Credentials>
  /** The server took these credentials: a later refusal means that they have ended, and not that they never were good. */
  accepted(used: Credentials): void
  /** Newer credentials than those the server refused. Rejects with `server.refused_token` where a fresh token was refused just now. */
  replace(refused: Credentials): Promise<Credentials>
  /** Makes a new sign-in's grant durable, then uses it. Rejects with `oauth.cancelled` when it is not `wanted` by then. */
  adopt(grant: Grant, wanted: () => boolean): Promise<Credentials>
  /** Stops using the grant at once; resolves with it when no renewal is under way any more. It stays on disk. */
  retire(): Promise<Grant | undefined>
  /** Removes a retired grant from disk. */
  destroy(): Promise<void>
  /** Begins no renewal any more; resolves when one that was under way is on disk or has failed. */
  close(): Promise<void>
}

/**
 * Keeps a grant alive: renewed ahead of its end and when refused, by one request at a time, the answer on disk before anybody uses it.
 * A renewal that fails for now leaves the old token in use while it lives.
 */
export function createGrantKeeper(
  id: ConnectionId,
  surroundings: {
    readonly vault: Vault
    readonly clock: Clock
    readonly registrations: Registrations
    readonly fetch: () => GuardedFetch
    readonly random?: () => number
  },
  news: GrantNews,
): GrantKeeper {
  const { vault, clock, registrations } = surroundings
  const random = surroundings.random ?? Math.random
  let unreadable: Failure | undefined
  let grant = ((): Grant | undefined => {
    try {
      return vault.read(grantRecords, id)
    } catch (thrown) {
      // One grant that this version cannot read must not keep all the others from starting.
      unreadable = toFailure(thrown)
      return undefined
    }
  })()
  let generation = 0
  let acceptedGeneration = 0
  let credentials: Credentials | undefined
  let usableUntil = Infinity
  let renewing: Promise<Credentials> | undefined
  /** Received from the server but not on disk: it must be written before anything else, or it is lost with the process. */
  let unwritten: Grant | undefined
  let trouble: { failure: Failure; nextTryAt: number; tries: number } | undefined
  let renewedAt = -Infinity
  let stopTimer = (): void => undefined
  let retired = false
  // Renewal, sign-in and revocation change the grant one after the other, each on what the one before left.
  let turn: Promise<unknown> = Promise.resolve()

  const inTurn = <T>(run: () => Promise<T>): Promise<T> => {
    const mine = turn.then(run, run)
    turn = mine.catch(() => undefined)
    return mine
  }

  const use = (fresh: Grant): Credentials => {
    grant = fresh
    trouble = undefined
    credentials = { headers: { authorization: `Bearer ${fresh.accessToken}` }, generation: ++generation }
    const { obtainedAt, expiresAt } = fresh
    // A token that cannot be renewed ends when the server says so: our clock may be wrong, and would end it for good.
    const endsHere = expiresAt !== undefined && fresh.refreshToken !== undefined
    usableUntil = endsHere ? unusableAt({ obtainedAt, expiresAt }) : Infinity
    schedule()
    return credentials
  }

  const schedule = (): void => {
    stopTimer()
    if (retired || grant?.refreshToken === undefined || grant.lost) return
    const { obtainedAt, expiresAt } = grant
    const due =
      trouble?.nextTryAt ??
      (expiresAt === undefined ? undefined : renewAt({ obtainedAt, expiresAt }, random()))
    if (due === undefined) return
    // What is due since long (the machine slept, the bridge was off) is spread over some seconds.
    const wait = Math.max(due - clock.now(), trouble ? 0 : random() * 3_000)
    const longest = 24 * 3_600_000
    stopTimer = clock.after(Math.min(wait, longest), () => {
      if (wait > longest) return schedule()
      // Not held to the pause: timers fire early by parts of a millisecond, clocks are set back, and no other timer follows this one.
      startRenewal(generation).catch(() => undefined)
    })
  }

  const lose = async (failure: Failure): Promise<never> => {
    stopTimer()
    credentials = undefined
    if (grant) {
      // The token is kept, never to be used, but for the revocation: that the server refused it does not mean that it is dead.
      grant = { ...grant, lost: failure }
      // Without this it would be tried again at the next start.
      await vault.write({ kind: grantRecords, id, value: grant }).catch(() => undefined)
    }
    if (!retired) news.lost(failure)
    throw new BridgeError(failure.code, failure.detail)
  }

  const postpone = (failure: Failure): void => {
    const tries = (trouble?.tries ?? 0) + 1
    trouble = { failure, tries, nextTryAt: clock.now() + backoff(tries, random()) }
    news.troubled(failure, trouble.nextTryAt)
    schedule()
  }

  const renewOnce = async (seen: number): Promise<Credentials> => {
    if (retired || !grant) throw new BridgeError('connection.ended')
    if (grant.lost) throw new BridgeError(grant.lost.code, grant.lost.detail)
    // While this one waited for its turn, a sign-in may have brought a newer token.
    if (credentials && credentials.generation > seen) return credentials
    if (grant.refreshToken === undefined) return await lose({ code: 'oauth.expired' })
    try {
      const answer = unwritten ?? (await renewGrant(grant, { fetch: surroundings.fetch(), clock }))
      if (isRefusal(answer)) return await lose(await lossOf(answer))
      unwritten = answer
      await vault.write({ kind: grantRecords, id, value: answer })
      unwritten = undefined
      if (retired) {
        grant = answer
        throw new BridgeError('connection.ended')
      }
      renewedAt = clock.now()
      const fresh = use(answer)
      news.renewed(answer)
      return fresh
    } catch (thrown) {
      if (grant.lost || retired) throw thrown
      const failure = toFailure(thrown)
      postpone(failure)
      throw stillLives(thrown) ? new BridgeError('oauth.refresh_failed', failure.code) : thrown
    }
  }

  const lossOf = async (refusal: OAuthRefusal): Promise<Failure> => {
    const detail =
      refusal.description === undefined ? refusal.error : `${refusal.error}: ${refusal.description}`
    if (!isForgotten(refusal)) return { code: 'oauth.refresh_rejected', detail }
    // What the next sign-in would find out itself must not turn a certain end into something that is tried again.
    if (grant) await registrations.forget(grant.registration).catch(() => undefined)
    return { code: 'oauth.client_unknown', detail }
  }

  const startRenewal = (seen: number): Promise<Credentials> => {
    renewing ??= inTurn(() => renewOnce(seen)).finally(() => (renewing = undefined))
    return renewing
  }

  const renew = (seen = generation): Promise<Credentials> => {
    if (trouble && clock.now() < trouble.nextTryAt && !renewing) {
      return Promise.reject(new BridgeError('oauth.refresh_failed', trouble.failure.code))
    }
    return startRenewal(seen)
  }

  if (grant && !grant.lost) use(grant)

  return {
    get grant() {
      return grant
    },
    unreadable,
    current() {
      return credentials !== undefined && clock.now() < usableUntil ? credentials : undefined
    },
    async obtain() {
      try {
        return await renew()
      } catch (thrown) {
        // Renewed ahead of its end and in vain: the old token is good for as long as it lives.
        const lives = credentials && grant?.expiresAt !== undefined && clock.now() < grant.expiresAt
        if (lives && credentials) return credentials
        throw thrown
      }
    },
    accepted(used) {
      // A long call with an older token may hear of its success after that of a newer one.
      acceptedGeneration = Math.max(acceptedGeneration, used.generation)
    },
    async replace(refused) {
      if (credentials && credentials.generation > refused.generation) return credentials
      const wasGood = acceptedGeneration === refused.generation
      if (!wasGood && clock.now() - renewedAt < contradictionMs) throw new BridgeError('server.refused_token')
      return await renew(refused.generation)
    },
    adopt(fresh, wanted) {
      return inTurn(async () => {
        if (!wanted()) throw new BridgeError('oauth.cancelled')
        const held = unwritten ?? grant
        const whole = succeeding(fresh, held)
        await vault.write({ kind: grantRecords, id, value: whole })
        if (!wanted()) {
          // Cancelled or revoked while it was written: what was held before is put back, as if nothing had come.
          await vault.write({ kind: grantRecords, id, value: held })
          throw new BridgeError('oauth.cancelled')
        }
        retired = false
        unwritten = undefined
        renewedAt = -Infinity
        return use(whole)
      })
    },
    retire() {
      retired = true
      credentials = undefined
      stopTimer()
      return inTurn(() => Promise.resolve(unwritten ?? grant))
    },
    destroy() {
      return inTurn(async () => {
        await vault.write({ kind: grantRecords, id, value: undefined })
        grant = undefined
        unwritten = undefined
        credentials = undefined
        trouble = undefined
      })
    },
    async close() {
      retired = true
      stopTimer()
      await inTurn(() => Promise.resolve())
    },
  }
}

/** Whether the failure says nothing of the grant, so that the old one is worth another try. */
function stillLives(thrown: unknown): boolean {
  if (!(thrown instanceof BridgeError)) return false
  return (
    thrown.fixer === 'time' || thrown.code.startsWith('network.') || thrown.code === 'oauth.token_missing'
  )
}
