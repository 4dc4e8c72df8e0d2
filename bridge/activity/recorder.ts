import type { ErrorCode } from '../../shared/errors.ts'

/** Where calls are noted. Nothing here throws, waits or fails a call, whatever becomes of the disk. */
export interface Activity {
  /** Notes the beginning. A call is in the record when it ends, and only then. */
  begin(facts: CallFacts): CallInProgress
}

/**
 * What is known of a call when it begins. Strings may be anything: they are bounded and escaped when they are written. Best given as a
 * literal: spreading another object into it costs more than recording the call.
 */
export interface CallFacts {
  /** The client app, by the name of its key. */
  client: string
  /** The id of the connection, or what the client took for one. */
  connection: string
  /** Undefined where the message has none or was not read. */
  method: string | undefined
  /** The tool, the prompt, or the URI of a resource, whole: what may be secret in a URI is cut off here. */
  name?: string
  face: 'http' | 'stdio'
  /** Of the message or the body, as the client sent it. */
  requestBytes: number
}

/** A call under way. */
export interface CallInProgress {
  /** Whether arguments and results are kept for this connection. Where not, `payload` need not be called and does nothing. */
  readonly wantsPayload: boolean
  /** Gives one whole message, or the whole of an event stream; it is redacted and shortened at once and not held on to. */
  payload(direction: 'request' | 'answer', bytes: Buffer): void
  /** Ends the call; what comes after the first end is ignored. */
  end(end: CallOutcome): void
}

/** How a call ended. */
export interface CallOutcome {
  /**
   * `answered` with a result, `error` with the server's own error, `failed` with one of ours because it could not be done,
   * `refused` by a person or a policy, `cancelled` by the client.
   */
  outcome: 'answered' | 'error' | 'failed' | 'refused' | 'cancelled'
  /** The failure, where the answer was ours. */
  code?: ErrorCode
  /** The HTTP status of the server. */
  status?: number
  /** Of all that went back to the client for this call. */
  bytes: number
}
