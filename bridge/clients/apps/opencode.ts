import { type Candidate, type ClientApp, tableAt } from '../app.ts'
import { inConfig, type Machine, pathsOf } from '../machine.ts'

/** Both files are read and the one with comments wins. */
function both(machine: Machine, folder: string): readonly Candidate[] {
  const paths = pathsOf(machine)
  return [{ path: paths.join(folder, 'opencode.jsonc') }, { path: paths.join(folder, 'opencode.json') }]
}

export const opencode: ClientApp = {
  id: 'opencode',
  name: 'opencode',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcp'),
  // Its library for folders follows XDG on every platform, Windows too.
  files: (machine) => both(machine, inConfig(machine, 'opencode')),
  projectFiles: (project, machine) => both(machine, project),
  fields: (target) =>
    target.kind === 'http'
      ? { type: 'remote', url: target.url, enabled: true }
      : { type: 'local', command: [target.command, ...target.args], enabled: true },
  traces: (machine) => [inConfig(machine, 'opencode')],
  restart: 'Start opencode again.',
}
