import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import type { ClientUndo } from '../../shared/client-app.ts'
import { BridgeError } from '../../shared/errors.ts'
import { Secret } from '../secret.ts'
import { clientApp } from './apps.ts'
import type { Backups, KeptBackup } from './backups.ts'
import { formats, serversOf } from './formats/format.ts'
import { plainSecretsOf } from './plain-secrets.ts'
import { type CommandStep, type FileChange, isEmptyPlan, type Plan } from './plan.ts'
import { deleteSettings, readSettings, replaceSettings } from './settings-file.ts'

/** The home and the variables by which a program finds the settings that are meant. */
export type ProgramEnvironment = Readonly<Record<string, string | undefined>>

/**
 * Runs a program without a shell, in the environment of this process with `env` over it. Resolves with whether it ended well;
 * what it prints is dropped, for it may repeat a key.
 */
export type RunProgram = (
  program: string,
  args: readonly string[],
  env: ProgramEnvironment,
) => Promise<boolean>

/** Carries plans out, one after another, and takes them back. */
export interface ClientChanges {
  /**
   * Does what a plan says, or nothing of it: every file is compared with the plan first, backed up, replaced in one step and
   * read again. Resolves with the id for `undo`, or undefined when there is nothing to undo. Rejects with `clients.file_changed`,
   * `clients.file_read_only`, `clients.write_failed` or `clients.command_failed`; the files are then as they were.
   */
  apply(plan: Plan, env?: ProgramEnvironment): Promise<string | undefined>
  /**
   * Takes a change back, the latest by default. Rejects with `clients.nothing_to_undo`, with `clients.undo_overtaken` when a
   * file is not as the change left it, and with `clients.backup_broken`.
   */
  undo(id?: string, env?: ProgramEnvironment): Promise<ClientUndo>
  /** What `undo` would do now, to be looked at; `undo` and not `apply` does it. Rejects as `undo` does. */
  planUndo(id?: string): Promise<Plan>
  /** The changes that could be undone, latest first. */
  undoable(): Promise<readonly ClientUndo[]>
  /** For files that are as our last addition left them: their content before it, for `Situation.originals`. */
  originals(files: ReadonlyMap<string, string>): Promise<ReadonlyMap<string, string>>
}

