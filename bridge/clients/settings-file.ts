import { randomBytes } from 'node:crypto'
import { constants, type Stats } from 'node:fs'
import { access, lstat, mkdir, open, readFile, readlink, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { BridgeError } from '../../shared/errors.ts'

const largest = 64 * 1024 * 1024

/**
 * The text of a settings file, byte order mark and all; undefined when there is none. Throws `clients.file_broken` for one
 * that is not UTF-8, since writing it back would change bytes that nobody asked to change.
 */
export async function readSettings(path: string): Promise<string | undefined> {
  try {
    const found = await stat(path)
    // Reading a pipe would wait for ever.
    if (!found.isFile()) throw new BridgeError('clients.file_broken', `${basename(path)} is not a file`)
    if (found.size > largest) throw new BridgeError('clients.file_broken', `${basename(path)} is too large`)
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(await readFile(path))
  } catch (thrown) {
    if (thrown instanceof BridgeError) throw thrown
    if (hasCode(thrown, 'ENOENT', 'ENOTDIR')) return undefined
    const why = thrown instanceof TypeError ? 'is not UTF-8' : 'cannot be opened'
    throw new BridgeError('clients.file_broken', `${basename(path)} ${why}`)
  }
}

/**
 * Replaces a file in one step: a reader sees the old content or the new one, whole. A symbolic link stays and the file it
 * leads to is replaced, with its mode and owner kept. Throws `clients.file_changed` when the content is not `before`,
 * looked at immediately before the replacement, `clients.file_read_only` and `clients.write_failed`.
 */
export async function replaceSettings(
  path: string,
  before: string | undefined,
  after: string,
): Promise<void> {
  const real = await followLinks(path)
  const old = before === undefined ? undefined : await statOf(real)
  if (old) await refuseReadOnly(real, old)
  const temporary = join(dirname(real), `.${basename(real)}.${randomBytes(6).toString('hex')}.tmp`)
  try {
    await mkdir(dirname(real), { recursive: true })
    // Ours alone from the start: what is added holds a client key.
    const file = await open(temporary, 'wx', 0o600)
    try {
      if (old) await takeAfter(file, old)
      await file.writeFile(after)
      await file.sync()
    } finally {
      await file.close()
    }
    if ((await readSettings(real)) !== before) throw new BridgeError('clients.file_changed', basename(path))
    await renameOver(temporary, real)
    await syncFolder(dirname(real))
  } catch (thrown) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw failureOf(thrown, path)
  }
}

/** Deletes a file if its content is still `before`. */
export async function deleteSettings(path: string, before: string): Promise<void> {
  const real = await followLinks(path)
  if ((await readSettings(real)) !== before) throw new BridgeError('clients.file_changed', basename(path))
  try {
    await rm(real)
  } catch (thrown) {
    throw failureOf(thrown, path)
  }
}

/** The file that a path leads to, whether it exists or not. */
async function followLinks(path: string): Promise<string> {
  let real = resolve(path)
  for (let hops = 0; hops < 40; hops += 1) {
    const found = await statOf(real, lstat)
    if (!found?.isSymbolicLink()) return real
    real = resolve(dirname(real), await readlink(real))
  }
  throw new BridgeError('clients.write_failed', `${basename(path)} is a link in a circle`)
}

/** A replacement needs only the folder's permission: a file made read-only on purpose would be overwritten all the same. */
async function refuseReadOnly(path: string, { mode }: Stats): Promise<void> {
  const writable =
    (mode & 0o222) !== 0 &&
    (await access(path, constants.W_OK).then(
      () => true,
      () => false,
    ))
  if (!writable) throw new BridgeError('clients.file_read_only', basename(path))
}

async function takeAfter(file: Awaited<ReturnType<typeof open>>, old: Stats): Promise<void> {
  const fresh = await file.stat()
  if (fresh.uid !== old.uid || fresh.gid !== old.gid) {
    // Only root can give a file away; in a folder of one's own the owner is the right one already.
    await file.chown(old.uid, old.gid).catch(() => undefined)
  }
  await file.chmod(old.mode & 0o7777)
}

async function statOf(path: string, ask: typeof stat = stat): Promise<Stats | undefined> {
  try {
    return await ask(path)
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT', 'ENOTDIR')) return undefined
    throw failureOf(thrown, path)
  }
}

/** On Windows a file that a scanner or the app just has open cannot be replaced for a moment. */
async function renameOver(from: string, to: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await rename(from, to)
    } catch (thrown) {
      const mayPass = process.platform === 'win32' && hasCode(thrown, 'EPERM', 'EACCES', 'EBUSY')
      if (!mayPass || attempt === 10) throw thrown
      await wait(50)
    }
  }
}

/** Makes the new name last through a crash; Windows has no such thing. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return
  const handle = await open(folder, 'r')
  await handle.sync().catch(() => undefined)
  await handle.close()
}

function failureOf(thrown: unknown, path: string): BridgeError {
  if (thrown instanceof BridgeError) return thrown
  const code = hasCode(thrown, 'EACCES', 'EPERM', 'EROFS') ? 'clients.file_read_only' : 'clients.write_failed'
  return new BridgeError(code, basename(path), { cause: thrown })
}

function hasCode(thrown: unknown, ...codes: readonly string[]): boolean {
  return thrown instanceof Error && 'code' in thrown && codes.includes(String(thrown.code))
}
