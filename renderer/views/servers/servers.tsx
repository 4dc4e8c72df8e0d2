import { useState } from 'react'
import { Link, useLocation } from 'wouter'
import type { Connection } from '../../../shared/connection.ts'
import { Button } from '../../parts/button.tsx'
import { inputLook } from '../../parts/field.tsx'
import { Monogram } from '../../parts/monogram.tsx'
import { StateWord } from '../../parts/state-word.tsx'
import { useConnections } from '../../state/bridge-context.ts'
import { AddServer } from './add-server.tsx'
import { FirstServer } from './first-server.tsx'
import { ServerView } from './server.tsx'

/** All servers, and beside them the one that is chosen, or the one that is being added. */
export function ServersView({ id }: { readonly id: string | undefined }) {
  const { data: connections } = useConnections()
  const [search, setSearch] = useState('')
  if (!connections) return <p className="p-8 text-soft">Reading the servers…</p>
  const chosen = connections.find((one) => one.id === id)
  const isAdding = id === 'add'
  if (connections.length === 0 && !isAdding) return <FirstServer />
  const hasDetail = chosen !== undefined || isAdding
  return (
    <div className="grid min-h-0 min-[900px]:grid-cols-[348px_minmax(0,1fr)]">
      <section
        aria-label="Servers"
        className={`flex min-h-0 flex-col border-line bg-panel min-[900px]:border-r ${hasDetail ? 'max-[899px]:hidden' : ''}`}
      >
        <SearchOrAdd search={search} onSearch={setSearch} />
        <ul className="min-h-0 flex-1 overflow-y-auto">
          {connections
            .filter((connection) => fits(connection, search))
            .map((connection) => (
              <li key={connection.id}>
                <Row connection={connection} isChosen={connection.id === id} />
              </li>
            ))}
        </ul>
      </section>
      {hasDetail ? (
        <main className="min-h-0 overflow-y-auto px-5 py-5 min-[900px]:px-8 min-[900px]:py-6">
          <Link href="/servers" className="mb-3 inline-block text-soft hover:text-ink min-[900px]:hidden">
            ‹ Servers
          </Link>
          {chosen ? <ServerView key={chosen.id} connection={chosen} /> : <AddServer />}
        </main>
      ) : (
        <main className="grid place-items-center p-8 text-soft max-[899px]:hidden">
          <p>Choose a server to see what it may do.</p>
        </main>
      )}
    </div>
  )
}

/** One field for both: what is an address is added, everything else is searched for. */
function SearchOrAdd({
  search,
  onSearch,
}: {
  readonly search: string
  readonly onSearch: (text: string) => void
}) {
  const [, go] = useLocation()
  const add = (): void => {
    const address = search.trim()
    go(isAddress(address) ? `/servers/add?url=${encodeURIComponent(address)}` : '/servers/add')
    if (isAddress(address)) onSearch('')
  }
  return (
    <form
      className="flex gap-2 p-3.5"
      onSubmit={(event) => {
        event.preventDefault()
        add()
      }}
    >
      <input
        type="search"
        aria-label="Search, or paste a server’s URL"
        placeholder="Search, or paste a server’s URL"
        className={inputLook}
        value={search}
        onChange={(event) => onSearch(event.target.value)}
      />
      <Button look="go" type="submit">
        Add
      </Button>
    </form>
  )
}

function isAddress(text: string): boolean {
  return /^https?:\/\/\S+$/i.test(text) && URL.canParse(text)
}

function fits({ id, url, account = '' }: Connection, search: string): boolean {
  const wanted = search.trim().toLowerCase()
  return isAddress(wanted) || [id, url, account].some((text) => text.toLowerCase().includes(wanted))
}

function Row({ connection, isChosen }: { readonly connection: Connection; readonly isChosen: boolean }) {
  const look = isChosen ? 'border-well bg-well-ground' : 'border-transparent hover:bg-hover'
  return (
    <Link
      href={`/servers/${connection.id}`}
      aria-current={isChosen ? 'true' : undefined}
      className={`grid grid-cols-[34px_minmax(0,1fr)_auto] items-center gap-2.5 border-l-[3px] px-3.5 py-2.5 outline-offset-[-2px] ${look}`}
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
