import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import { Secret } from '../secret.ts'
import { candidatesOf, chooseFile, type ClientApp, isInstalled, type Target } from './app.ts'
import { commandsFor, type EntryStep } from './commands.ts'
import { readServers, type ServerEntry } from './entries.ts'
import { formats, putServer, saysTheSame, takeServer } from './formats/format.ts'
import { launchFields } from './launch.ts'
import { type Machine, pathsOf } from './machine.ts'
import type { McpAuthRecord } from './mcp-auth.ts'
import type { OwnEntries } from './own-entries.ts'
import { plainSecretsOf } from './plain-secrets.ts'
import type { CommandStep, FileChange, Plan } from './plan.ts'

/** What is known when a plan is made. */
export interface Situation {
  readonly machine: Machine
  readonly own: OwnEntries
  /** The content of the app's settings files that exist, by path. */
  readonly files: ReadonlyMap<string, string>
  /** The folder of a project, to change its settings and not the person's. */
  readonly project?: string
  /** For files that are as our last addition left them: their content before it. */
  readonly originals?: ReadonlyMap<string, string>
}

/** What an entry is to lead to: one connection, or all of them. */
export interface Wanted {
  readonly connection: ConnectionId | undefined
  readonly target: Target
}

/** An entry of another's that is to become ours. */
export interface Replacement {
  readonly path: string
  readonly name: string
  readonly target: Target
}

const programFields = ['command', 'cmd', 'args', 'env', 'envs', 'environment', 'cwd']
const addressFields = ['url', 'serverUrl', 'httpUrl', 'uri', 'headers']

/**
 * Adds entries, or brings those that lead to the same connections up to date. Throws `clients.entry_taken` when a server of
 * another has the name, and the `clients.file_*` errors of a file that cannot be edited.
 */
export function planAdd(app: ClientApp, wanted: readonly Wanted[], situation: Situation): Plan {
  const { machine, own, files, project } = situation
  const path = chooseFile(candidatesOf(app, machine, project), machine)
  const before = files.get(path)
  const isBlank = before === undefined || before.trim() === ''
  const start = isBlank ? (before ?? '') + (app.blank ?? '') : before
  const servers = readServers(app, start, own)
  const entries = wanted.map(({ connection, target }) => {
    const present = servers.find(({ serves }) => serves.kind === 'bridge' && serves.connection === connection)
    const name = present?.name ?? entryName(connection)
    if (!present && servers.some((server) => server.name === name)) {
      throw new BridgeError('clients.entry_taken', `${name} in ${app.name}`)
    }
    return { name, target, replaces: present !== undefined }
  })
  const notes = [
    ...(isInstalled(app, machine) ? [] : [`${app.name} was not found on this machine.`]),
    ...(project !== undefined && wanted.some(({ target }) => target.kind === 'http')
      ? ['This file is often shared with others; the address in it holds a key of this machine.']
      : []),
    ...doubleNotes(app, wanted, servers),
  ]
  return { ...planPut(app, path, entries, start, situation), notes }
}

/** Whoever has an entry for all connections and one for some of them lists the tools of these twice. */
function doubleNotes(
  app: ClientApp,
  wanted: readonly Wanted[],
  servers: readonly ServerEntry[],
): readonly string[] {
  const present = servers.flatMap(({ serves }) => (serves.kind === 'bridge' ? [serves.connection] : []))
  const single = present.filter((connection) => connection !== undefined)
  const isForAll = wanted.some(({ connection }) => connection === undefined)
  const hasAll = present.includes(undefined)
  if (isForAll && single.length > 0) {
    return [
      `${app.name} has entries of single connections too and lists their tools twice: clients remove ${app.id} ${single.join(' ')} takes them out.`,
    ]
  }
  return !isForAll && hasAll
    ? [`${app.name} has an entry for all connections already and lists these tools twice.`]
    : []
}

/**
 * Brings every entry of ours up to date, wherever the app has one: after a key was rotated, a port changed or the shim moved.
 * `targetOf` says how a connection, or all of them, is reached by now; an entry without a target stays as it is.
 * No backup is kept: to take it back would bring a key or an address back that is refused.
 */
export function planRenewal(
  app: ClientApp,
  targetOf: (connection: ConnectionId | undefined) => Target | undefined,
  situation: Situation,
): Plan {
  const { machine, own, files, project } = situation
  const plans = candidatesOf(app, machine, project).map(({ path }) => {
    const before = files.get(path) ?? ''
    const entries = (readable(app, before, own) ?? []).flatMap(({ name, serves }) => {
      const target = serves.kind === 'bridge' ? targetOf(serves.connection) : undefined
      return target ? [{ name, target, replaces: true }] : []
    })
    return planPut(app, path, entries, before, situation)
  })
  return {
    kind: 'renew',
    app: app.id,
    changes: plans.flatMap(({ changes }) => changes),
    commands: plans.flatMap(({ commands }) => commands),
    notes: [],
    secrets: plans.flatMap(({ secrets }) => secrets),
  }
}

