import { useState } from 'react'
import type { ClientAppState, ClientEntry } from '../../../shared/client-app.ts'
import type { ClientWish } from '../../../shared/client-change.ts'
import { Button } from '../../parts/button.tsx'
import { Card } from '../../parts/card.tsx'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Monogram } from '../../parts/monogram.tsx'
import { Toggle } from '../../parts/toggle.tsx'
import { hasAllServers, ownEntries } from '../../state/client-apps.ts'
import { ChangeSheet } from './change-sheet.tsx'
import { ClientAccess } from './client-access.tsx'
import { RotateKey } from './rotate-key.tsx'

/** One client app: whether it has our entry, what else it has, and what it may use. */
export function ClientView({ app }: { readonly app: ClientAppState }) {
  const [wish, setWish] = useState<ClientWish>()
  const [undo, setUndo] = useState<string>()
  const [isRotating, setIsRotating] = useState(false)
  const has = hasAllServers(app)
  const isOutdated = ownEntries(app).some(({ trouble }) => trouble === 'outdated')
  return (
    <div className="max-w-[46rem]">
      <header className="flex items-center gap-4">
        <Monogram name={app.name} large />
        <div className="min-w-0">
          <h1 className="text-title font-semibold tracking-tight">{app.name}</h1>
          <p className="text-small text-soft">
            {app.installed ? 'Installed here' : 'Not found on this machine'} · speaks{' '}
            {app.speaks === 'http' ? 'HTTP' : 'stdio'}
          </p>
        </div>
      </header>
      {undo !== undefined && (
        <div
          role="status"
          className="mt-5 flex flex-wrap items-center gap-3 rounded-xl bg-well-ground px-3.5 py-3"
        >
          <p className="min-w-56 flex-1">
            <b className="font-semibold text-well">It is done.</b> {app.restart}
          </p>
          <Button onClick={() => setWish({ does: 'undo', id: undo })}>Undo…</Button>
        </div>
      )}
      {isOutdated && (
        <div className="mt-5 flex flex-wrap items-center gap-3 rounded-xl bg-asked-ground px-3.5 py-3">
          <p className="min-w-56 flex-1">
            <b className="font-semibold text-asked">Its entry is out of date.</b> {app.name} calls an address
            that is not ours any more.
          </p>
          <Button look="go" onClick={() => setWish({ does: 'add', app: app.id, connections: 'all' })}>
            Bring up to date…
          </Button>
        </div>
      )}
      <Card title="Bridgekeeper in this app">
        <Toggle
          label="All servers"
          hint="One entry for every server, also for those that are added later. You see the exact change before it is made."
          checked={has}
          onChange={(on) => setWish({ does: on ? 'add' : 'remove', app: app.id, connections: 'all' })}
        />
      </Card>
      <Entries app={app} />
      <ClientAccess client={app.id} />
      <footer className="mt-8 border-t border-line pt-4">
        <Button look="quiet" onClick={() => setIsRotating(true)}>
          Give it a new key…
        </Button>
      </footer>
      <ChangeSheet wish={wish} onClose={() => setWish(undefined)} onDone={setUndo} />
      <RotateKey app={app} isOpen={isRotating} onClose={() => setIsRotating(false)} />
    </div>
  )
}

const kinds: Record<ClientEntry['kind'], string> = {
  bridge: 'through Bridgekeeper',
  remote: 'a remote server',
  wrapper: 'a remote server behind a program',
  local: 'a program on this machine',
  unknown: 'not understood',
}

/** What the files of the app hold now. */
function Entries({ app }: { readonly app: ClientAppState }) {
  if (app.files.length === 0) return null
  return (
    <Card title="What it has">
      {app.files.map(({ path, entries, failure }) => (
        <div key={path} className="border-line not-first:border-t">
          <p className="px-3.5 pt-2.5 pb-1 font-mono text-small text-soft">{path}</p>
          {failure && <FailureNote failure={failure} />}
          {entries.length === 0 && !failure && <p className="px-3.5 pb-2.5 text-soft">No server is in it.</p>}
          <ul className="pb-1.5">
            {entries.map((entry) => (
              <li key={entry.name} className="flex flex-wrap items-baseline gap-x-2.5 px-3.5 py-1">
                <bdi className="font-semibold">{entry.name}</bdi>
                <span className="text-small text-soft">
                  {kinds[entry.kind]}
                  {entry.address === undefined ? '' : `, ${entry.address}`}
                  {entry.enabled ? '' : ', switched off'}
                </span>
                {entry.plainSecrets > 0 && (
                  <span className="text-[11.5px] font-semibold text-asked">
                    <span aria-hidden="true">▲ </span>
                    {entry.plainSecrets === 1 ? 'a secret' : `${entry.plainSecrets} secrets`} in plain text
                  </span>
                )}
                {entry.trouble === 'no-connection' && (
                  <span className="text-[11.5px] font-semibold text-asked">
                    <span aria-hidden="true">▲ </span>its server was removed here
                  </span>
                )}
              </li>
            ))}
          </ul>
        </div>
      ))}
    </Card>
  )
}
