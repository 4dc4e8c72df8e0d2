import { spawn } from 'node:child_process'
import { execFile } from 'node:child_process'
import { chmod, chown, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import type { RecordKind } from '../../../bridge/vault/record.ts'
import { openVault } from '../../../bridge/vault/vault.ts'
import { bundle, fileKeyStore, recordingLog, removeBundle, temporaryFolder } from './support/surroundings.ts'

const run = promisify(execFile)
const isRoot = process.getuid?.() === 0
/** The user `nobody`: root reads and writes whatever the rights say, so root's tests must step down. */
const NOBODY = 65_534

const counters: RecordKind<{ n: number }> = {
  name: 'counter',
  version: 1,
  parse: (value) => value as { n: number },
}

let writer: string
beforeAll(async () => {
  writer = await bundle(resolve(import.meta.dirname, 'support/counting-writer.ts'))
  await chmod(dirname(writer), 0o755)
})
afterAll(() => removeBundle(writer))

async function lines(command: string[], options: { uid?: number } = {}): Promise<string[]> {
  const [file = '', ...args] = command
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'inherit'], cwd: '/', ...options })
  return (await text(child.stdout)).split('\n').slice(0, -1)
}

async function counted(home: string): Promise<number | undefined> {
  const file = join(home, 'vault.sealed')
  const vault = await openVault({ file, keyStore: fileKeyStore(home), log: recordingLog() })
  return vault.read(counters, 'one')?.n
}

/** A folder for the user of `asUser`, with a vault that has counted to one. */
async function homeOfUser(): Promise<string> {
  const home = join(await temporaryFolder(), 'home')
  await mkdir(home)
  if (isRoot) {
    await chmod(dirname(home), 0o755)
    await chown(home, NOBODY, NOBODY)
  }
  expect(await asUser(home)).toEqual(['opened', '1'])
  return home
}

function asUser(home: string): Promise<string[]> {
  return lines([process.execPath, writer, home, '1'], isRoot ? { uid: NOBODY } : {})
}

/** A disk of 256 KiB, or why there is none. */
async function smallDisk(): Promise<string> {
  const folder = await temporaryFolder()
  await run('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', folder])
  onTestFinished(async () => void (await run('umount', [folder])))
  return folder
}

async function canMount(): Promise<boolean> {
  if (!isRoot || process.platform !== 'linux') return false
  try {
    await run('unshare', ['-m', 'mount', '-t', 'tmpfs', '-o', 'size=64k', 'none', '/mnt'])
    return true
  } catch {
    return false
  }
}

const mounts = await canMount()

describe('a full disk', () => {
  it.skipIf(!mounts)(
    `fails the write, keeps the old content and leaves no temporary file${mounts ? '' : ' (skipped: this user cannot mount a small disk)'}`,
    async () => {
      const home = join(await smallDisk(), 'home')
      expect(await lines([process.execPath, writer, home, '2', '10'])).toEqual(['opened', '1', '2'])
      const before = await readFile(join(home, 'vault.sealed'))
      expect(await lines([process.execPath, writer, home, '1', '200000'])).toEqual([
        'opened',
        'failed vault.write_failed no space left',
        'in memory 2',
      ])
      expect(await readFile(join(home, 'vault.sealed'))).toEqual(before)
      expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
      expect(await lines([process.execPath, writer, home, '1', '10'])).toEqual(['opened', '3'])
      expect(await counted(home)).toBe(3)
    },
  )

  it.skipIf(process.platform === 'win32')(
    'is no different from a limit on the size of files: the write fails and the old content stays',
    async () => {
      const home = join(await temporaryFolder(), 'home')
      expect(await lines([process.execPath, writer, home, '1', '10'])).toEqual(['opened', '1'])
      const limited = ['bash', '-c', 'ulimit -f 64 && exec "$@"', '_']
      expect(await lines([...limited, process.execPath, writer, home, '1', '200000'])).toEqual([
        'opened',
        'failed vault.write_failed the file would be too large',
        'in memory 1',
      ])
      expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
      expect(await counted(home)).toBe(1)
    },
  )
})

describe.skipIf(process.platform === 'win32')('a folder that this user cannot write', () => {
  it('fails the write and keeps the old content', async () => {
    const home = await homeOfUser()
    await chmod(home, 0o500)
    expect(await asUser(home)).toEqual(['opened', 'failed vault.write_failed no permission', 'in memory 1'])
    await chmod(home, 0o700)
    expect(await asUser(home)).toEqual(['opened', '2'])
  })

  it('keeps a damaged vault where it is, and says so', async () => {
    const home = await homeOfUser()
    await writeFile(join(home, 'vault.sealed'), 'damaged')
    await chmod(home, 0o500)
    expect(await asUser(home)).toEqual([
      expect.stringMatching(/^failed vault\.torn .*no permission.*where it was$/),
    ])
    expect(await readFile(join(home, 'vault.sealed'), 'utf8')).toBe('damaged')
    await chmod(home, 0o700)
  })

  it('cannot be made inside of another such folder', async () => {
    const home = await homeOfUser()
    await chmod(home, 0o500)
    expect(await asUser(join(home, 'deeper'))).toEqual(['failed bridge.home_unwritable no permission'])
    await chmod(home, 0o700)
  })
})

describe.skipIf(process.platform === 'win32')('a vault file that this user cannot read', () => {
  it('is not moved', async () => {
    const home = await homeOfUser()
    await chmod(join(home, 'vault.sealed'), 0)
    expect(await asUser(home)).toEqual(['failed vault.unreadable no permission'])
    expect(new Set(await readdir(home))).toEqual(new Set(['vault.sealed', 'vault.key']))
    await chmod(join(home, 'vault.sealed'), 0o600)
    expect(await asUser(home)).toEqual(['opened', '2'])
  })
})
