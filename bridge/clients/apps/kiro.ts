import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome, pathsOf } from '../machine.ts'

export const kiro: ClientApp = {
  id: 'kiro',
  name: 'Kiro',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: inHome(machine, '.kiro', 'settings', 'mcp.json') }],
  projectFiles: (project, machine) => [
    { path: pathsOf(machine).join(project, '.kiro', 'settings', 'mcp.json') },
  ],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [inHome(machine, '.kiro')],
}
