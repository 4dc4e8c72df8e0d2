import type { Channel, ChannelClient } from '../../../bridge/channel/channel.ts'
import { readMessage, type RpcMessage } from '../../../bridge/channel/rpc-message.ts'

/** Stands behind the host: answers every request by itself, which shows that it was asked; but for one that says `stay`. */
export function answering(client: ChannelClient): Channel {
  let staying: RpcMessage | undefined
  return {
    take(message) {
      if (message.method === 'notifications/cancelled' && staying) client.dropped(staying)
      if (message.kind !== 'request' || message.id === undefined) return
      if (message.bytes.includes('"stay"')) {
        staying = message
        return
      }
      const version =
        readMessage(message.bytes)?.method === 'initialize' ? '"protocolVersion":"2025-11-25",' : ''
      const text = `{"jsonrpc":"2.0","id":${message.id},"result":{${version}"hosted":true}}`
      client.answer(message, Buffer.from(text), { isError: false })
    },
    awaited: 0,
    onIdle: undefined,
    pending: () => [],
    session: () => null,
    restore: () => true,
    giveUp: () => undefined,
    pause: () => undefined,
    resume: () => undefined,
    close: () => undefined,
  }
}
