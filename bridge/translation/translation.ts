import { randomUUID } from 'node:crypto'
import type { CallEnd, ChannelClient, OpenChannel } from '../channel/channel.ts'
import type { RpcMessage } from '../channel/rpc-message.ts'

/** What a translation of one client's messages needs. */
export interface TranslationHost {
  readonly client: ChannelClient
  /** Opens the way to the server. */
  readonly open: OpenChannel
  readonly transport: 'http' | 'sse'
  /** The server cannot be spoken to like this. The request is not the translation's any more; `bytes` is what the server answered. */
  refused(request: RpcMessage, bytes: Buffer, end: CallEnd): void
}

/** Gives ids of ours, as they are written. No other translation gives the same ones, also not one in another bridge. */
export function idSource(): () => string {
  const prefix = randomUUID()
  let last = 0
  return () => `"bridgekeeper-${prefix}-${++last}"`
}
