import type { Failure } from '../../shared/errors.ts'
import type { RpcMessage } from './rpc-message.ts'

/** The client's side of a channel: a pipe, or whatever else stands in for one client. */
export interface ChannelClient {
  /** The client app, by its name. */
  readonly name: string
  /** Says one message to the client: JSON in one line, without its line feed. */
  readonly say: (message: Buffer) => void
  /** Says an answer that changes what `session` gives, so that the two are never known apart from each other. */
  sayWithSession(message: Buffer): void
}

/** A request under way, as another bridge needs to know it. */
export interface PendingRequest {
  /** The whole request, where it may be made again. */
  readonly message?: RpcMessage
  /** Else its id, as it is written. */
  readonly id?: string | undefined
}

/** A value that survives JSON. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [name: string]: Json }

/**
 * What stands behind one client: a server, and later a translation or all servers at once. It takes the client's messages one by one, answers
 * every request with exactly one message, and keeps ids as they are written.
 */
export interface Channel {
  take(message: RpcMessage): void
  /** How many requests wait for an answer; those that only listen are not counted. */
  readonly awaited: number
  /** Called when `awaited` has come down to nothing. */
  onIdle: (() => void) | undefined
  pending(): PendingRequest[]
  /** What another bridge needs to go on without the client's knowledge. */
  session(): Json
  /** Goes on with what `session` gave in another bridge; false when it cannot. */
  restore(session: Json): boolean
  /** Answers what could not be done again by another bridge with a failure. */
  giveUp(failure: Failure): void
  /** The client does not read just now: what comes for it is left where it is. */
  pause(): void
  resume(): void
  /** Gives up what is under way without a word. With `isForGood` the session ends at the server as well. */
  close(isForGood: boolean): void
}
