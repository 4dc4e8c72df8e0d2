import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { installPinned } from '../support/pinned-package.ts'

// Pinned, like every other part of a measurement. The referee calls functions that Node 20 lacks.
const nodeVersion = '24.21.0'

/** Kept between runs; a clean install empties it. */
const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/referee', import.meta.url))

/** A Node the referee can run on, or why there is none. */
export type RefereeNode = { readonly path: string } | { readonly missing: string }

/**
 * The running Node where it is new enough, else one from npm's packages of Node's own binaries, installed once below `node_modules/.cache`.
 * It is no dependency of the package: each platform has a package of its own, and npm refuses those of other platforms.
 */
export async function findNode(): Promise<RefereeNode> {
  if (Number(process.versions.node.split('.', 1)[0]) >= 22) return { path: process.execPath }
  const name = `node-${process.platform === 'win32' ? 'win' : process.platform}-${process.arch}`
  const folder = join(cacheFolder, `node-${nodeVersion}`)
  const path = binaryIn(folder, name)
  if (existsSync(path)) return { path }
  const missing = await installPinned(`${name}@${nodeVersion}`, folder)
  return existsSync(path) ? { path } : { missing: missing ?? `npm has no ${name}@${nodeVersion}` }
}

function binaryIn(folder: string, name: string): string {
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  return join(folder, 'node_modules', name, 'bin', file)
}
