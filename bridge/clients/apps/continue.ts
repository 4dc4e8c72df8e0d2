import { type ClientApp, programFields } from '../app.ts'
import { folderFrom, inHome, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return folderFrom(machine, 'CONTINUE_GLOBAL_DIR') ?? inHome(machine, '.continue')
}

export const continueDev: ClientApp = {
  id: 'continue',
  name: 'Continue',
  speaks: 'http',
  format: 'yaml',
  table: { keys: ['mcpServers'], listed: true },
  files: (machine) => {
    const paths = pathsOf(machine)
    return [
      { path: paths.join(folder(machine), 'config.yaml'), hides: paths.join(folder(machine), 'config.json') },
    ]
  },
  projectFiles: (project, machine) => [
    { path: pathsOf(machine).join(project, '.continue', 'mcpServers', 'bridgekeeper.yaml') },
  ],
  fields: (target) =>
    target.kind === 'http' ? { type: 'streamable-http', url: target.url } : programFields(target),
  traces: (machine) => [folder(machine)],
  // Continue refuses a file without these three.
  blank: 'name: Bridgekeeper\nversion: 1.0.0\nschema: v1\n',
}
