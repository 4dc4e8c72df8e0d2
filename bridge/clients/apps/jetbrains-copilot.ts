import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inConfig, inLocalAppData, type Machine, pathsOf } from '../machine.ts'

function folder(machine: Machine): string {
  return machine.platform === 'win32'
    ? inLocalAppData(machine, 'github-copilot', 'intellij')
    : inConfig(machine, 'github-copilot', 'intellij')
}

export const jetbrainsCopilot: ClientApp = {
  id: 'jetbrains-copilot',
  name: 'GitHub Copilot for JetBrains',
  speaks: 'http',
  format: 'json',
  table: tableAt('servers'),
  files: (machine) => [{ path: pathsOf(machine).join(folder(machine), 'mcp.json') }],
  fields: (target) => (target.kind === 'http' ? { url: target.url } : programFields(target)),
  traces: (machine) => [folder(machine)],
}
