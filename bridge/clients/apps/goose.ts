import { type ClientApp, tableAt } from '../app.ts'
import { folderFrom, inAppData, inConfig, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  const root = folderFrom(machine, 'GOOSE_PATH_ROOT')
  if (root !== undefined) return pathsOf(machine).join(root, 'config')
  return machine.platform === 'win32'
    ? inAppData(machine, 'Block', 'goose', 'config')
    : inConfig(machine, 'goose')
}

export const goose: ClientApp = {
  id: 'goose',
  name: 'Goose',
  speaks: 'http',
  format: 'yaml',
  table: tableAt('extensions'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'config.yaml') }],
  fields: (target, name) => ({
    enabled: true,
    name,
    description: '',
    timeout: 300,
    ...(target.kind === 'http'
      ? { type: 'streamable_http', uri: target.url }
      : { type: 'stdio', cmd: target.command, args: target.args }),
  }),
  traces: (machine) => [folder(machine)],
  restart: 'Start a new session of Goose.',
}