/** Binds the changes to where backups are kept. */
export function clientChanges({
  backups,
  run = runProgram,
}: {
  backups: Backups
  run?: RunProgram
}): ClientChanges {
  let turn: Promise<unknown> = Promise.resolve()
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(work, work)
    turn = result.catch(() => undefined)
    return result
  }

  const apply = async (plan: Plan, env: ProgramEnvironment): Promise<string | undefined> => {
    if (isEmptyPlan(plan)) return undefined
    for (const { path, before } of plan.changes) {
      if ((await readSettings(path)) !== before?.reveal())
        throw new BridgeError('clients.file_changed', nameOf(path))
    }
    const id = await keep(plan)
    const done: (() => Promise<unknown>)[] = []
    try {
      for (const change of plan.changes) {
        await write(change)
        done.unshift(() => takeBack(change))
        if ((await readSettings(change.path)) !== change.after?.reveal()) {
          throw new BridgeError(
            'clients.write_failed',
            `${nameOf(change.path)} reads otherwise than it was written`,
          )
        }
      }
      for (const { program, args, undo, leaves } of plan.commands) {
        await command(plan.app, { program, args, leaves }, env)
        done.unshift(() => run(program, undo, env))
      }
      return id
    } catch (thrown) {
      for (const back of done) await back().catch(() => undefined)
      if (id !== undefined) await backups.remove(id)
      throw thrown
    }
  }

  const keep = async ({ kind, app, changes, commands }: Plan): Promise<string | undefined> => {
    const files = changes.filter(({ keepsBackup }) => keepsBackup)
    const isKept = kind !== 'undo' && kind !== 'renew' && files.length + commands.length > 0
    if (!isKept) return undefined
    return backups.add({
      ...(app === undefined ? {} : { app }),
      kind,
      files: files.map(({ path, before, after }) => ({
        path,
        ...(before === undefined ? {} : { before: before.reveal() }),
        after: hashOf(after?.reveal() ?? ''),
      })),
      commands: commands.toReversed().map(({ program, undo, leaves }) => ({
        program,
        args: [...undo],
        leaves: { ...leaves, present: !leaves.present },
      })),
    })
  }

  const command = async (
    app: Plan['app'],
    { program, args, leaves }: Omit<CommandStep, 'undo'>,
    env: ProgramEnvironment,
  ): Promise<void> => {
    const ended = await run(program, args, env)
    const { format, table } = clientApp(app ?? '')
    const text = (await readSettings(leaves.path)) ?? ''
    const present = serversOf(formats[format].parse(text), table).has(leaves.name)
    if (!ended || present !== leaves.present) {
      throw new BridgeError('clients.command_failed', `${nameOf(program)} ${args.slice(0, 2).join(' ')}`)
    }
  }

  const openUndo = async (
    given?: string,
  ): Promise<{ backup: KeptBackup; changes: readonly FileChange[] }> => {
    const id = given ?? (await backups.ids())[0]
    const backup = id === undefined ? undefined : await backups.get(id)
    if (!backup) throw new BridgeError('clients.nothing_to_undo')
    const changes: FileChange[] = []
    for (const { path, before, after } of backup.files) {
      const text = await readSettings(path)
      if (text === undefined || hashOf(text) !== after)
        throw new BridgeError('clients.undo_overtaken', nameOf(path))
      const original = before === undefined ? undefined : new Secret(before)
      changes.push({ path, before: new Secret(text), after: original, keepsBackup: false })
    }
    return { backup, changes }
  }

  const undo = async (given: string | undefined, env: ProgramEnvironment): Promise<ClientUndo> => {
    const { backup, changes } = await openUndo(given)
    for (const change of changes) await write(change)
    for (const step of backup.commands) await command(backup.app, step, env)
    await backups.remove(backup.id)
    return viewUndo(backup)
  }

  return {
    apply: (plan, env = {}) => inTurn(() => apply(plan, env)),
    undo: (id, env = {}) => inTurn(() => undo(id, env)),
    async planUndo(id) {
      const { backup, changes } = await openUndo(id)
      return {
        kind: 'undo',
        app: backup.app,
        undoes: backup.id,
        changes,
        commands: backup.commands.map((step) => ({ ...step, undo: [] })),
        notes: [],
        secrets: changes.flatMap(({ before, after }) => secretsOf(backup.app, [before, after])),
      }
    },
    async undoable() {
      const found: ClientUndo[] = []
      for (const id of await backups.ids()) {
        const backup = await backups.get(id).catch(() => undefined)
        if (backup) found.push(viewUndo(backup))
      }
      return found
    },
    async originals(files) {
      const found = new Map<string, string>()
      for (const id of await backups.ids()) {
        const backup = await backups.get(id).catch(() => undefined)
        for (const { path, before, after } of backup?.kind === 'add' ? backup.files : []) {
          const text = files.get(path)
          if (text !== undefined && before !== undefined && !found.has(path) && hashOf(text) === after) {
            found.set(path, before)
          }
        }
      }
      return found
    },
  }
}

async function write({ path, before, after }: FileChange): Promise<void> {
  if (after) await replaceSettings(path, before?.reveal(), after.reveal())
  else if (before) await deleteSettings(path, before.reveal())
}

async function takeBack({ path, before, after }: FileChange): Promise<void> {
  if (before) await replaceSettings(path, after?.reveal(), before.reveal())
  else if (after) await deleteSettings(path, after.reveal())
}

function viewUndo({ id, app, at, files, commands }: KeptBackup): ClientUndo {
  const paths = [...files.map(({ path }) => path), ...commands.map(({ leaves }) => leaves.path)]
  return { id, ...(app === undefined ? {} : { app }), at, paths: [...new Set(paths)] }
}

/** A file of an app that cannot be told any more is shown by its path alone. */
function secretsOf(app: Plan['app'], texts: readonly (Secret | undefined)[]): readonly Secret[] {
  if (app === undefined) return texts.filter((text) => text !== undefined)
  const { format } = clientApp(app)
  return texts.flatMap((text) =>
    text ? plainSecretsOf(formats[format].parse(text.reveal())).map(({ value }) => value) : [],
  )
}

const runProgram: RunProgram = (program, args, env) =>
  new Promise((resolve) => {
    const options = { timeout: 60_000, windowsHide: true, env: { ...process.env, ...env } }
    execFile(program, [...args], options, (error) => resolve(error === null))
  })

function nameOf(path: string): string {
  return path.split(/[/\\]/).at(-1) ?? path
}

function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
