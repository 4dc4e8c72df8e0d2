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
  /** The key of a client app that has one. */
  find(name: string): string | undefined
  /**
   * Gives a client app a new key. When it resolves, the new key is on disk, durably, and the old one is refused. Rejects with
   * `vault.write_failed`, and the old key then stays.
   */
  rotate(name: string): Promise<string>
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
  let clients: readonly { readonly name: string; readonly digest: Buffer }[] = []
  const making = new Map<string, Promise<string>>()

  /** From here on the key is the only one of its client app. */
  const admit = (name: string, key: string): void => {
    clients = [...clients.filter((client) => client.name !== name), { name, digest: digestOf(key) }]
  }
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

  /** One after the other for a name: of two keys made at once, the one on disk must be the one that is admitted. */
  function makeInTurn(name: string): Promise<string> {
    const again = (): Promise<string> => make(name)
    const made = making.get(name)?.then(again, again) ?? make(name)
    making.set(name, made)
    const forget = (): void => {
      if (making.get(name) === made) making.delete(name)
    }
    made.then(forget, forget)
    return made
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
      // A rotation that is under way gives the key that will count.
      const underWay = making.get(name)
      if (underWay) return underWay
      const known = vault.read(clientKeyRecords, name)
      return known ? Promise.resolve(known.key) : makeInTurn(name)
    },
    find: (name) => vault.read(clientKeyRecords, name)?.key,
    rotate: makeInTurn,
  }
}

function digestOf(key: string): Buffer {
  return hash('sha256', key, 'buffer')
}
