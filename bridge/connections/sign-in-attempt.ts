import { BridgeError } from '../../shared/errors.ts'
import type { Callbacks } from '../oauth/callback.ts'
import type { Grant } from '../oauth/grant.ts'
import { prepareSignIn, type SignInContext, type SignInRequest } from '../oauth/sign-in.ts'

/** What an attempt needs beside the sign-in itself. */
export interface AttemptContext extends SignInContext {
  readonly callbacks: Callbacks
  /** How long the browser may take, in milliseconds. */
  readonly waitMs: number
  /** Makes the grant durable and puts it to use; the browser's page waits for it. Rejects when the attempt is no longer wanted. */
  store(grant: Grant): Promise<void>
}

/** One sign-in, from the click to the stored grant. */
export interface SignInAttempt {
  /** The page to open, once it is known; undefined where the server asks for no sign-in. Rejects like `done`. */
  readonly page: Promise<URL | undefined>
  /** Resolves with `granted` when the grant is stored, `open` where none is needed; rejects with the one `BridgeError` it ended in. */
  readonly done: Promise<'granted' | 'open'>
  /** Takes the callback's address as text, for a browser on another machine. Rejects with why it was not taken or failed. */
  deliver(address: string): Promise<void>
  /** Ends the attempt; `done` rejects with the reason. */
  cancel(reason: BridgeError): void
}

/** Starts a sign-in at once. */
export function startSignIn(request: SignInRequest, context: AttemptContext): SignInAttempt {
  const { callbacks, clock, registrations } = context
  let expectedState: string | undefined
  let cancel!: (reason: BridgeError) => void
  const cancelled = new Promise<never>((_, reject) => (cancel = reject))
  cancelled.catch(() => undefined)

  const preparing = Promise.race([prepareSignIn(request, context), cancelled])

  const run = async (): Promise<'granted' | 'open'> => {
    const prepared = await preparing
    if (prepared.is === 'open') return 'open'
    expectedState = prepared.state
    let forgetState!: () => void
    const stopWaiting = clock.after(context.waitMs, () => cancel(new BridgeError('oauth.timed_out')))
    const answered = new Promise<void>((resolve, reject) => {
      forgetState = callbacks.expect(prepared.state, async (parameters) => {
        // The limit is the person's; the exchange has limits of its own.
        stopWaiting()
        const redeemed = prepared.redeem(parameters).then((grant) => context.store(grant))
        redeemed.then(resolve, reject)
        await redeemed
      })
    })
    answered.catch(() => undefined)
    try {
      await Promise.race([answered, cancelled])
      return 'granted'
    } catch (thrown) {
      // A server that has forgotten a registration shows its error page and never comes back: the next sign-in registers anew.
      const neverCameBack = thrown instanceof BridgeError && thrown.code === 'oauth.timed_out'
      if (neverCameBack && prepared.registration.kind === 'dynamic')
        await registrations.forget(prepared.registration)
      throw thrown
    } finally {
      stopWaiting()
      forgetState()
    }
  }

  const done = run()
  done.catch(() => undefined)
  const page = preparing.then((prepared) => (prepared.is === 'open' ? undefined : prepared.url))
  page.catch(() => undefined)
  return {
    page,
    done,
    cancel,
    async deliver(address) {
      await preparing
      if (expectedState === undefined) throw new BridgeError('oauth.state_unknown')
      await callbacks.deliver(address, expectedState)
    },
  }
}
