import { type ClientApp, programFields, tableAt } from '../app.ts'
import { folderFrom, inHome, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return folderFrom(machine, 'COPILOT_HOME') ?? inHome(machine, '.copilot')
}

export const copilotCli: ClientApp = {
  id: 'copilot-cli',
  name: 'GitHub Copilot CLI',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'mcp-config.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.github', 'mcp.json') }],
  fields: (target) => ({
    ...(target.kind === 'http'
      ? { type: 'http', url: target.url }
      : { type: 'local', ...programFields(target) }),
    tools: ['*'],
  }),
  traces: (machine) => [folder(machine)],
  restart: 'Start a new session of Copilot CLI.',
}
