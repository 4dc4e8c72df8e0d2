import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { RecordKind, Vault } from '../vault/record.ts'

const BackupKey = z.object({ key: z.base64() })

const backupKeyRecords: RecordKind<z.infer<typeof BackupKey>> = {
  name: 'client-backup-key',
  version: 1,
  parse: (value) => BackupKey.parse(value),
}

const only = 'key'

/**
 * The key of the backups, made with its first use (one caller at a time) and kept in the vault: backups open as long as the vault does, under whatever
 * key that is sealed by then. Rejects with `vault.write_failed`.
 */
export async function backupKey(vault: Vault): Promise<KeyObject> {
  const known = vault.read(backupKeyRecords, only)
  if (known) return createSecretKey(Buffer.from(known.key, 'base64'))
  const key = createSecretKey(randomBytes(32))
  const value = { key: key.export().toString('base64') }
  await vault.write({ kind: backupKeyRecords, id: only, value })
  return key
}
