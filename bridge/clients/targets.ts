import { existsSync } from 'node:fs'
import type { ClientAppId } from '../../shared/client-app.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { ClientKeys } from '../gateway/client-keys.ts'
import { endpointPath } from '../gateway/endpoint.ts'
import type { ClientApp, Target } from './app.ts'
import { type OwnEntries, ownEntries, shimClientOption } from './own-entries.ts'

/** What targets are made of. */
export interface TargetParts {
  readonly keys: ClientKeys
  /** The origin of the local endpoint. */
  readonly origin: () => string
  /** The port that the settings ask for, which is that of entries made by a bridge that ran on it. */
  readonly usualPort: () => number
  /** The absolute path of the shim, be it there or not. */
  readonly shim: string
}

/** How client apps reach the bridge. */
export interface Targets {
  readonly own: OwnEntries
  /**
   * Where an app is pointed for a connection, or for all of them; its key is made with its first use. Rejects with `clients.shim_missing` for an app
   * that only starts programs, where there is no shim.
   */
  of(app: ClientApp, connection: ConnectionId | undefined): Promise<Target>
  /** The same for an app that has a key already, without making one. */
  known(app: ClientApp, connection: ConnectionId | undefined): Target | undefined
  /** Before an app gets another key: entries with the present one stay known as ours, on any port, until the process ends. */
  retireKey(app: ClientAppId): void
}

/** The targets of this installation. */
export function createTargets({ keys, origin, usualPort, shim }: TargetParts): Targets {
  const endpoint = (key: string, connection: ConnectionId | undefined): Target => ({
    kind: 'http',
    url: origin() + endpointPath(connection === undefined ? { key } : { key, connection }),
  })
  const retired = new Set<string>()
  return {
    own: {
      byAddress: (url) => marks().byAddress(url),
      byProgram: (command, args) => marks().byProgram(command, args),
    },
    async of(app, connection) {
      if (app.speaks === 'http') return endpoint(await keys.keyFor(app.id), connection)
      if (!existsSync(shim)) throw new BridgeError('clients.shim_missing', app.name)
      return shimCommand(shim, connection, app.id)
    },
    known(app, connection) {
      if (app.speaks === 'stdio') return existsSync(shim) ? shimCommand(shim, connection, app.id) : undefined
      const key = keys.find(app.id)
      return key === undefined ? undefined : endpoint(key, connection)
    },
    retireKey(app) {
      const key = keys.find(app)
      if (key !== undefined) retired.add(key)
    },
  }

  /** Made anew each time: the port may have been changed in the settings. */
  function marks(): OwnEntries {
    return ownEntries({
      ports: [Number(new URL(origin()).port), usualPort()],
      knowsKey: (key) => retired.has(key) || keys.clientOf(key) !== undefined,
      shim,
    })
  }
}

/**
 * The command by which a client app starts the shim. Both paths are absolute: apps start programs in a bare environment. The binary of the tray
 * app is a Node only where it is told to be one; else each client app would start a tray app.
 */
export function shimCommand(
  shim: string,
  connection: ConnectionId | undefined,
  client: ClientAppId,
  versions: NodeJS.ProcessVersions = process.versions,
): Target {
  return {
    kind: 'stdio',
    command: process.execPath,
    args: [shim, ...(connection === undefined ? [] : [connection]), shimClientOption + client],
    ...(versions['electron'] === undefined ? {} : { env: { ELECTRON_RUN_AS_NODE: '1' } }),
  }
}
