import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { ClientAppId } from '../../shared/client-app.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Clock } from '../ports.ts'
import { replaceFile } from '../vault/atomic-replace.ts'
import type { Sealer } from '../vault/sealer.ts'

/** What undoes a change: the files as they were, and the commands that take back those that were run. */
const Backup = z.strictObject({
  version: z.literal(1),
  at: z.number(),
  app: ClientAppId.optional(),
  kind: z.enum(['add', 'remove', 'take-over', 'clean-up']),
  files: z.array(
    z.strictObject({
      path: z.string(),
      before: z.string().optional().describe('absent when the file was made'),
      after: z.string().describe('the SHA-256 of what the change left'),
    }),
  ),
  commands: z.array(
    z.strictObject({
      program: z.string(),
      args: z.array(z.string()),
      leaves: z.strictObject({ path: z.string(), name: z.string(), present: z.boolean() }),
    }),
  ),
})
export type Backup = z.infer<typeof Backup>

/** A backup with the id that it is kept under. Later ids sort after earlier ones. */
export interface KeptBackup extends Backup {
  readonly id: string
}

/** Backups of the settings files of client apps, sealed: the latest fifty, and of these no more than 64 MB. */
export interface Backups {
  /** Is on disk, durably, when it resolves. Rejects with `clients.write_failed`. */
  add(backup: Omit<Backup, 'version' | 'at'>): Promise<string>
  /** Rejects with `clients.backup_broken`. */
  get(id: string): Promise<KeptBackup | undefined>
  /** The ids, latest first. */
  ids(): Promise<readonly string[]>
  remove(id: string): Promise<void>
}

const most = 50
const mostBytes = 64 * 1024 * 1024
const suffix = '.client-backup'

/** Opens the backups in a folder of the bridge's home. */
export function openBackups({
  folder,
  sealer,
  clock,
}: {
  folder: string
  /** Settings files hold tokens of others in plain text, and those must not lie here too. Asked for with the first backup that is made or opened, so that a look at the apps needs no key. */
  sealer: () => Promise<Sealer>
  clock: Clock
}): Backups {
  const pathOf = (id: string): string => join(folder, id + suffix)

  const ids = async (): Promise<readonly string[]> => {
    const names = await readdir(folder).catch(() => [])
    return names
      .filter((name) => name.endsWith(suffix))
      .map((name) => name.slice(0, -suffix.length))
      .sort()
      .toReversed()
  }

  const prune = async (): Promise<void> => {
    let bytes = 0
    for (const [index, id] of (await ids()).entries()) {
      bytes += (await stat(pathOf(id)).catch(() => undefined))?.size ?? 0
      if (index > 0 && (index >= most || bytes > mostBytes)) await rm(pathOf(id), { force: true })
    }
  }

  return {
    ids,

    async add(backup) {
      const at = clock.now()
      const [latest = ''] = await ids()
      // The clock may have been set back: an id sorts after all others whatever it says.
      const base = String(Math.max(Math.floor(at), Number(latest.split('-')[0] ?? 0) + 1)).padStart(15, '0')
      const id = `${base}-${randomBytes(4).toString('hex')}`
      const content = Buffer.from(JSON.stringify({ version: 1, at, ...backup } satisfies Backup))
      const { seal } = await sealer()
      try {
        await mkdir(folder, { recursive: true, mode: 0o700 })
        await replaceFile(pathOf(id), seal(content, id))
      } catch (thrown) {
        throw new BridgeError('clients.write_failed', 'no backup could be made', { cause: thrown })
      }
      await prune()
      return id
    },

    async get(id) {
      if (!/^\d+-[0-9a-f]+$/.test(id)) return undefined
      const sealed = await readFile(pathOf(id)).catch(() => undefined)
      if (!sealed) return undefined
      const { open } = await sealer()
      try {
        const content: unknown = JSON.parse(Buffer.from(open(sealed, id)).toString('utf8'))
        return { id, ...Backup.parse(content) }
      } catch {
        throw new BridgeError('clients.backup_broken')
      }
    },

    remove: async (id) => rm(pathOf(id), { force: true }),
  }
}
