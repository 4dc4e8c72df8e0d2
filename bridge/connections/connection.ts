import type { Connection as ConnectionView, ConnectionId, Receipt, Trace } from '../../shared/connection.ts'
import type { AddConnection } from '../../shared/control.ts'
import { BridgeError, toFailure, type Failure } from '../../shared/errors.ts'
import { asksStepUp, type BearerChallenge } from '../oauth/challenge.ts'
import type { Grant } from '../oauth/grant.ts'
import { nothingToRevoke, revokeGrant } from '../oauth/revocation.ts'
import type { SignInRequest } from '../oauth/sign-in.ts'
import { createTrace, type TraceRecorder } from '../oauth/trace.ts'
import { wishOf } from './addition.ts'
import { createGrantKeeper, type GrantKeeper } from './grant-keeper.ts'
import { failureOf, next, type ConnectionInput, type ConnectionState } from './machine.ts'
import { afterSignIn, initialState, standingCredentials, withoutAccess } from './record-changes.ts'
import { connectionRecords, traceRecords, type ConnectionRecord, type OAuthRecord } from './records.ts'
import { startSignIn, type SignInAttempt } from './sign-in-attempt.ts'
import { createHeldCalls, readStepUp } from './step-up.ts'
import type { ConnectionSurroundings } from './surroundings.ts'
import type { CallOrigin, Credentials, Upstream } from './upstream.ts'
import { viewOf } from './view.ts'

/** A sign-in under way, as its face follows it. */
export type SignIn = Pick<SignInAttempt, 'page' | 'done' | 'deliver'>

interface PendingSignIn {
  readonly attempt: number
  readonly run: SignInAttempt
  readonly trace: TraceRecorder
  readonly face: SignIn
}

/** One remote server signed in with one account: the owner of its state, its grant and its sign-ins. */
export class Connection implements Upstream {
  readonly id: ConnectionId
  readonly url: URL
  readonly #around: ConnectionSurroundings
  readonly #keeper: GrantKeeper
  readonly #held
  #record: ConnectionRecord
  #state: ConnectionState
  #standing: Credentials | undefined
  #ended = new AbortController()
  #attempts = 0
  #signIn: PendingSignIn | undefined
  #stepUpChallenge: BearerChallenge | undefined
  #signInAnnounced = false
  #revoking: Promise<Receipt> | undefined

