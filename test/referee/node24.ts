import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

// Pinned, like every other part of a measurement. The referee calls functions that Node 20 lacks.
const nodeVersion = '24.21.0'

/** Kept between runs; a clean install empties it. */
const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/referee', import.meta.url))

const installMs = 5 * 60_000

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
  const missing = await install(`${name}@${nodeVersion}`, folder)
  return existsSync(path) ? { path } : { missing: missing ?? `npm has no ${name}@${nodeVersion}` }
}

function binaryIn(folder: string, name: string): string {
  const file = process.platform === 'win32' ? 'node.exe' : 'node'
  return join(folder, 'node_modules', name, 'bin', file)
}

/** Installs beside its place first, so that an installation cut short is never taken for a whole one. Resolves with what went wrong. */
async function install(wanted: string, folder: string): Promise<string | undefined> {
  const staging = `${folder}.${process.pid}`
  try {
    await mkdir(staging, { recursive: true })
    await promisify(execFile)(
      'npm',
      [
        'install',
        '--prefix',
        '.',
        '--no-save',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--fetch-retries=1',
        wanted,
      ],
      { cwd: staging, timeout: installMs, shell: process.platform === 'win32' },
    )
    await rename(staging, folder)
    return undefined
  } catch (thrown) {
    // Two runs may install at once; then the other one's copy is as good.
    await rm(staging, { recursive: true, force: true })
    return `npm could not install ${wanted}: ${reasonOf(thrown)}`
  }
}

/** What npm said first, such as `code ENOTFOUND`. */
function reasonOf(thrown: unknown): string {
  const { stderr = '', message } = thrown as Error & { stderr?: string }
  return /^npm (?:error|ERR!) (.+)$/m.exec(stderr)?.[1] ?? message.split('\n', 1)[0] ?? ''
}
