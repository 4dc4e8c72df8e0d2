import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { AccessChange, AppAccess } from '../../../shared/access.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Card } from '../../parts/card.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Toggle } from '../../parts/toggle.tsx'
import { useBridge, useConnections } from '../../state/bridge-context.ts'
import { ToolRules } from './tool-rules.tsx'

/** What a client app may use: which servers, and which of their tools. A change is in force at once. */
export function ClientAccess({ client }: { readonly client: string }) {
  const { bridge } = useBridge()
  const queries = useQueryClient()
  const { data: connections = [] } = useConnections()
  const queryKey = ['access', client]
  const { data: access, error } = useQuery({
    queryKey,
    queryFn: () => bridge.access.get({ client }),
    staleTime: 0,
  })
  const changing = useMutation({
    mutationFn: (change: AccessChange) => bridge.access.set(change),
    onSuccess: (now) => queries.setQueryData<AppAccess>(queryKey, now),
  })
  const failure = error ?? changing.error
  const choose = (to: AppAccess['connections']): void =>
    changing.mutate({ sets: 'connections', client, connections: to })
  const isAll = access?.connections === 'all'
  const may = (id: ConnectionId): boolean =>
    access !== undefined && (access.connections === 'all' || access.connections.includes(id))
  const all = connections.map(({ id }) => id)
  return (
    <Card title="What it may use">
      {failure && <FailureNote failure={failureOf(failure)} />}
      {!access && !error && <p className="px-3.5 py-3 text-soft">Reading what it may use…</p>}
      {access && (
        <>
          <Toggle
            label="Every server"
            hint="Also those that are added later."
            checked={isAll}
            disabled={changing.isPending}
            onChange={(on) => choose(on ? 'all' : all)}
          />
          <ul>
            {all.map((id) => (
              <li key={id} className="border-t border-line">
                <Toggle
                  label={id}
                  checked={may(id)}
                  disabled={isAll || changing.isPending}
                  onChange={(on) => choose(all.filter((one) => (one === id ? on : may(one))))}
                />
                {may(id) && (
                  <ToolRules
                    connection={id}
                    rules={access.rules.filter(({ connection }) => connection === id)}
                    disabled={changing.isPending}
                    onChange={(tool, verdict) =>
                      changing.mutate({ sets: 'rule', client, connection: id, tool, verdict })
                    }
                  />
                )}
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  )
}
