import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import type { ClientAppState, ClientEntry } from '../../shared/client-app.ts'
import { useBridge } from './bridge-context.ts'

export const clientAppsKey = ['client-apps'] as const

/** All client apps that are known, read anew whenever a view of them opens: their files change behind our back. */
export function useClientApps(): UseQueryResult<readonly ClientAppState[]> {
  const { bridge } = useBridge()
  return useQuery({
    queryKey: clientAppsKey,
    queryFn: () => bridge.clients.list({}),
    staleTime: 0,
    refetchOnWindowFocus: true,
  })
}

/** The entries of ours in an app. */
export function ownEntries({ files }: ClientAppState): readonly ClientEntry[] {
  return files.flatMap(({ entries }) => entries.filter(({ kind }) => kind === 'bridge'))
}

/** Whether the app has the entry for all servers, now and later. */
export function hasAllServers(app: ClientAppState): boolean {
  return ownEntries(app).some(({ connection }) => connection === undefined)
}
