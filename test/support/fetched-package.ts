import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'

/** Kept between runs; a clean install empties it. */
const cacheFolder = fileURLToPath(new URL('../../node_modules/.cache/bridgekeeper', import.meta.url))

const installMs = 5 * 60_000

/** Where npm put the packages, or why there are none. */
export type FetchedPackages = { readonly folder: string } | { readonly missing: string }

/**
 * Installs packages of exact versions, such as `mcporter@0.12.3`, once below `node_modules/.cache`, without their install scripts. For what
 * tests and benchmarks run beside the bridge and what cannot be a dependency: it needs another Node or platform, or it is too large for everyone.
 */
export async function fetchPackages(...wanted: readonly [string, ...string[]]): Promise<FetchedPackages> {
  const folder = join(cacheFolder, wanted.join('+').replace(/[^\w.+-]/g, '_'))
  const modules = join(folder, 'node_modules')
  if (existsSync(modules)) return { folder: modules }
  const missing = await install(wanted, folder)
  return existsSync(modules) ? { folder: modules } : { missing: missing ?? `npm has no ${wanted.join(' ')}` }
}

/** Installs beside its place first, so that an installation cut short is never taken for a whole one. Resolves with what went wrong. */
async function install(wanted: readonly string[], folder: string): Promise<string | undefined> {
  const staging = `${folder}.${process.pid}`
  const options = ['--prefix', '.', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts']
  try {
    await mkdir(staging, { recursive: true })
    await promisify(execFile)('npm', ['install', ...options, '--fetch-retries=1', ...wanted], {
      cwd: staging,
      timeout: installMs,
      shell: process.platform === 'win32',
    })
    await rename(staging, folder)
    return undefined
  } catch (thrown) {
    // Two runs may install at once; then the other one's copy is as good.
    await rm(staging, { recursive: true, force: true })
    return `npm could not install ${wanted.join(' ')}: ${reasonOf(thrown)}`
  }
}

/** What npm said first, such as `code ENOTFOUND`. */
function reasonOf(thrown: unknown): string {
  const { stderr = '', message } = thrown as Error & { stderr?: string }
  return /^npm (?:error|ERR!) (.+)$/m.exec(stderr)?.[1] ?? message.split('\n', 1)[0] ?? ''
}
