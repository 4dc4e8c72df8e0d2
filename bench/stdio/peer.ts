import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPinned } from '../../test/support/pinned-package.ts'

// Pinned, so that figures of two runs can be compared.
const peerVersion = '0.15.1'

/** Kept between runs; a clean install empties it. */
const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/bench', import.meta.url))

/** The file that mcp-remote is started by, or why there is none. */
export type Peer = { readonly path: string } | { readonly missing: string }

/** Finds mcp-remote, which client apps without a bridge use in its place, and fetches it from npm where it is not there. */
export async function findPeer(): Promise<Peer> {
  const folder = join(cacheFolder, `mcp-remote-${peerVersion}`)
  const path = join(folder, 'node_modules', 'mcp-remote', 'dist', 'proxy.js')
  if (existsSync(path)) return { path }
  const missing = await installPinned(`mcp-remote@${peerVersion}`, folder)
  return existsSync(path) ? { path } : { missing: missing ?? `it has no ${path}` }
}
