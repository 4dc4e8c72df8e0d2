import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inAppData, pathsOf } from '../machine.ts'

const fields: ClientApp['fields'] = (target) =>
  target.kind === 'http' ? { type: 'http', url: target.url } : { type: 'stdio', ...programFields(target) }

function edition(id: 'vscode' | 'vscode-insiders', name: string, folder: string, scheme: string): ClientApp {
  return {
    id,
    name,
    speaks: 'http',
    format: 'json',
    table: tableAt('servers'),
    files: (machine) => [{ path: inAppData(machine, folder, 'User', 'mcp.json') }],
    projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.vscode', 'mcp.json') }],
    fields,
    traces: (machine) => [inAppData(machine, folder)],
    link: (entry, target) => {
      const config = JSON.stringify({ name: entry, ...fields(target, entry) })
      return `${scheme}:mcp/install?${encodeURIComponent(config)}`
    },
    restart: 'Start the server when VS Code asks, or with “MCP: List Servers”.',
  }
}

export const vscode = edition('vscode', 'VS Code', 'Code', 'vscode')
export const vscodeInsiders = edition(
  'vscode-insiders',
  'VS Code Insiders',
  'Code - Insiders',
  'vscode-insiders',
)
