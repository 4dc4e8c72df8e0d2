import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inAppData, inConfig, inHome, type Machine, pathsOf } from '../machine.ts'

/** On macOS Zed uses `~/.config/zed`, whatever `XDG_CONFIG_HOME` says and not the folder of desktop programs. */
function folder(machine: Machine): string {
  if (machine.platform === 'darwin') return inHome(machine, '.config', 'zed')
  return machine.platform === 'win32' ? inAppData(machine, 'Zed') : inConfig(machine, 'zed')
}

export const zed: ClientApp = {
  id: 'zed',
  name: 'Zed',
  speaks: 'http',
  format: 'json',
  table: tableAt('context_servers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'settings.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.zed', 'settings.json') }],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [folder(machine)],
}
