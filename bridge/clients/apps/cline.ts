import { type ClientApp, programFields, tableAt } from '../app.ts'
import { folderFrom, inAppData, inHome, type Machine, pathsOf } from '../machine.ts'

const file = 'cline_mcp_settings.json'

/** The file that the extension and the CLI share since they keep their data in one place. */
function shared(machine: Machine): string {
  const paths = pathsOf(machine)
  const data =
    folderFrom(machine, 'CLINE_DATA_DIR') ??
    paths.join(folderFrom(machine, 'CLINE_DIR') ?? inHome(machine, '.cline'), 'data')
  return folderFrom(machine, 'CLINE_MCP_SETTINGS_PATH') ?? paths.join(data, 'settings', file)
}

function extension(machine: Machine): string {
  return inAppData(machine, 'Code', 'User', 'globalStorage', 'saoudrizwan.claude-dev', 'settings')
}

export const cline: ClientApp = {
  id: 'cline',
  name: 'Cline',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  // Newer versions take over the extension's old file once and do not read it again.
  files: (machine) => [{ path: shared(machine) }, { path: pathsOf(machine).join(extension(machine), file) }],
  fields: (target) =>
    target.kind === 'http' ? { type: 'streamableHttp', url: target.url } : programFields(target),
  traces: (machine) => [
    pathsOf(machine).dirname(extension(machine)),
    inHome(machine, '.cline'),
    shared(machine),
  ],
}