  constructor(record: ConnectionRecord, around: ConnectionSurroundings) {
    this.id = record.id
    this.url = new URL(record.url)
    this.#record = record
    this.#around = around
    this.#held = createHeldCalls(around.clock)
    this.#keeper = createGrantKeeper(
      record.id,
      { ...around, fetch: () => around.fetchFor(this.url) },
      {
        renewed: ({ expiresAt, refreshToken }) =>
          this.#apply({ type: 'renewed', expiresAt, renews: refreshToken !== undefined }),
        troubled: (failure, nextTryAt) => this.#apply({ type: 'renewalFailed', failure, nextTryAt }),
        lost: (failure) => {
          this.#apply({ type: 'accessLost', failure })
          this.#held.refuse(new BridgeError(failure.code, failure.detail))
          this.#announceSignIn()
        },
      },
    )
    this.#standing = standingCredentials(record)
    this.#state = initialState(this.#standing !== undefined, this.#keeper.grant, this.#keeper.unreadable)
  }

  get ended(): AbortSignal {
    return this.#ended.signal
  }

  get view(): ConnectionView {
    return viewOf(this.#record, this.#state, this.#keeper.grant, this.#around.clock.now())
  }

  /** Whether it proves itself with a key of the user's own and never signs in. */
  get usesKey(): boolean {
    return this.#record.auth.kind !== 'oauth'
  }

  /** What its sign-in was told beforehand. */
  get wish(): Partial<AddConnection> {
    return wishOf(this.#record)
  }

  /** The last sign-in step by step: the one under way, else the stored one. */
  get trace(): Trace | undefined {
    return this.#signIn?.trace.toTrace() ?? this.#around.vault.read(traceRecords, this.id)
  }

  credentials(): Credentials | Promise<Credentials> {
    return this.#keeper.current() ?? this.#standing ?? this.#obtain()
  }

  accepted(used: Credentials): void {
    if (used !== this.#standing) this.#keeper.accepted(used)
    else if (failureOf(this.#state)) this.#apply({ type: 'keyAccepted' })
  }

  async refused(used: Credentials): Promise<Credentials> {
    if (this.#state.access.is === 'live') return await this.#keeper.replace(used)
    const { auth } = this.#record
    if (this.#standing && auth.kind !== 'oauth') {
      this.#apply({ type: 'keyRefused', failure: { code: 'connection.key_refused' } })
      throw new BridgeError('connection.key_refused')
    }
    if (this.#standing && auth.kind === 'oauth') {
      // It served without a sign-in so far.
      this.#standing = undefined
      this.#apply({ type: 'accessLost', failure: { code: 'connection.signed_out' } })
      await this.#save({ ...this.#record, auth: { ...auth, open: false } })
    }
    return await this.#obtain()
  }

  asksStepUp(status: number, challenge: string | undefined): boolean {
    return this.#state.access.is === 'live' && asksStepUp(status, challenge)
  }

  async stepUp(
    used: Credentials,
    challenge: string,
    by: CallOrigin,
    signal: AbortSignal,
  ): Promise<Credentials> {
    const current = this.#keeper.current()
    if (current && current.generation > used.generation) return current
    const { scopes, together } = readStepUp(challenge, this.#state.stepUp)
    if (this.#held.isHopeless(scopes, by))
      throw new BridgeError('step_up.limit', `scopes ${scopes.join(' ')}`)
    const stepUp = { scopes: together.scope, by, since: this.#around.clock.now() }
    this.#stepUpChallenge = together
    this.#apply({ type: 'stepUpAsked', stepUp })
    this.#around.emit({ event: 'step-up-asked', id: this.id, stepUp })
    const waitMs = this.#around.settings()['stepUp.waitSeconds'] * 1000
    return await this.#held.hold(scopes, by, waitMs, AbortSignal.any([signal, this.ended]))
  }

  /**
   * Starts a sign-in, or joins the one under way. With `scopes` exactly these are asked for, and a pending sign-in is replaced; a pending
   * step-up asks for its scopes beside the earlier ones. Throws `connection.not_oauth`; `connection.ended` while access is being ended, since
   * the end would take the new grant with it; after `close` its reason.
   */
  signIn(scopes?: readonly string[]): SignIn {
    this.ended.throwIfAborted()
    if (this.#revoking) throw new BridgeError('connection.ended')
    const { auth } = this.#record
    if (auth.kind !== 'oauth') throw new BridgeError('connection.not_oauth')
    if (this.#signIn && scopes === undefined) return this.#signIn.face
    this.#abandonSignIn(new BridgeError('oauth.cancelled'))
    const attempt = ++this.#attempts
    const { clock, callbacks, registrations, settings, fetchFor } = this.#around
    const trace = createTrace(this.id, clock)
    const run = startSignIn(this.#signInRequest(auth, scopes), {
      fetch: fetchFor(this.url, (exchange) => trace.exchange(exchange)),
      clock,
      trace,
      registrations,
      callbacks,
      waitMs: settings()['signIn.waitSeconds'] * 1000,
      store: (grant) => this.#store(attempt, grant, scopes),
    })
    const done = this.#finish(attempt, run, trace)
    done.catch(() => undefined)
    // Nobody hears of a failure before its state and its trace are there to be looked at.
    const page = run.page.catch(() => done.then(() => undefined))
    page.catch(() => undefined)
    const face: SignIn = { page, done, deliver: (address) => run.deliver(address) }
    this.#signIn = { attempt, run, trace, face }
    this.#apply({ type: 'signInStarted', attempt })
    return face
  }

  /** Takes the callback's address as text. Rejects with `oauth.state_unknown` when no sign-in waits. */
  async finishSignIn(address: string): Promise<void> {
    if (!this.#signIn) throw new BridgeError('oauth.state_unknown')
    await this.#signIn.run.deliver(address)
  }

  /** Ends the sign-in under way, if there is one. */
  cancelSignIn(reason = new BridgeError('oauth.cancelled')): void {
    const attempt = this.#signIn?.attempt
    this.#abandonSignIn(reason)
    if (attempt !== undefined) this.#failSignIn(attempt, reason.toFailure())
  }

  /**
   * Ends access: calls and streams at once, then the refresh token and the access token at the server, then what is held here.
   * However often it is asked for meanwhile, it is done once. Rejects only when the local grant could not be removed.
   */
  revoke(): Promise<Receipt> {
    this.#revoking ??= this.#revokeOnce().finally(() => (this.#revoking = undefined))
    return this.#revoking
  }

  async #revokeOnce(): Promise<Receipt> {
    const { clock, fetchFor, vault } = this.#around
    const heldKey = this.usesKey && this.#standing !== undefined
    this.cancelSignIn()
    this.#cut()
    const grant = await this.#keeper.retire()
    const outcome = grant ? await revokeGrant(grant, fetchFor(this.url)) : nothingToRevoke(heldKey)
    await this.#keeper.destroy()
    await this.#save(withoutAccess(this.#record))
    await vault.write({ kind: traceRecords, id: this.id, value: undefined }).catch(() => undefined)
    this.#apply({ type: 'ended' })
    return { connection: this.id, at: clock.now(), ...outcome, local: 'removed' }
  }

  /**
   * Stops everything without ending the access at the server: for the bridge's own end. Resolves when a renewal that was under way is on
   * disk or has failed.
   */
  async close(reason = new BridgeError('bridge.busy')): Promise<void> {
    this.cancelSignIn()
    const kept = this.#keeper.close()
    this.#ended.abort(reason)
    await kept
  }

  async #finish(attempt: number, run: SignInAttempt, trace: TraceRecorder): Promise<'granted' | 'open'> {
    try {
      const outcome = await run.done
      if (outcome === 'open') await this.#foundOpen()
      trace.finish('connected')
      return outcome
    } catch (thrown) {
      const failure = toFailure(thrown)
      if (failure.code === 'bridge.internal')
        this.#around.log.error('sign-in failed', { id: this.id, error: thrown })
      trace.finish('failed', failure)
      this.#failSignIn(attempt, failure)
      throw thrown
    } finally {
      if (this.#signIn?.attempt === attempt) this.#signIn = undefined
      const value = trace.toTrace()
      await this.#around.vault.write({ kind: traceRecords, id: this.id, value }).catch(() => undefined)
    }
  }

  #abandonSignIn(reason: BridgeError): void {
    this.#signIn?.run.cancel(reason)
    this.#signIn = undefined
  }

  #failSignIn(attempt: number, failure: Failure): void {
    // Of an attempt that another one replaced, nobody waits for the end.
    if (this.#state.signIn?.attempt !== attempt) return
    this.#apply({ type: 'signInFailed', attempt, failure })
    this.#held.refuse(new BridgeError(failure.code, failure.detail))
  }

  async #store(attempt: number, grant: Grant, scopes: readonly string[] | undefined): Promise<void> {
    const wanted = (): boolean => this.#signIn?.attempt === attempt
    let credentials: Credentials
    const earlierIssuer = this.#keeper.grant?.server.issuer
    try {
      if (!wanted()) throw new BridgeError('oauth.cancelled')
      // First, so that a full disk between the two leaves no grant in use that this sign-in reports as failed.
      await this.#save(afterSignIn(this.#record, grant, scopes))
      credentials = await this.#keeper.adopt(grant, wanted)
    } catch (thrown) {
      // Nobody wants these tokens any more: they must not stay alive at the server. Beside a living grant they are left alone, since
      // some servers end everything that a person allowed when any part of it is revoked.
      if (this.#state.access.is !== 'live') await revokeGrant(grant, this.#around.fetchFor(this.url))
      throw thrown
    }
    this.#standing = undefined
    this.#signInAnnounced = false
    this.#stepUpChallenge = undefined
    const { expiresAt, refreshToken } = grant
    this.#apply({ type: 'tokensReceived', attempt, expiresAt, renews: refreshToken !== undefined })
    this.#held.release(credentials)
    if (earlierIssuer !== undefined && earlierIssuer !== grant.server.issuer) {
      const detail = `${this.id}: from ${earlierIssuer} to ${grant.server.issuer}`
      const changed = new BridgeError('discovery.issuer_changed', detail)
      this.#around.emit({ event: 'notice', failure: changed.toFailure() })
    }
  }

  #signInRequest(auth: OAuthRecord, scopes: readonly string[] | undefined): SignInRequest {
    const grant = this.#keeper.grant
    const steppingUp = scopes === undefined && this.#state.stepUp !== undefined
    return {
      server: this.url,
      redirectUri: this.#around.redirectUri(),
      ownClient: auth.ownClient,
      metadataUrl: auth.metadataUrl ?? this.#around.settings()['registration.metadataUrl'],
      allowMissingPkce: auth.allowMissingPkce,
      chosenScopes: scopes ?? (steppingUp ? undefined : auth.chosenScopes),
      earlierScopes: steppingUp ? grant?.askedScopes : undefined,
      challenge: steppingUp ? this.#stepUpChallenge : undefined,
      earlierIssuer: grant?.server.issuer,
    }
  }

  async #foundOpen(): Promise<void> {
    const { auth } = this.#record
    if (auth.kind !== 'oauth') return
    await this.#save({ ...this.#record, auth: { ...auth, open: true } })
    this.#standing = standingCredentials(this.#record)
    this.#apply({ type: 'foundOpen' })
  }

  async #obtain(): Promise<Credentials> {
    const { access, signIn } = this.#state
    if (access.is === 'live') return await this.#keeper.obtain()
    this.#announceSignIn()
    if (signIn) throw new BridgeError('connection.signing_in')
    if (access.is === 'lost') throw new BridgeError(access.failure.code, access.failure.detail)
    throw new BridgeError('connection.signed_out', access.failure?.code)
  }

  /** Says once that a person is needed; a client that keeps calling does not repeat it. */
  #announceSignIn(): void {
    if (this.#signInAnnounced) return
    this.#signInAnnounced = true
    const failure = this.view.failure ?? { code: 'connection.signed_out' as const }
    this.#around.emit({ event: 'sign-in-needed', id: this.id, failure })
  }

  #cut(): void {
    const reason = new BridgeError('connection.ended')
    const ended = this.#ended
    this.#ended = new AbortController()
    this.#standing = undefined
    this.#held.refuse(reason)
    ended.abort(reason)
    this.#apply({ type: 'ended' })
  }

  async #save(record: ConnectionRecord): Promise<void> {
    await this.#around.vault.write({ kind: connectionRecords, id: this.id, value: record })
    this.#record = record
  }

  #apply(input: ConnectionInput): void {
    const before = this.#state
    this.#state = next(before, input)
    if (this.#state !== before) this.#around.emit({ event: 'connection-changed', connection: this.view })
  }
}
