import { createSecretKey, type KeyObject, randomBytes } from 'node:crypto'
import { z } from 'zod'
import type { RecordKind, Vault } from './record.ts'

const KeptKey = z.object({ key: z.base64() })

const kindOf = (name: string): RecordKind<z.infer<typeof KeptKey>> => ({
  name,
  version: 1,
  parse: (value) => KeptKey.parse(value),
})

const only = 'key'

/** The key of this name that the vault holds, for files that lie beside it; undefined where none was made yet. */
export function findKeptKey(vault: Vault, name: string): KeyObject | undefined {
  const known = vault.read(kindOf(name), only)
  return known && createSecretKey(Buffer.from(known.key, 'base64'))
}

/**
 * The same, made with its first use (one caller at a time): such files open as long as the vault does, under whatever key that is sealed by
 * then. Rejects with `vault.write_failed`.
 */
export async function keptKey(vault: Vault, name: string): Promise<KeyObject> {
  const known = findKeptKey(vault, name)
  if (known) return known
  const key = createSecretKey(randomBytes(32))
  await vault.write({ kind: kindOf(name), id: only, value: { key: key.export().toString('base64') } })
  return key
}
