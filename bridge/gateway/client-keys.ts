import { hash, randomBytes, timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import type { RecordKind, Vault } from '../vault/record.ts'

/** Tells client apps apart by the key in their URL. */
export interface ClientLookup {
  /** The name of the client app that holds this key. The time it takes says nothing about the keys there are. */
  clientOf(key: string): string | undefined
}

/** The keys of all client apps. */
export interface ClientKeys extends ClientLookup {
  /**
   * The key of a client app, 192 random bits as base64url. It is made on first use, and is on disk, durably, before anybody gets it.
   * Rejects with `vault.write_failed`.
   */
  keyFor(name: string): Promise<string>
}

const ClientKey = z.object({ key: z.string().regex(/^[A-Za-z0-9_-]{22,128}$/) })

/** The record of one client app; its id is the app's name. */
export const clientKeyRecords: RecordKind<z.infer<typeof ClientKey>> = {
  name: 'client-key',
  version: 1,
  parse: (value) => ClientKey.parse(value),
}

/** Reads the keys there are from the vault. */
export function openClientKeys(vault: Vault): ClientKeys {
  const clients: { readonly name: string; readonly digest: Buffer }[] = []
  const making = new Map<string, Promise<string>>()

  const admit = (name: string, key: string): void => void clients.push({ name, digest: digestOf(key) })
  for (const name of vault.ids(clientKeyRecords)) {
    const record = vault.read(clientKeyRecords, name)
    if (record) admit(name, record.key)
  }

  async function make(name: string): Promise<string> {
    const key = randomBytes(24).toString('base64url')
    await vault.write({ kind: clientKeyRecords, id: name, value: { key } })
    admit(name, key)
    return key
  }

  return {
    clientOf(key) {
      const digest = digestOf(key)
      let found: string | undefined
      // Digests of one length are compared, and all of them, so that neither a prefix nor a position can be measured.
      for (const client of clients) if (timingSafeEqual(client.digest, digest)) found = client.name
      return found
    },
    keyFor(name) {
      const known = vault.read(clientKeyRecords, name)
      if (known) return Promise.resolve(known.key)
      const underWay = making.get(name)
      if (underWay) return underWay
      const made = make(name).finally(() => making.delete(name))
      making.set(name, made)
      return made
    },
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
