import { QueryClient, QueryClientProvider } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { Router } from 'wouter'
import type { Connected } from './bridge/connect.ts'
import { Mark } from './parts/mark.tsx'
import { Shell } from './shell.tsx'
import { SurroundingsContext, type Surroundings } from './state/bridge-context.ts'
import { Live, traceKey } from './state/live.ts'
import { followPlaces } from './bridge/follow-places.ts'
import { openPage } from './bridge/open-page.ts'
import { SignIns } from './state/sign-ins.ts'

const queries = new QueryClient({
  // Events keep everything up to date; what fails says so, and is asked again when the line is back.
  defaultOptions: { queries: { staleTime: Infinity, retry: false, refetchOnWindowFocus: false } },
})

/** The whole window. Without a bridge it says how to get one. */
export function App({ connected }: { readonly connected: Connected | undefined }) {
  return connected ? <Window {...connected} /> : <NotAdmitted />
}

function Window({ bridge, desktop }: Connected) {
  const [surroundings, setSurroundings] = useState<Surroundings>()
  useEffect(() => {
    const live = new Live(bridge, queries)
    const signIns = new SignIns(
      bridge,
      openPage,
      (id) => void queries.invalidateQueries({ queryKey: traceKey(id) }),
    )
    const following = desktop && followPlaces(desktop)
    setSurroundings({ bridge, desktop, live, signIns })
    return () => {
      live.close()
      signIns.close()
      following?.abort()
    }
  }, [bridge, desktop])
  if (!surroundings) return null
  return (
    <QueryClientProvider client={queries}>
      <SurroundingsContext value={surroundings}>
        <Router base="/ui">
          <Shell />
        </Router>
      </SurroundingsContext>
    </QueryClientProvider>
  )
}

function NotAdmitted() {
  return (
    <main className="grid h-full place-items-center p-8">
      <div className="max-w-sm">
        <h1 className="flex items-center gap-2.5 text-title font-semibold tracking-tight">
          <Mark /> Bridgekeeper
        </h1>
        <p className="mt-3 text-soft">
          This browser was not let in, or the address was used already. Open the page again with this command:
        </p>
        <code className="mt-3 block rounded-lg border border-line bg-panel px-3 py-2 font-mono">
          bridgekeeper ui
        </code>
      </div>
    </main>
  )
}
