import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome } from '../machine.ts'

export const antigravity: ClientApp = {
  id: 'antigravity',
  name: 'Antigravity',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  // Version 2 moved to the folder that the editor and the CLI share.
  files: (machine) => [
    { path: inHome(machine, '.gemini', 'config', 'mcp_config.json') },
    { path: inHome(machine, '.gemini', 'antigravity', 'mcp_config.json') },
  ],
  fields: (target) => (target.kind === 'http' ? { serverUrl: target.url } : programFields(target)),
  traces: (machine) => [
    inHome(machine, '.gemini', 'antigravity'),
    inHome(machine, '.gemini', 'config'),
    inHome(machine, '.antigravity'),
  ],
  restart: 'Refresh the list under “Manage MCP Servers” in Antigravity.',
}
