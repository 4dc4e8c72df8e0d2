import { useQuery } from '@tanstack/react-query'
import { useState } from 'react'
import type { Connection } from '../../../shared/connection.ts'
import { failureOf } from '../../bridge/failure.ts'
import { Card } from '../../parts/card.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { inputLook } from '../../parts/field.tsx'
import { useBridge } from '../../state/bridge-context.ts'

/** The tools of a server, with a search. */
export function Tools({ connection }: { readonly connection: Connection }) {
  const { bridge } = useBridge()
  const [search, setSearch] = useState('')
  const { id, status } = connection
  const { data, error, isPending } = useQuery({
    queryKey: ['tools', id, status === 'connected'],
    queryFn: ({ signal }) => bridge.connections.tools({ id }, { signal }),
    enabled: status === 'connected',
  })
  if (status !== 'connected') return null
  const wanted = search.trim().toLowerCase()
  const shown = data?.filter(({ name, description = '' }) =>
    `${name} ${description}`.toLowerCase().includes(wanted),
  )
  return (
    <Card title={data ? `Tools · ${data.length}` : 'Tools'}>
      {isPending && <p className="px-3.5 py-3 text-soft">Asking the server for its tools…</p>}
      {error && <FailureNote failure={failureOf(error)} />}
      {data && data.length > 6 && (
        <div className="border-b border-line p-2">
          <input
            type="search"
            aria-label="Search the tools"
            placeholder="Search the tools"
            className={inputLook}
            value={search}
            onChange={(event) => setSearch(event.target.value)}
          />
        </div>
      )}
      <ul className="max-h-96 divide-y divide-line overflow-y-auto">
        {shown?.map(({ name, description }) => (
          <li key={name} className="px-3.5 py-2">
            <b className="font-semibold">{name}</b>
            {description !== undefined && <p className="line-clamp-2 text-small text-soft">{description}</p>}
          </li>
        ))}
      </ul>
    </Card>
  )
}
