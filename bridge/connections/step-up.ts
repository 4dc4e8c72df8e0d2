import type { StepUp } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import { bearerChallenge, type BearerChallenge } from '../oauth/challenge.ts'
import { unionScopes } from '../oauth/scopes.ts'
import type { Clock } from '../ports.ts'
import type { CallOrigin, Credentials } from './upstream.ts'

/** How often one operation may lead to a step-up before the server is believed not to grant it. */
const mostTries = 2

/** How long a try counts, in milliseconds: what was in vain today may help another day, after the operator gave the permission. */
const triesLastMs = 10 * 60_000

/** How many scopes one step-up may come to: a server that asks for others each time would grow the question without end. */
const mostScopes = 200

/**
 * The scopes that a 403's challenge asks for, and that challenge together with what was asked for before and is not answered yet.
 * Throws `server.forbidden` where it names no scope, `step_up.limit` where all of it comes to too much.
 */
export function readStepUp(
  challenge: string,
  pending: StepUp | undefined,
): { scopes: readonly string[]; together: BearerChallenge & { readonly scope: string[] } } {
  const asked = bearerChallenge(challenge)
  if (!asked?.scope) throw new BridgeError('server.forbidden')
  const scope = unionScopes(pending?.scopes, asked.scope)
  if (scope.length > mostScopes) throw new BridgeError('step_up.limit', `${scope.length} scopes`)
  return { scopes: asked.scope, together: { ...asked, scope } }
}

/** Calls held until a person allowed more scopes, and the count that ends a loop. */
export interface HeldCalls {
  /** Whether the latest step-ups of this very operation did not help. */
  isHopeless(scopes: readonly string[], by: CallOrigin): boolean
  /** Holds a call. Rejects with `step_up.needed` when nobody came in time, or with the reason given to `refuse`. */
  hold(scopes: readonly string[], by: CallOrigin, waitMs: number, signal: AbortSignal): Promise<Credentials>
  /** A sign-in brought new credentials: every held call goes on. */
  release(credentials: Credentials): void
  /** The sign-in failed or access ended: every held call ends. */
  refuse(reason: BridgeError): void
}

/** @see MCP 2026-07-28, Step-Up Authorization Flow */
export function createHeldCalls(clock: Clock): HeldCalls {
  interface Held {
    readonly operation: string
    go(credentials: Credentials): void
    end(reason: BridgeError): void
  }
  const held = new Set<Held>()
  const tries = new Map<string, { count: number; at: number }>()
  const counted = (operation: string): number => {
    const latest = tries.get(operation)
    return latest && clock.now() - latest.at < triesLastMs ? latest.count : 0
  }

  return {
    isHopeless: (scopes, by) => counted(operationOf(by, scopes)) >= mostTries,
    hold(scopes, by, waitMs, signal) {
      const operation = operationOf(by, scopes)
      const needed = new BridgeError('step_up.needed', `scopes ${scopes.join(' ')}`)
      if (waitMs === 0) return Promise.reject(needed)
      return new Promise((resolve, reject) => {
        const leave = (): void => {
          held.delete(call)
          stopWaiting()
          signal.removeEventListener('abort', abandoned)
        }
        const call: Held = {
          operation,
          go: (credentials) => (leave(), resolve(credentials)),
          end: (reason) => (leave(), reject(reason)),
        }
        const abandoned = (): void => call.end(needed)
        const stopWaiting = clock.after(waitMs, () => call.end(needed))
        held.add(call)
        signal.addEventListener('abort', abandoned, { once: true })
        if (signal.aborted) abandoned()
      })
    },
    release(credentials) {
      // One try for each operation and not for each call: many calls may wait for the same step-up.
      for (const operation of new Set([...held].map((call) => call.operation))) {
        tries.set(operation, { count: counted(operation) + 1, at: clock.now() })
      }
      for (const operation of tries.keys()) if (counted(operation) === 0) tries.delete(operation)
      for (const call of held) call.go(credentials)
    },
    refuse(reason) {
      for (const call of held) call.end(reason)
    },
  }
}

function operationOf({ method, name }: StepUp['by'], scopes: readonly string[]): string {
  return JSON.stringify([method, name, [...scopes].sort()])
}
