import { useQuery } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { Link, Redirect, Route, Switch, useRoute } from 'wouter'
import { Mark } from './parts/mark.tsx'
import { useBridge } from './state/bridge-context.ts'
import { useLine } from './state/live.ts'
import { useApprovals } from './state/approvals.ts'
import { ActivityView } from './views/activity/activity.tsx'
import { ApprovalsView } from './views/approvals/approvals.tsx'
import { ClientsView } from './views/clients/clients.tsx'
import { DoctorView } from './views/doctor/doctor.tsx'
import { ServersView } from './views/servers/servers.tsx'
import { SettingsView } from './views/settings/settings.tsx'

const places = [
  { path: '/servers', name: 'Servers' },
  { path: '/clients', name: 'Client apps' },
  { path: '/approvals', name: 'Approvals' },
  { path: '/activity', name: 'Activity' },
  { path: '/settings', name: 'Settings' },
  { path: '/doctor', name: 'Doctor' },
] as const

/** The window: where to go on the left, the view beside it, and how the bridge is below. */
export function Shell() {
  const { data: approvals = [] } = useApprovals()
  return (
    <div className="grid h-full grid-rows-[auto_minmax(0,1fr)] min-[640px]:grid-cols-[208px_minmax(0,1fr)] min-[640px]:grid-rows-1">
      <nav
        aria-label="Views"
        className="flex gap-0.5 overflow-x-auto border-line px-2.5 py-2 max-[639px]:border-b min-[640px]:flex-col min-[640px]:border-r min-[640px]:py-4"
      >
        <div className="flex items-center gap-2.5 px-2.5 pb-4 font-semibold tracking-tight max-[639px]:hidden">
          <Mark /> Bridgekeeper
        </div>
        {places.map((place) => (
          <Place key={place.path} {...place} waiting={place.path === '/approvals' ? approvals.length : 0} />
        ))}
        <BridgeLine />
      </nav>
      <Switch>
        <Route path="/servers/:id?">{({ id }) => <ServersView id={id} />}</Route>
        <Route path="/clients/:id?">{({ id }) => <ClientsView id={id} />}</Route>
        <Route path="/settings">
          <SettingsView />
        </Route>
        <Route path="/doctor">
          <DoctorView />
        </Route>
        <Route path="/activity">
          <ActivityView />
        </Route>
        <Route path="/approvals">
          <ApprovalsView />
        </Route>
        <Route>
          <Redirect to="/servers" replace />
        </Route>
      </Switch>
    </div>
  )
}

function Place({
  path,
  name,
  waiting,
}: {
  readonly path: string
  readonly name: string
  readonly waiting: number
}) {
  const [isHere] = useRoute(`${path}/*?`)
  const link = useRef<HTMLAnchorElement>(null)
  // On top of a narrow window there is no room for all places.
  useEffect(() => {
    if (isHere) link.current?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
  }, [isHere])
  const look = isHere
    ? 'bg-panel font-semibold text-ink ring-1 ring-line'
    : 'text-soft hover:bg-hover hover:text-ink'
  return (
    <Link
      ref={link}
      href={path}
      aria-current={isHere ? 'page' : undefined}
      className={`flex items-center justify-between gap-2 rounded-lg px-2.5 py-1.5 whitespace-nowrap ${look}`}
    >
      {name}
      {waiting > 0 && (
        <span className="rounded-full bg-asked-ground px-1.5 text-[11.5px] leading-5 font-semibold text-asked">
          {waiting}
          <span className="sr-only"> waiting for you</span>
        </span>
      )}
    </Link>
  )
}

const keyStores = {
  keychain: 'Tokens sealed, key in the keychain',
  passphrase: 'Tokens sealed with your passphrase',
  'key-file': 'Tokens sealed, key in a file',
} as const

/** How the bridge is, in two lines. */
function BridgeLine() {
  const { bridge, live } = useBridge()
  const line = useLine(live)
  const { data } = useQuery({ queryKey: ['status'], queryFn: () => bridge.bridge.status({}) })
  return (
    <div role="status" className="mt-auto px-2.5 text-[12px] leading-normal text-soft max-[639px]:hidden">
      {line === 'lost' ? (
        <b className="font-semibold text-broken">The bridge does not answer. Trying again.</b>
      ) : (
        data && (
          <>
            Running · {new URL(data.url).host}
            <br />
            {keyStores[data.keyStore]}
          </>
        )
      )}
    </div>
  )
}
