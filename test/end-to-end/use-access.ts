import { expect } from 'vitest'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { staying } from './sign-in-setup.ts'

/** Uses every procedure of access and approvals, with a call that waits for a person and whose arguments hold a secret. */
export async function useAccess(
  { access, approvals, connections }: Pick<ControlHandlers, 'access' | 'approvals' | 'connections'>,
  { id, secret }: { id: ConnectionId; secret: string },
): Promise<void> {
  const rule = { sets: 'rule', client: 'bridgekeeper', connection: id, tool: 'echo' } as const
  await access.set({ ...rule, verdict: 'ask' }, staying())
  const args = { text: 'said', token: secret }
  const called = connections.call({ id, tool: 'echo', arguments: args }, staying())
  await expect.poll(async () => (await approvals.list({}, staying())).length).toBe(1)
  const [waiting] = await approvals.list({}, staying())
  await approvals.answer({ id: waiting?.id ?? '', answer: { verdict: 'allow', lasts: 'once' } }, staying())
  await called
  await access.list({}, staying())
  await access.set({ ...rule, verdict: 'default' }, staying())
  await access.get({ client: 'bridgekeeper' }, staying())
}
