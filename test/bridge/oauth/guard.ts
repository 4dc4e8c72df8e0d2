import { createGuardedFetch, type GuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'

/** A guarded fetch whose names have the addresses of this table and no others. */
export function fetchFor(server: string | URL, addresses: Record<string, string[]> = {}): GuardedFetch {
  return createGuardedFetch({
    server: new URL(server),
    resolve: async (hostname) => addresses[hostname] ?? Promise.reject(new Error('no such name')),
  })
}
