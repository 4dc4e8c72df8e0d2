import { execFile } from 'node:child_process'
import { mkdir, rename, rm } from 'node:fs/promises'
import { promisify } from 'node:util'

const installMs = 5 * 60_000

/**
 * Installs a package of npm, such as `name@1.2.3`, with what it needs in a folder of its own, for what is measured or judged by and is no
 * dependency. It is installed beside its place first, so that an installation cut short is never taken for a whole one. Resolves with what went
 * wrong.
 */
export async function installPinned(wanted: string, folder: string): Promise<string | undefined> {
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