/** Removes our entries: those of some connections, or every one. Files without any stay as they are. */
export function planRemove(
  app: ClientApp,
  connections: readonly (ConnectionId | undefined)[] | 'every',
  situation: Situation,
): Plan {
  const { machine, files, project, originals } = situation
  const changes: FileChange[] = []
  const commands: CommandStep[] = []
  const notes: string[] = []
  for (const { path } of candidatesOf(app, machine, project)) {
    const before = files.get(path)
    if (before === undefined) continue
    const servers = readable(app, before, situation.own)
    if (!servers) notes.push(`${pathsOf(machine).basename(path)} cannot be read and is left alone.`)
    const ours = (servers ?? []).filter(
      ({ serves }) =>
        serves.kind === 'bridge' && (connections === 'every' || connections.includes(serves.connection)),
    )
    const steps = ours.map(({ name }) => ({ name, target: undefined, replaces: true }))
    const own = commandsFor(app, steps, path, before, situation)
    if (own) {
      commands.push(...own)
    } else if (ours.length > 0) {
      const format = formats[app.format]
      const taken = ours.reduce((text, { name }) => takeServer(format, text, app.table, name), before)
      const original = originals?.get(path)
      const isOriginal = original !== undefined && saysTheSame(format, original, taken, app.table)
      changes.push(changeOf(path, before, isOriginal ? original : taken))
    }
  }
  const shown = changes.map(({ before }) => before?.reveal())
  return { kind: 'remove', app: app.id, changes, commands, notes, secrets: secretsOf(app, shown) }
}

/**
 * Points entries of others at the bridge: the way to the server is replaced, with the secrets in it, and what else the
 * person has set for it stays. Throws `clients.not_importable` when an entry is not there any more.
 */
export function planTakeOver(
  app: ClientApp,
  replacements: readonly Replacement[],
  situation: Situation,
): Plan {
  const paths = [...new Set(replacements.map(({ path }) => path))]
  const changes = paths.flatMap((path) => {
    const before = situation.files.get(path) ?? ''
    const after = replacements
      .filter((replacement) => replacement.path === path)
      .reduce((text, { name, target }) => {
        if (!readServers(app, text, situation.own).some((server) => server.name === name)) {
          throw new BridgeError('clients.not_importable', `${name} is not in ${app.name} any more`)
        }
        return put(app, text, name, target, launchFields)
      }, before)
    return after === before ? [] : [changeOf(path, before, after)]
  })
  const shown = changes.map(({ before }) => before?.reveal())
  return { kind: 'take-over', app: app.id, changes, commands: [], notes: [], secrets: secretsOf(app, shown) }
}

/** Deletes what `mcp-remote` has stored for servers that were taken over. No backup is kept: it would hold the tokens. */
export function planCleanUp(
  records: readonly McpAuthRecord[],
  texts: (path: string) => string | undefined,
): Plan {
  const changes = records
    .flatMap(({ files }) => files)
    .flatMap(({ path }): readonly FileChange[] => {
      const before = texts(path)
      if (before === undefined) return []
      return [{ path, before: new Secret(before), after: undefined, keepsBackup: false }]
    })
  const notes =
    changes.length > 0
      ? ['Deleted files do not come back. The tokens stay valid at the servers until they expire.']
      : []
  return { kind: 'clean-up', app: undefined, changes, commands: [], notes, secrets: [] }
}

/** A link that makes the app offer the entry, for apps that have one. It holds the address, and so the client key. */
export function linkFor(app: ClientApp, { connection, target }: Wanted): string | undefined {
  return app.link?.(entryName(connection), target)
}

/** The key of an entry: a connection goes by its own id, so that its tools keep the names that people know. */
function entryName(connection: ConnectionId | undefined): string {
  if (connection === undefined) return 'bridgekeeper'
  return connection === 'bridgekeeper' ? 'bridgekeeper-connection' : connection
}

function planPut(
  app: ClientApp,
  path: string,
  entries: readonly (EntryStep & { readonly target: Target })[],
  start: string,
  situation: Situation,
): Plan {
  const before = situation.files.get(path)
  const steps: EntryStep[] = []
  const after = entries.reduce((text, entry) => {
    const drop = entry.target.kind === 'http' ? programFields : addressFields
    const next = put(app, text, entry.name, entry.target, drop)
    if (next !== text) steps.push(entry)
    return next
  }, start)
  const commands = commandsFor(app, steps, path, before, situation)
  return {
    kind: 'add',
    app: app.id,
    changes: commands || steps.length === 0 ? [] : [changeOf(path, before, after)],
    commands: commands ?? [],
    notes: [],
    secrets: steps.length === 0 ? [] : secretsOf(app, [before]),
  }
}

function put(app: ClientApp, text: string, name: string, target: Target, drop: readonly string[]): string {
  if (app.speaks === 'stdio' && target.kind === 'http') {
    throw new BridgeError('clients.file_unsupported', `${app.name} starts programs only`)
  }
  return putServer(formats[app.format], text, app.table, name, app.fields(target, name), drop)
}

function readable(app: ClientApp, text: string, own: OwnEntries): readonly ServerEntry[] | undefined {
  try {
    return readServers(app, text, own)
  } catch {
    return undefined
  }
}

function changeOf(path: string, before: string | undefined, after: string): FileChange {
  return {
    path,
    before: before === undefined ? undefined : new Secret(before),
    after: new Secret(after),
    keepsBackup: true,
  }
}

/** Every secret of the whole files: the lines around a change are shown too. */
function secretsOf(app: ClientApp, texts: readonly (string | undefined)[]): readonly Secret[] {
  return texts.flatMap((text) =>
    text === undefined ? [] : plainSecretsOf(formats[app.format].parse(text)).map(({ value }) => value),
  )
}
