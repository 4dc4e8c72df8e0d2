import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/client'
import type { CallEnd, Channel, ChannelClient, OpenChannel } from '../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../bridge/channel/rpc-message.ts'

/** What stands behind the SDK's client: a channel instead of a wire. */
export interface ChannelTransport extends Transport {
  readonly channel: Channel
  /** Every message to the client, as it came. */
  readonly said: readonly string[]
  /** How the requests ended, in order. */
  readonly ends: readonly CallEnd[]
}

/** Opens a channel as the transport of an SDK client. */
export function overChannel(open: OpenChannel): ChannelTransport {
  const said: string[] = []
  const ends: CallEnd[] = []
  const say = (bytes: Buffer): void => {
    said.push(bytes.toString())
    const message = JSON.parse(bytes.toString()) as JSONRPCMessage
    // As over a wire: not within the call that sent the request.
    setImmediate(() => transport.onmessage?.(message))
  }
  const answer = (_request: RpcMessage, bytes: Buffer, end: CallEnd): void => {
    ends.push(end)
    say(bytes)
  }
  const client: ChannelClient = {
    name: 'test',
    answer,
    answerWithSession: answer,
    pass: ({ bytes }) => say(bytes),
    dropped: () => undefined,
  }
  const channel = open(client)
  const transport: ChannelTransport = {
    channel,
    said,
    ends,
    start: () => Promise.resolve(),
    send(message) {
      channel.take(readMessage(Buffer.from(JSON.stringify(message))) as RpcMessage)
      return Promise.resolve()
    },
    close() {
      channel.close(true)
      transport.onclose?.()
      return Promise.resolve()
    },
  }
  return transport
}
