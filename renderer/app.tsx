import { QueryClient, QueryClientProvider, useQuery } from '@tanstack/react-query'
import type { BridgeClient } from './bridge/client.ts'

const queries = new QueryClient()

/** The whole window. Without a bridge it says how to get one. */
export function App({ bridge }: { readonly bridge: BridgeClient | undefined }) {
  if (!bridge) return <p>Open this page with the command bridgekeeper ui.</p>
  return (
    <QueryClientProvider client={queries}>
      <Servers bridge={bridge} />
    </QueryClientProvider>
  )
}

function Servers({ bridge }: { readonly bridge: BridgeClient }) {
  const { data } = useQuery({ queryKey: ['connections'], queryFn: () => bridge.connections.list({}) })
  return (
    <main>
      <h1>Servers</h1>
      <ul>
        {data?.map(({ id, status }) => (
          <li key={id}>
            {id} {status}
          </li>
        ))}
      </ul>
    </main>
  )
}
