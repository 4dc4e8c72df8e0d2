import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inAppData, inLocalAppData, type Machine, pathsOf } from '../machine.ts'

const file = 'claude_desktop_config.json'

/** The packaged build of Windows redirects `%APPDATA%` into a folder of its own and never reads the plain one. */
function packagedFolders(machine: Machine): readonly string[] {
  if (machine.platform !== 'win32') return []
  const packages = inLocalAppData(machine, 'Packages')
  const names = (machine.list(packages) ?? []).filter((name) => name.startsWith('Claude_')).sort()
  return names.map((name) => pathsOf(machine).join(packages, name, 'LocalCache', 'Roaming', 'Claude'))
}

export const claudeDesktop: ClientApp = {
  id: 'claude-desktop',
  name: 'Claude Desktop',
  speaks: 'stdio',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [
    ...packagedFolders(machine).map((folder) => ({ path: pathsOf(machine).join(folder, file), folder })),
    { path: inAppData(machine, 'Claude', file) },
  ],
  // Its file takes programs only; remote servers are added in its own settings, from the internet side.
  fields: (target) => (target.kind === 'http' ? { type: 'http', url: target.url } : programFields(target)),
  traces: (machine) => [...packagedFolders(machine), inAppData(machine, 'Claude')],
  restart: 'Quit Claude Desktop and start it again.',
}
