import { readdirSync, readFileSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute } from 'node:path'
import type { ClientAppState, ClientEntry, ClientFile } from '../../shared/client-app.ts'
import { type ClientPlace, clientVariables } from '../../shared/client-change.ts'
import { type Failure, toFailure } from '../../shared/errors.ts'
import { candidatesOf, type ClientApp, isInstalled } from './app.ts'
import { clientApps } from './apps.ts'
import { readServers, type ServerEntry, viewEntry } from './entries.ts'
import { type AppFile, findImportable, type ImportFindings, type ImportSources } from './importable.ts'
import type { Machine } from './machine.ts'
import type { OwnEntries } from './own-entries.ts'
import { readSettings } from './settings-file.ts'

/**
 * The machine that this process runs on, with the home and the variables that a face has, where it says them. A relative path
 * would be one in the folder of the bridge, and is as good as none.
 */
export function thisMachine({ home, env }: Pick<ClientPlace, 'home' | 'env'> = {}): Machine {
  const { platform } = process
  const own = env ? Object.fromEntries(clientVariables.map((name) => [name, env[name]])) : {}
  return {
    platform: platform === 'darwin' || platform === 'win32' ? platform : 'linux',
    home: home !== undefined && isAbsolute(home) ? home : homedir(),
    env: { ...process.env, ...own },
    list(folder) {
      try {
        return readdirSync(folder)
      } catch {
        return undefined
      }
    },
  }
}

/** The text of a small file that another file names absolutely; undefined for everything else. */
export function readNamedFile(path: string): string | undefined {
  try {
    if (!isAbsolute(path)) return undefined
    const found = statSync(path)
    return found.isFile() && found.size <= 1024 * 1024 ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** The settings files of an app that exist, by path. Throws `clients.no_project_file` and `clients.file_broken`. */
export async function readFilesOf(
  app: ClientApp,
  machine: Machine,
  project?: string,
): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>()
  for (const { path } of candidatesOf(app, machine, project)) {
    const text = await readSettings(path)
    if (text !== undefined) files.set(path, text)
  }
  return files
}

/** What is wrong with an entry of ours in an app, if anything. */
export type TroubleOf = (app: ClientApp, entry: ServerEntry) => ClientEntry['trouble']

/** Every client app: whether it is installed and what it is set up with, for the person and for a project. */
export async function surveyClients(
  machine: Machine,
  own: OwnEntries,
  project?: string,
  troubleOf: TroubleOf = () => undefined,
): Promise<readonly ClientAppState[]> {
  return Promise.all(
    clientApps.map(async (app) => {
      const places = [
        ...app.files(machine).map(({ path }) => ({ path, scope: 'user' as const })),
        ...(project === undefined || !app.projectFiles
          ? []
          : app.projectFiles(project, machine).map(({ path }) => ({ path, scope: 'project' as const }))),
      ]
      const files = await Promise.all(
        places.map(({ path, scope }) => surveyFile(app, { path, scope }, own, troubleOf)),
      )
      return {
        id: app.id,
        name: app.name,
        installed: isInstalled(app, machine),
        speaks: app.speaks,
        files: files.filter((file) => file !== undefined),
        ...(app.restart === undefined ? {} : { restart: app.restart }),
      }
    }),
  )
}

async function surveyFile(
  app: ClientApp,
  { path, scope }: Pick<ClientFile, 'path' | 'scope'>,
  own: OwnEntries,
  troubleOf: TroubleOf,
): Promise<ClientFile | undefined> {
  try {
    const text = await readSettings(path)
    if (text === undefined) return undefined
    const entries = readServers(app, text, own)
    return { path, scope, entries: entries.map((entry) => viewEntry(entry, troubleOf(app, entry))) }
  } catch (thrown) {
    return { path, scope, entries: [], failure: toFailure(thrown) }
  }
}

/** Looks through the settings of some or all client apps on this machine for servers that could be taken over. */
export async function surveyImportable(
  machine: Machine,
  own: OwnEntries,
  connections: ImportSources['connections'],
  apps: readonly ClientApp[] = clientApps,
): Promise<ImportFindings> {
  const unreadable: { path: string; failure: Failure }[] = []
  const files: AppFile[] = []
  for (const app of apps) {
    for (const { path } of app.files(machine)) {
      try {
        const text = await readSettings(path)
        if (text !== undefined) files.push({ app, path, text })
      } catch (thrown) {
        unreadable.push({ path, failure: toFailure(thrown) })
      }
    }
  }
  const found = findImportable({ files, own, machine, texts: readNamedFile, connections })
  return { ...found, unreadable: [...unreadable, ...found.unreadable] }
}
