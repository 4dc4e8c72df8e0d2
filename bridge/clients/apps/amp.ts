import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inAppData, inHome, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return machine.platform === 'win32' ? inAppData(machine, 'amp') : inHome(machine, '.config', 'amp')
}

export const amp: ClientApp = {
  id: 'amp',
  name: 'Amp',
  speaks: 'http',
  format: 'json',
  table: tableAt('amp.mcpServers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'settings.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.amp', 'settings.json') }],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [folder(machine)],
  restart: 'Start a new session of Amp.',
}
