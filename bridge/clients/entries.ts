import { isDeepStrictEqual } from 'node:util'
import type { ClientEntry } from '../../shared/client-app.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { Secret } from '../secret.ts'
import type { ClientApp, Target } from './app.ts'
import { formats, serversOf } from './formats/format.ts'
import { launchOf, packageOf } from './launch.ts'
import { isRemoteWrapper, mcpRemoteLineOf } from './mcp-remote.ts'
import type { OwnEntries } from './own-entries.ts'
import { addressWithoutSecrets, type PlainSecret, plainSecretsOf } from './plain-secrets.ts'

/** Where an entry of ours points; the client key may be in it. */
type OwnTarget =
  | { readonly kind: 'http'; readonly url: Secret }
  | { readonly kind: 'stdio'; readonly command: string; readonly args: readonly string[] }

/** How a server of a client app is reached. Whatever may hold a secret is wrapped. */
type Serves =
  | { readonly kind: 'bridge'; readonly connection: ConnectionId | undefined; readonly target: OwnTarget }
  | { readonly kind: 'remote'; readonly url: Secret; readonly headers: ReadonlyMap<string, Secret> }
  | {
      readonly kind: 'wrapper'
      readonly package: string
      readonly args: readonly Secret[]
      readonly env: ReadonlyMap<string, Secret>
    }
  | { readonly kind: 'local' }
  | { readonly kind: 'unknown' }

/** A server of a client app, read back from its file. */
export interface ServerEntry {
  readonly name: string
  readonly enabled: boolean
  readonly serves: Serves
  /** The address of a remote server, without anything secret. */
  readonly address: string | undefined
  readonly secrets: readonly PlainSecret[]
}

/** The servers in a settings file of an app, in order. Throws `clients.file_broken`. */
export function readServers(app: ClientApp, text: string, own: OwnEntries): readonly ServerEntry[] {
  const servers = serversOf(formats[app.format].parse(text), app.table)
  return [...servers].map(([name, entry]) => {
    const { enabled } = launchOf(entry)
    const serves = servesOf(entry, own)
    const address = addressOf(serves)
    return {
      name,
      enabled,
      serves,
      address: address === undefined ? undefined : addressWithoutSecrets(address),
      secrets: serves.kind === 'bridge' ? [] : plainSecretsOf(entry),
    }
  })
}

/** A server as faces see it. `trouble` is what is wrong with an entry of ours. */
export function viewEntry(
  { name, enabled, serves, address, secrets }: ServerEntry,
  trouble?: ClientEntry['trouble'],
): ClientEntry {
  return {
    name,
    kind: serves.kind,
    enabled,
    ...(serves.kind === 'bridge' && serves.connection !== undefined ? { connection: serves.connection } : {}),
    ...(address === undefined ? {} : { address }),
    plainSecrets: secrets.length,
    ...(trouble === undefined ? {} : { trouble }),
  }
}

/** Whether an entry of ours points at this target. */
export function pointsAt({ serves }: ServerEntry, target: Target): boolean {
  if (serves.kind !== 'bridge') return false
  const at = serves.target
  return at.kind === 'http'
    ? target.kind === 'http' && at.url.reveal() === target.url
    : target.kind === 'stdio' && isDeepStrictEqual([at.command, ...at.args], [target.command, ...target.args])
}

function servesOf(entry: Record<string, unknown>, own: OwnEntries): Serves {
  const { url, headers, command, args, env } = launchOf(entry)
  if (url !== undefined) {
    const ours = own.byAddress(url)
    return ours
      ? { kind: 'bridge', ...ours, target: { kind: 'http', url: new Secret(url) } }
      : { kind: 'remote', url: new Secret(url), headers: wrapped(headers) }
  }
  if (command === undefined) return { kind: 'unknown' }
  const ours = own.byProgram(command, args)
  if (ours) return { kind: 'bridge', ...ours, target: { kind: 'stdio', command, args } }
  const run = packageOf(command, args)
  if (!run || !isRemoteWrapper(run.name)) return { kind: 'local' }
  return {
    kind: 'wrapper',
    package: run.name,
    args: run.args.map((arg) => new Secret(arg)),
    env: wrapped(env),
  }
}

function addressOf(serves: Serves): string | undefined {
  if (serves.kind === 'remote') return serves.url.reveal()
  if (serves.kind !== 'wrapper') return undefined
  return mcpRemoteLineOf(serves.args.map((arg) => arg.reveal()))?.url
}

function wrapped(values: ReadonlyMap<string, string>): ReadonlyMap<string, Secret> {
  return new Map([...values].map(([name, value]) => [name, new Secret(value)]))
}
