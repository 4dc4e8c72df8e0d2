import { useQuery, type UseQueryResult } from '@tanstack/react-query'
import { createContext, use } from 'react'
import type { BridgeClient } from '../bridge/client.ts'
import type { DesktopClient } from '../bridge/connect.ts'
import type { Connection } from '../../shared/connection.ts'
import { connectionsKey, type Live } from './live.ts'
import type { SignIns } from './sign-ins.ts'

/** What every view works with. */
export interface Surroundings {
  readonly bridge: BridgeClient
  /** The tray app around this page; undefined in a browser. */
  readonly desktop?: DesktopClient | undefined
  readonly live: Live
  readonly signIns: SignIns
}

export const SurroundingsContext = createContext<Surroundings | undefined>(undefined)

/** The bridge and what it says. Views are only shown where there is one. */
export function useBridge(): Surroundings {
  const surroundings = use(SurroundingsContext)
  if (!surroundings) throw new Error('a view outside of the window')
  return surroundings
}

/** All connections, as they are now. */
export function useConnections(): UseQueryResult<readonly Connection[]> {
  const { bridge } = useBridge()
  return useQuery({ queryKey: connectionsKey, queryFn: () => bridge.connections.list({}) })
}
