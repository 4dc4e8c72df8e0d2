import { type ClientApp, programFields, tableAt } from '../app.ts'
import { folderFrom, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return pathsOf(machine).join(folderFrom(machine, 'GEMINI_CLI_HOME') ?? machine.home, '.gemini')
}

export const geminiCli: ClientApp = {
  id: 'gemini-cli',
  name: 'Gemini CLI',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'settings.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.gemini', 'settings.json') }],
  // Newer versions also take `url` with a type, older ones read that as HTTP+SSE; `httpUrl` works with all.
  fields: (target) => (target.kind === 'http' ? { httpUrl: target.url } : programFields(target)),
  traces: (machine) => [
    pathsOf(machine).join(folder(machine), 'settings.json'),
    pathsOf(machine).join(folder(machine), 'tmp'),
  ],
  restart: 'Start a new session of Gemini CLI.',
}
