import type { KeyObject } from 'node:crypto'
import { keptKey } from '../vault/kept-key.ts'
import type { Vault } from '../vault/record.ts'

/** The key of the backups, made with its first use (one caller at a time) and kept in the vault. Rejects with `vault.write_failed`. */
export async function backupKey(vault: Vault): Promise<KeyObject> {
  return await keptKey(vault, 'client-backup-key')
}
