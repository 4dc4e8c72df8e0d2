import type { ConnectionId, Look, Receipt } from '../../shared/connection.ts'
import type { AddConnection } from '../../shared/control.ts'
import { BridgeError, toFailure } from '../../shared/errors.ts'
import { discover } from '../oauth/discovery.ts'
import type { Registration } from '../oauth/grant.ts'
import { probe } from '../oauth/probe.ts'
import { chooseRegistration } from '../oauth/registration.ts'
import { selectScopes } from '../oauth/scopes.ts'
import { parseServerUrl } from '../oauth/server-url.ts'
import { protectsCodes, type Registrations } from '../oauth/sign-in.ts'
import type { Vault } from '../vault/record.ts'
import { recordOf } from './addition.ts'
import { Connection } from './connection.ts'
import {
  connectionRecords,
  registrationId,
  registrationRecords,
  traceRecords,
  type ConnectionRecord,
} from './records.ts'
import type { ConnectionSurroundings } from './surroundings.ts'

/** Every connection of the bridge. */
export interface Connections {
  list(): Connection[]
  /** Ids whose records this version cannot read. They stay in the vault. */
  readonly unreadable: readonly string[]
  find(id: string): Connection | undefined
  /** Throws `connection.unknown`. */
  get(id: string): Connection
  /** Throws as `add` would for what is wrong with the wish itself, before any server is asked. */
  check(wish: AddConnection): void
  /** Checks and stores a new connection. It is not signed in yet, unless its server was found to be `open`. */
  add(wish: AddConnection, found?: { readonly open: boolean }): Promise<Connection>
  /** Ends what the connection still holds, then forgets it. The receipt says what became of it at the server. */
  remove(id: string): Promise<Receipt>
  /** What a server asks for, without signing in. What went wrong is in the answer's `failure`; throws only `url.*`. */
  look(url: string, wish?: Partial<AddConnection>): Promise<Look>
  /** Stops everything; resolves when no renewal is under way any more. */
  close(): Promise<void>
}

/** Loads the connections of the vault. Nothing is sent to any server. */
export function createConnections(surroundings: Omit<ConnectionSurroundings, 'registrations'>): Connections {
  const { vault, clock, log, emit, redirectUri, settings, fetchFor } = surroundings
  const around: ConnectionSurroundings = { ...surroundings, registrations: registrationsIn(vault) }
  const all = new Map<string, Connection>()
  const unreadable: string[] = []
  for (const id of vault.ids(connectionRecords).sort()) {
    try {
      const record = vault.read(connectionRecords, id)
      if (record) all.set(record.id, new Connection(record, around))
    } catch (thrown) {
      // Left as it is, for the version that wrote it; its id stays taken.
      log.error('a connection cannot be read', { id, error: thrown })
      unreadable.push(id)
    }
  }
  /** Taken from the moment it is asked for, so that two additions at once cannot share an id. */
  const reserved = new Set<ConnectionId>()

  const taken = (id: ConnectionId): boolean => all.has(id) || reserved.has(id) || unreadable.includes(id)

  const get = (id: string): Connection => {
    const connection = all.get(id)
    if (!connection) throw new BridgeError('connection.unknown', id.slice(0, 100))
    return connection
  }

  const removals = new Map<Connection, Promise<Receipt>>()
  const removeOnce = async (connection: Connection): Promise<Receipt> => {
    const { id } = connection
    const receipt = await connection.revoke()
    await vault.write(
      { kind: connectionRecords, id, value: undefined },
      { kind: traceRecords, id, value: undefined },
    )
    all.delete(id)
    await connection.close(new BridgeError('connection.ended'))
    emit({ event: 'connection-removed', id })
    return receipt
  }

  return {
    unreadable,
    list: () => [...all.values()],
    find: (id) => all.get(id),
    get,
    check: (wish) => void recordOf(wish, taken, clock.now()),
    async add(wish, { open } = { open: false }) {
      const record: ConnectionRecord = recordOf(wish, taken, clock.now(), open)
      reserved.add(record.id)
      try {
        await vault.write({ kind: connectionRecords, id: record.id, value: record })
        const connection = new Connection(record, around)
        all.set(record.id, connection)
        emit({ event: 'connection-added', connection: connection.view })
        return connection
      } finally {
        reserved.delete(record.id)
      }
    },
    async remove(id) {
      const connection = get(id)
      const removal =
        removals.get(connection) ?? removeOnce(connection).finally(() => removals.delete(connection))
      removals.set(connection, removal)
      return await removal
    },
    async look(text, wish = {}) {
      const url = parseServerUrl(text)
      const nothing = { issuers: [], scopes: [], redirectUri: redirectUri() }
      const fetch = fetchFor(url)
      try {
        const { asks, challenge } = await probe(url, fetch)
        if (asks === 'none') return { asks, ...nothing }
        const discovery = await discover({ url, challenge, fetch })
        const { server, issuers, resource, scopesSupported } = discovery
        const metadataUrl = wish.metadataUrl ?? settings()['registration.metadataUrl']
        return {
          asks,
          ...(resource === undefined ? {} : { resource }),
          issuers: [...issuers],
          issuer: server.issuer,
          registration: chooseRegistration({ server, clientId: wish.clientId, metadataUrl }),
          scopes: selectScopes({
            chosen: wish.scopes,
            challenge: challenge?.scope,
            resource: scopesSupported,
            server: server.scopes_supported,
          }),
          pkce: protectsCodes(discovery) || wish.allowMissingPkce === true,
          redirectUri: redirectUri(),
        }
      } catch (thrown) {
        return { asks: 'oauth', ...nothing, failure: toFailure(thrown) }
      }
    },
    async close() {
      await Promise.all([...all.values()].map((connection) => connection.close()))
    },
  }
}

/** Registrations in the vault: one for each issuer, since a client id means nothing to another. */
function registrationsIn(vault: Vault): Registrations {
  const known = (issuer: string): Registration | undefined => {
    const registration = vault.read(registrationRecords, registrationId(issuer))
    return registration?.issuer === issuer ? registration : undefined
  }
  return {
    find: known,
    async save(registration) {
      await vault.write({
        kind: registrationRecords,
        id: registrationId(registration.issuer),
        value: registration,
      })
    },
    async forget({ issuer, clientId, kind }) {
      if (kind !== 'dynamic' || known(issuer)?.clientId !== clientId) return
      await vault.write({ kind: registrationRecords, id: registrationId(issuer), value: undefined })
    },
  }
}
