import { createCipheriv, createDecipheriv, type KeyObject, randomBytes } from 'node:crypto'

/** Seals content for a file of its own, beside the vault. */
export interface Sealer {
  readonly seal: (content: Uint8Array, label: string) => Uint8Array
  /** Throws when the content was sealed with another key or under another label, or was changed. */
  readonly open: (sealed: Uint8Array, label: string) => Uint8Array
}

/** Seals with AES-256-GCM under a key of 32 bytes. */
export function sealerFrom(key: KeyObject): Sealer {
  return {
    seal(content, label) {
      const nonce = randomBytes(12)
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(label))
      return Buffer.concat([nonce, cipher.update(content), cipher.final(), cipher.getAuthTag()])
    },
    open(sealed, label) {
      const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12), { authTagLength: 16 })
      decipher.setAAD(Buffer.from(label)).setAuthTag(sealed.subarray(-16))
      return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
    },
  }
}
