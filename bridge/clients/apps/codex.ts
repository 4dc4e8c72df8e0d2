import { type ClientApp, programFields, tableAt } from '../app.ts'
import { folderFrom, inHome, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return folderFrom(machine, 'CODEX_HOME') ?? inHome(machine, '.codex')
}

export const codex: ClientApp = {
  id: 'codex',
  name: 'Codex',
  speaks: 'http',
  format: 'toml',
  table: tableAt('mcp_servers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'config.toml') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.codex', 'config.toml') }],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [folder(machine)],
  restart: 'Start a new session of Codex.',
}
