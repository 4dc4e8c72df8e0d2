import type { AdapterFactory, AdapterPayload } from 'oidc-provider'

/** What the authorization server remembers, kept in memory and open to a test's hand. */
export interface AuthorizationRecords {
  readonly adapter: AdapterFactory
  /** Records of one kind, such as `Client`, `AccessToken` or `RefreshToken`, by id. An opaque token is its id. */
  all(kind: string): Map<string, AdapterPayload>
  /** Forgets one record; false when there was none. */
  forget(kind: string, id: string): boolean
  /** Every record of the kind is expired from now on. */
  expire(kind: string): void
}

/** Storage of an authorization server that lives as long as this object. */
export function createAuthorizationRecords(): AuthorizationRecords {
  const kinds = new Map<string, Map<string, AdapterPayload>>()
  const all = (kind: string): Map<string, AdapterPayload> => {
    const records = kinds.get(kind) ?? new Map<string, AdapterPayload>()
    kinds.set(kind, records)
    return records
  }
  const now = (): number => Math.floor(Date.now() / 1000)

  return {
    all,
    forget: (kind, id) => all(kind).delete(id),
    expire(kind) {
      for (const payload of all(kind).values()) payload.exp = now() - 1
    },
    adapter: (kind) => {
      const records = all(kind)
      const findBy = (field: 'uid' | 'userCode', value: string): AdapterPayload | undefined =>
        [...records.values()].find((payload) => payload[field] === value)
      return {
        async upsert(id, payload) {
          records.set(id, payload)
        },
        find: async (id) => records.get(id),
        findByUid: async (uid) => findBy('uid', uid),
        findByUserCode: async (userCode) => findBy('userCode', userCode),
        async consume(id) {
          const payload = records.get(id)
          if (payload) payload.consumed = now()
        },
        async destroy(id) {
          records.delete(id)
        },
        async revokeByGrantId(grantId) {
          for (const [id, payload] of records) if (payload.grantId === grantId) records.delete(id)
        },
      }
    },
  }
}
