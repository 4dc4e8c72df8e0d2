import type { CallInProgress } from '../activity/recorder.ts'
import type { Failure } from '../../shared/errors.ts'
import type { RpcMessage } from './rpc-message.ts'

/** How a call ended, for those who keep account of it. */
export interface CallEnd {
  /** The HTTP status of the server's answer, if it came to one. */
  readonly status?: number
  /** Set where the answer is an error of ours. */
  readonly failure?: Failure
  /** Whether the answer is a JSON-RPC error of the server's. */
  readonly isError?: boolean
}

/** What has become of a request before a channel took it: it was tried in another way. */
export interface EarlierTry {
  /** The call as the record of calls has it, where it is in there. */
  readonly call: CallInProgress | undefined
  /** Whether a person was asked about it and has allowed it. */
  readonly isApproved: boolean
}

/** The client's side of a channel: a pipe, or whatever else stands in for one client. Messages are JSON in one line, without a line feed. */
export interface ChannelClient {
  /** The client app, by its name. */
  readonly name: string
  /** Says the one answer to a request. `request` is the very object that `take` got, so that what is kept of it is found without parsing. */
  answer(request: RpcMessage, bytes: Buffer, end: CallEnd): void
  /** Says an answer that changes what `session` gives, so that the two are never known apart from each other. */
  answerWithSession(request: RpcMessage, bytes: Buffer, end: CallEnd): void
  /** Says a request or a notification of the server's. `about` is the client's request on whose stream it came, if it came on one. */
  pass(message: RpcMessage, about?: RpcMessage): void
  /** A request that the client cancelled gets no answer. */
  dropped(request: RpcMessage): void
  /** Asked when a request is taken; undefined for one that is new. */
  earlierTry?(request: RpcMessage): EarlierTry | undefined
}

/** Opens what stands behind a client. */
export type OpenChannel = (client: ChannelClient) => Channel

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
 * What stands behind one client: a server, a translation, all servers at once, or a layer over one of these. It takes the client's messages one
 * by one, answers every request with exactly one message, and keeps ids as they are written.
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
