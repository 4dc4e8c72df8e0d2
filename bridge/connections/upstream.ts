import type { OutgoingHttpHeaders } from 'node:http'
import type { StepUp } from '../../shared/connection.ts'

/** What makes a request to the server count as ours: headers to add, and which issue of them this is. */
export interface Credentials {
  /** `authorization`, or the headers the user gave. They overwrite whatever the local client sent. */
  readonly headers: OutgoingHttpHeaders
  /** Rises with every new token, so that a 401 to an old token never spoils a newer one. */
  readonly generation: number
}

/** The one call that a refusal belongs to, as activity and step-up show it. */
export type CallOrigin = StepUp['by']

/**
 * A connection as the gateway sees it. All rejections are `BridgeError`s.
 * `credentials` answers synchronously while the token is fresh, since every call passes here.
 */
export interface Upstream {
  /** The MCP endpoint of the remote server. */
  readonly url: URL
  /** Aborted when access ends (revoked, removed, bridge closing): in-flight calls and streams end at once. */
  readonly ended: AbortSignal
  /** Present credentials, refreshed first where they are about to expire. Rejects at once while signed out. */
  credentials(): Credentials | Promise<Credentials>
  /** The server took these credentials. Called with every answer that is no refusal, so it must cost nothing. */
  accepted(used: Credentials): void
  /**
   * The server answered 401 to `used`. Resolves with newer credentials for one retry, or rejects.
   * However many calls come here at once, one refresh is made.
   */
  refused(used: Credentials, challenge: string | undefined): Promise<Credentials>
  /**
   * The server answered 403 `insufficient_scope`. Holds the call until a person allowed the scopes, then resolves with the new
   * credentials; rejects with `step_up.needed` when nobody does in time, `step_up.limit` when it does not help.
   */
  stepUp(used: Credentials, challenge: string, by: CallOrigin, signal: AbortSignal): Promise<Credentials>
  /** Whether a 403 with this challenge asks for a step-up that this connection can make. */
  asksStepUp(status: number, challenge: string | undefined): boolean
}
