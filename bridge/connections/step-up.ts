import type { StepUp } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Clock } from '../ports.ts'
import type { CallOrigin, Credentials } from './upstream.ts'

/** How often one operation may lead to a step-up before the server is believed not to grant it. */
const mostTries = 2

/** Calls held until a person allowed more scopes, and the count that ends a loop. */
export interface HeldCalls {
  /** Whether earlier step-ups of this very operation did not help. */
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
  const tries = new Map<string, number>()

  return {
    isHopeless: (scopes, by) => (tries.get(operationOf(by, scopes)) ?? 0) >= mostTries,
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
        tries.set(operation, (tries.get(operation) ?? 0) + 1)
      }
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
