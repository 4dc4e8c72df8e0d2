import { access, constants } from 'node:fs/promises'
import type { Connection } from '../shared/connection.ts'
import type { AddConnection, Check } from '../shared/control.ts'
import { BridgeError, type Failure } from '../shared/errors.ts'
import type { Connections } from './connections/connections.ts'
import type { Paths } from './paths.ts'
import type { KeyStoreKind } from './ports.ts'
import { listSetAside } from './vault/set-aside.ts'

/** Looks at what may be wrong and says who mends it. */
export interface Doctor {
  /** Without a target: this machine and every connection's state; with one, the connection or server in depth. Rejects with `url.*`. */
  examine(target: string | undefined): Promise<Check[]>
}

const keyStoreNotes: Record<KeyStoreKind, string> = {
  keychain: 'the key of the vault is in the OS keychain',
  passphrase: 'the key of the vault is made from your passphrase',
  'key-file':
    'the key of the vault is in a file that only you can read; whoever can read your files can read the tokens',
}

/** A doctor for the running bridge. */
export function createDoctor(parts: {
  readonly paths: Paths
  readonly keyStore: KeyStoreKind
  readonly origin: () => string
  readonly connections: Connections
  /** Why calls cannot be recorded just now. */
  readonly activityFailure: () => Failure | undefined
}): Doctor {
  const { paths, keyStore, connections } = parts

  const machine = async (): Promise<Check[]> => {
    const failure = parts.activityFailure()
    const setAside = await listSetAside(paths.vault)
    return [
      { check: 'bridge', ok: true, note: `serving at ${parts.origin()}` },
      { check: 'key store', ok: true, note: keyStoreNotes[keyStore] },
      await writable('files', paths.home),
      ...(failure ? [{ check: 'record of calls', ok: false, failure }] : []),
      ...setAside.map(({ name, reason }): Check => ({
        check: 'vault',
        ok: false,
        failure: { code: vaultCodes[reason], detail: name },
      })),
    ]
  }

  const server = async (url: string, wish?: Partial<AddConnection>): Promise<Check[]> => {
    const look = await connections.look(url, wish)
    if (look.failure) return [{ check: 'server', ok: false, note: url, failure: look.failure }]
    if (look.asks === 'none') return [{ check: 'server', ok: true, note: 'it serves without a sign-in' }]
    const checks: Check[] = [
      { check: 'server', ok: true, note: `it asks for a sign-in at ${look.issuer}` },
      registration(look.registration, look.redirectUri),
    ]
    if (look.pkce === false) {
      checks.push({ check: 'PKCE', ok: false, failure: { code: 'oauth.pkce_unsupported' } })
    }
    return checks
  }

  return {
    async examine(target) {
      if (target === undefined) {
        const unreadable = connections.unreadable.map((id): Check => {
          return { check: `connection ${id}`, ok: false, failure: { code: 'vault.record_invalid' } }
        })
        return [
          ...(await machine()),
          ...connections.list().map(({ view }) => stateCheck(view)),
          ...unreadable,
        ]
      }
      const connection = connections.find(target)
      if (connection) {
        // With a key of the user's own it does not matter how one would sign in.
        const found = connection.usesKey ? [] : await server(connection.url.href, connection.wish)
        return [stateCheck(connection.view), ...found]
      }
      if (!target.includes('://')) throw new BridgeError('connection.unknown', target.slice(0, 100))
      return await server(target)
    },
  }
}

const vaultCodes = { torn: 'vault.torn', foreign: 'vault.foreign', 'wrong-key': 'vault.wrong_key' } as const

async function writable(check: string, folder: string): Promise<Check> {
  try {
    await access(folder, constants.R_OK | constants.W_OK)
    return { check, ok: true, note: folder }
  } catch {
    return { check, ok: false, failure: { code: 'bridge.home_unwritable', detail: folder } }
  }
}

function registration(way: string | undefined, redirectUri: string): Check {
  if (way === 'ask') {
    const failure = { code: 'registration.needed' as const, detail: `redirect URI ${redirectUri}` }
    return { check: 'registration', ok: false, failure }
  }
  return { check: 'registration', ok: true, note: `${way}` }
}

function stateCheck(view: Connection): Check {
  const { id, status, failure } = view
  const check = `connection ${id}`
  if (failure) return { check, ok: false, note: status, failure }
  if (status === 'signed-out')
    return { check, ok: false, note: status, failure: { code: 'connection.signed_out' } }
  return { check, ok: true, note: status }
}
