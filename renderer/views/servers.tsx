import { Link } from 'wouter'
import type { Connection } from '../../shared/connection.ts'
import { Monogram } from '../parts/monogram.tsx'
import { StateWord } from '../parts/state-word.tsx'
import { useConnections } from '../state/bridge-context.ts'

/** All servers, and beside them the one that is chosen. */
export function ServersView({ id }: { readonly id: string | undefined }) {
  const { data: connections } = useConnections()
  const chosen = connections?.find((one) => one.id === id)
  return (
    <div className="grid min-h-0 min-[900px]:grid-cols-[348px_minmax(0,1fr)]">
      <section
        aria-label="Servers"
        className={`flex min-h-0 flex-col border-line bg-panel min-[900px]:border-r ${chosen ? 'max-[899px]:hidden' : ''}`}
      >
        <ul className="min-h-0 flex-1 overflow-y-auto">
          {connections?.map((connection) => (
            <li key={connection.id}>
              <Row connection={connection} isChosen={connection.id === id} />
            </li>
          ))}
        </ul>
      </section>
      {chosen && <main className="min-h-0 overflow-y-auto px-8 py-6">{chosen.id}</main>}
    </div>
  )
}

function Row({ connection, isChosen }: { readonly connection: Connection; readonly isChosen: boolean }) {
  const look = isChosen ? 'border-well bg-well-ground' : 'border-transparent hover:bg-hover'
  return (
    <Link
      href={`/servers/${connection.id}`}
      aria-current={isChosen ? 'true' : undefined}
      className={`grid grid-cols-[34px_minmax(0,1fr)_auto] items-center gap-2.5 border-l-[3px] px-3.5 py-2.5 ${look}`}
    >
      <Monogram name={connection.id} />
      <span className="min-w-0">
        <b className="block truncate font-semibold">{connection.id}</b>
        <small className="block truncate text-small text-soft">
          {connection.account ?? new URL(connection.url).host}
        </small>
      </span>
      <StateWord connection={connection} />
    </Link>
  )
}
