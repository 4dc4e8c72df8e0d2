import type { Activity } from '../../bridge/activity/recorder.ts'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { staying } from './sign-in-setup.ts'

/** Uses every procedure of the record of calls, with a call whose arguments and result hold a secret, and leaves that call in the files. */
export async function useActivity(
  activity: Activity,
  control: ControlHandlers['activity'],
  { id, secret }: { id: ConnectionId; secret: string },
): Promise<void> {
  const leaving = new AbortController()
  const following = control.follow({ connection: id }, leaving.signal)
  await control.setPayloads({ connection: id, on: true }, staying())
  const call = activity.begin({
    client: 'cursor',
    connection: id,
    method: 'resources/read',
    name: `https://user:${secret}@a.example/x?token=${secret}`,
    face: 'stdio',
    requestBytes: 1,
  })
  const message = (part: object): Buffer => Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...part }))
  call.payload('request', message({ method: 'tools/call', params: { arguments: { token: secret } } }))
  call.payload('answer', message({ result: { content: [{ type: 'text', text: `Bearer ${secret}` }] } }))
  call.end({ outcome: 'answered', bytes: 1 })
  for await (const _record of following) leaving.abort()
  await control.payloads({}, staying())
  await control.clear({ connection: 'another' as ConnectionId }, staying())
  const { records } = await control.list({ limit: 10 }, staying())
  if (records.length === 0) throw new Error('the call is not in the record')
}
