import { BridgeError } from '../../shared/errors.ts'
import type { Upstream } from '../connections/upstream.ts'

/** The same connection for requests of the bridge's own: nobody is asked to allow more scopes for what nobody asked for. */
export function quietUpstream(upstream: Upstream): Upstream {
  return {
    url: upstream.url,
    get ended() {
      return upstream.ended
    },
    credentials: () => upstream.credentials(),
    accepted: (used) => upstream.accepted(used),
    refused: (used, challenge) => upstream.refused(used, challenge),
    stepUp: () => Promise.reject(new BridgeError('step_up.needed')),
    asksStepUp: () => false,
  }
}
