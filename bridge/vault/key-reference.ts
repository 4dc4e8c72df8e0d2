import { z } from 'zod'

/** 16 to 64 bytes of salt as base64. */
const Salt = z
  .base64()
  .min(24)
  .max(88)
  .describe('random, made with the vault; it keeps one passphrase from giving two vaults the same key')

/**
 * scrypt's cost may rise with a later version but never leaves these bounds, so that a planted header cannot ask for all
 * memory of the machine (128 · cost · blockSize bytes).
 */
const Cost = z.union([z.literal(2 ** 17), z.literal(2 ** 18), z.literal(2 ** 19)])

/**
 * Where the key of a sealed vault is found again. It stands in the vault's header in plain text and holds no secret.
 *
 * The header names the keychain account, so that a home folder that was moved or restored elsewhere still finds its key.
 */
export const KeyReference = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('keychain'), account: z.string().regex(/^vault-key-[0-9a-f]{16}$/) }),
  z.strictObject({
    kind: z.literal('passphrase'),
    kdf: z.literal('scrypt'),
    cost: Cost,
    blockSize: z.literal(8),
    parallelization: z.literal(1),
    salt: Salt,
  }),
  z.strictObject({ kind: z.literal('key-file') }),
])
export type KeyReference = z.infer<typeof KeyReference>

/** The reference of one kind of key store. */
export type ReferenceTo<K extends KeyReference['kind']> = Extract<KeyReference, { kind: K }>
