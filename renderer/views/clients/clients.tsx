import { Link } from 'wouter'
import type { ClientAppState } from '../../../shared/client-app.ts'
import { failureOf } from '../../bridge/failure.ts'
import { FailureNote } from '../../parts/failure-note.tsx'
import { Monogram } from '../../parts/monogram.tsx'
import { ownEntries, useClientApps } from '../../state/client-apps.ts'
import { ClientView } from './client.tsx'

/** All client apps, those that are here first, and beside them the one that is chosen. */
export function ClientsView({ id }: { readonly id: string | undefined }) {
  const { data: apps, error } = useClientApps()
  if (!apps) {
    return (
      <main className="p-8 text-soft">
        {error ? <FailureNote failure={failureOf(error)} /> : <p>Looking for client apps on this machine…</p>}
      </main>
    )
  }
  const chosen = apps.find((app) => app.id === id)
  const here = apps.filter((app) => app.installed || ownEntries(app).length > 0)
  const others = apps.filter((app) => !here.includes(app))
  return (
    <div className="grid min-h-0 min-[900px]:grid-cols-[300px_minmax(0,1fr)]">
      <section
        aria-label="Client apps"
        className={`min-h-0 overflow-y-auto border-line bg-panel min-[900px]:border-r ${chosen ? 'max-[899px]:hidden' : ''}`}
      >
        <Group title="On this machine" apps={here} chosen={id} empty="No client app was found." />
        <Group title="Not found here" apps={others} chosen={id} />
      </section>
      {chosen ? (
        <main className="min-h-0 overflow-y-auto px-5 py-5 min-[900px]:px-8 min-[900px]:py-6">
          <Link href="/clients" className="mb-3 inline-block text-soft hover:text-ink min-[900px]:hidden">
            ‹ Client apps
          </Link>
          <ClientView key={chosen.id} app={chosen} />
        </main>
      ) : (
        <main className="grid place-items-center p-8 text-soft max-[899px]:hidden">
          <p>Choose a client app to see what it has and what it may use.</p>
        </main>
      )}
    </div>
  )
}

function Group({
  title,
  apps,
  chosen,
  empty,
}: {
  readonly title: string
  readonly apps: readonly ClientAppState[]
  readonly chosen: string | undefined
  readonly empty?: string
}) {
  if (apps.length === 0 && empty === undefined) return null
  return (
    <>
      <h2 className="px-3.5 pt-4 pb-1.5 text-[11.5px] font-semibold tracking-[0.06em] text-soft uppercase">
        {title}
      </h2>
      {apps.length === 0 && <p className="px-3.5 pb-2 text-soft">{empty}</p>}
      <ul>
        {apps.map((app) => (
          <li key={app.id}>
            <Row app={app} isChosen={app.id === chosen} />
          </li>
        ))}
      </ul>
    </>
  )
}

function Row({ app, isChosen }: { readonly app: ClientAppState; readonly isChosen: boolean }) {
  const look = isChosen ? 'border-well bg-well-ground' : 'border-transparent hover:bg-hover'
  return (
    <Link
      href={`/clients/${app.id}`}
      aria-current={isChosen ? 'true' : undefined}
      className={`grid grid-cols-[34px_minmax(0,1fr)_auto] items-center gap-2.5 border-l-[3px] px-3.5 py-2 outline-offset-[-2px] ${look}`}
    >
      <Monogram name={app.name} />
      <b className="truncate font-semibold">{app.name}</b>
      <AppWord app={app} />
    </Link>
  )
}

/** How things stand with an app, by shape, colour and word. */
function AppWord({ app }: { readonly app: ClientAppState }) {
  const own = ownEntries(app)
  // The heading says it of all that are not here.
  if (own.length === 0 && !app.installed) return null
  const [shape, word, colour] = own.some(({ trouble }) => trouble !== undefined)
    ? ['▲', 'Out of date', 'text-asked']
    : own.length > 0
      ? ['●', 'Added', 'text-well']
      : ['○', 'Not added', 'text-soft']
  return (
    <span className={`text-[11.5px] font-semibold whitespace-nowrap ${colour}`}>
      <span aria-hidden="true">{shape}</span> {word}
    </span>
  )
}
