import { join } from 'node:path'
import { fetchPackages } from '../../test/support/fetched-package.ts'

// Pinned, so that figures of two runs can be compared.
const peerVersion = '0.15.1'

/** The file that mcp-remote is started by, or why there is none. */
export type Peer = { readonly path: string } | { readonly missing: string }

/** Finds mcp-remote, which client apps without a bridge use in its place, and fetches it from npm where it is not there. */
export async function findPeer(): Promise<Peer> {
  const fetched = await fetchPackages(`mcp-remote@${peerVersion}`)
  return 'missing' in fetched ? fetched : { path: join(fetched.folder, 'mcp-remote', 'dist', 'proxy.js') }
}
