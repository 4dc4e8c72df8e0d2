import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome } from '../machine.ts'

export const windsurf: ClientApp = {
  id: 'windsurf',
  name: 'Windsurf',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: inHome(machine, '.codeium', 'windsurf', 'mcp_config.json') }],
  fields: (target) => (target.kind === 'http' ? { serverUrl: target.url } : programFields(target)),
  traces: (machine) => [inHome(machine, '.codeium', 'windsurf')],
  restart: 'Refresh the list of MCP servers in Windsurf.',
}
