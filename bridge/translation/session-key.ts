import { version } from '../version.ts'
import { findParams, type RpcMessage } from '../channel/rpc-message.ts'
import { json, parsed, record, valuesAt, withMembers } from './splice.ts'
import { capabilitiesKey, infoKey, olderVersions } from './vocabulary.ts'

const none = Buffer.alloc(0)

/** The params of `initialize` for what a request says of its client: the key of the session that it is made in. Its bytes as Latin-1. */
export function sessionKeyOf(request: RpcMessage): string {
  const meta = findParams(request, ['_meta'])?.[0]
  const [info, capabilities] = valuesAt(request.bytes, meta, [infoKey, capabilitiesKey])
  const params = withMembers(none, undefined, {
    protocolVersion: json(olderVersions[0]),
    capabilities: capabilities ?? json({}),
    clientInfo: info ?? json({ name: 'bridgekeeper', version }),
  })
  return params.toString('latin1')
}

/** What the clients of a session with this key say that they can do. */
export function capabilitiesOf(key: string): Readonly<Record<string, unknown>> {
  const params = Buffer.from(key, 'latin1')
  const [capabilities] = valuesAt(params, { start: 0, end: params.length }, ['capabilities'])
  return record(parsed(capabilities))
}
