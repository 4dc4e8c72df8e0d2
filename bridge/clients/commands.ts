import type { ClientApp, Target } from './app.ts'
import { formats, serversOf } from './formats/format.ts'
import { launchOf } from './launch.ts'
import { type Machine, programOf } from './machine.ts'
import type { CommandStep } from './plan.ts'

/** An entry that is to be put (with a target) or taken away (without), in place of one of that name or not. */
export interface EntryStep {
  readonly name: string
  readonly target: Target | undefined
  readonly replaces: boolean
}

/** The steps as commands of the app's own; undefined when it has none, is not on the path, or a project is meant. */
export function commandsFor(
  app: ClientApp,
  steps: readonly EntryStep[],
  path: string,
  before: string | undefined,
  { machine, project }: { machine: Machine; project?: string },
): readonly CommandStep[] | undefined {
  const { command } = app
  const program = command && project === undefined ? programOf(machine, command.program) : undefined
  if (!command || program === undefined) return undefined
  return steps.flatMap(({ name, target, replaces }) => {
    const old = replaces && before !== undefined ? targetOf(app, before, name) : undefined
    const step = (args: readonly string[], undo: readonly string[], present: boolean): CommandStep => ({
      program,
      args,
      undo,
      leaves: { path, name, present },
    })
    return [
      ...(old ? [step(command.remove(name), command.add(name, old), false)] : []),
      ...(target ? [step(command.add(name, target), command.remove(name), true)] : []),
    ]
  })
}

function targetOf(app: ClientApp, text: string, name: string): Target | undefined {
  const entry = serversOf(formats[app.format].parse(text), app.table).get(name)
  if (!entry) return undefined
  const { url, command, args } = launchOf(entry)
  if (url !== undefined) return { kind: 'http', url }
  return command === undefined ? undefined : { kind: 'stdio', command, args }
}
