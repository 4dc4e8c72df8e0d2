import type { ClientAppId } from '../../shared/client-app.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { FormatName, JsonObject, ServerTable } from './formats/format.ts'
import { exists, type Machine, pathsOf } from './machine.ts'

/** What an entry points a client app at: a local address, or a program that is started and spoken to over stdio. */
export type Target =
  | { readonly kind: 'http'; readonly url: string }
  | {
      readonly kind: 'stdio'
      readonly command: string
      readonly args: readonly string[]
      /** What the program needs in its environment, where it needs anything. */
      readonly env?: Readonly<Record<string, string>>
    }

/** A place where a client app may keep its settings. */
export interface Candidate {
  readonly path: string
  /** The folder whose presence says that the app keeps its settings here; the file's own folder by default. */
  readonly folder?: string
  /** A file that the app would no longer read once this one is there, so that it must not be made beside it. */
  readonly hides?: string
}

/** How a client app adds and removes servers by a command of its own. */
interface OwnCommand {
  readonly program: string
  add(name: string, target: Target): readonly string[]
  remove(name: string): readonly string[]
}

/** One client app: where its settings are and how a server is written there. Everything is pure. */
export interface ClientApp {
  readonly id: ClientAppId
  readonly name: string
  /** Whether it can be pointed at an address, or only starts programs. */
  readonly speaks: 'http' | 'stdio'
  readonly format: FormatName
  readonly table: ServerTable
  /** The candidates, the one that the app prefers first. A new file is made at the first whose folder is there. */
  files(machine: Machine): readonly Candidate[]
  /** The files of a project folder, in the same order. */
  projectFiles?(project: string, machine: Machine): readonly Candidate[]
  /** The fields of a server. */
  fields(target: Target, name: string): JsonObject
  /** Files or folders whose presence says that the app is installed. */
  traces(machine: Machine): readonly string[]
  /** What a new file holds before the first server. */
  readonly blank?: string
  readonly command?: OwnCommand
  /** A link that makes the app offer the server. */
  link?(name: string, target: Target): string
  /** What the person does for a change to take effect. */
  readonly restart?: string
}

/** Whether the app seems to be installed. */
export function isInstalled(app: ClientApp, machine: Machine): boolean {
  return app.traces(machine).some((trace) => exists(machine, trace))
}

/** The candidates of the person's own settings, or of a project's. Throws `clients.no_project_file`. */
export function candidatesOf(app: ClientApp, machine: Machine, project?: string): readonly Candidate[] {
  if (project === undefined) return app.files(machine)
  if (!app.projectFiles) throw new BridgeError('clients.no_project_file', app.name)
  return app.projectFiles(project, machine)
}

/**
 * The file to edit: the first that exists, or else the first whose folder does, or else the first.
 * Throws `clients.file_unsupported` when a new file would hide the one in use.
 */
export function chooseFile(candidates: readonly Candidate[], machine: Machine): string {
  const paths = pathsOf(machine)
  const present = candidates.find(({ path }) => exists(machine, path))
  if (present) return present.path
  const chosen =
    candidates.find(({ path, folder }) => machine.list(folder ?? paths.dirname(path)) !== undefined) ??
    candidates[0]
  if (!chosen) throw new BridgeError('clients.file_unsupported')
  if (chosen.hides !== undefined && exists(machine, chosen.hides)) {
    throw new BridgeError('clients.file_unsupported', `the app still reads ${paths.basename(chosen.hides)}`)
  }
  return chosen.path
}

/** The fields of most apps for a program. */
export function programFields(target: Extract<Target, { kind: 'stdio' }>): JsonObject {
  const { command, args, env } = target
  return { command, args, ...(env === undefined ? {} : { env }) }
}

/** Most apps: servers by name under one key. */
export function tableAt(...keys: readonly string[]): ServerTable {
  return { keys, listed: false }
}
