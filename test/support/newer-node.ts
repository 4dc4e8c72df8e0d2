import { join } from 'node:path'
import { fetchPackages } from './fetched-package.ts'

// Pinned, like every other part of a measurement. The referee and some client apps call functions that Node 20 lacks.
const nodeVersion = '24.21.0'

/** A Node for what needs a newer one, or why there is none. */
export type NewerNode = { readonly path: string } | { readonly missing: string }

/**
 * The running Node where it is new enough, else one from npm's packages of Node's own binaries. It is no dependency of the package: each
 * platform has a package of its own, and npm refuses those of other platforms.
 */
export async function findNewerNode(): Promise<NewerNode> {
  if (Number(process.versions.node.split('.', 1)[0]) >= 24) return { path: process.execPath }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const fetched = await fetchPackages(`${name}@${nodeVersion}`)
  if ('missing' in fetched) return fetched
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  return { path: join(fetched.folder, name, 'bin', file) }
}
