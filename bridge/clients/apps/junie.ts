import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome, pathsOf } from '../machine.ts'

export const junie: ClientApp = {
  id: 'junie',
  name: 'JetBrains Junie',
  // Newer versions take addresses as well; programs work with all.
  speaks: 'stdio',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: inHome(machine, '.junie', 'mcp', 'mcp.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.junie', 'mcp', 'mcp.json') }],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [inHome(machine, '.junie')],
  restart: 'Start the IDE again, or switch the server on under Tools > Junie > MCP Settings.',
}
