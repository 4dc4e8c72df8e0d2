import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome, pathsOf } from '../machine.ts'

const fields: ClientApp['fields'] = (target) =>
  target.kind === 'http' ? { url: target.url } : programFields(target)

export const cursor: ClientApp = {
  id: 'cursor',
  name: 'Cursor',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => [{ path: inHome(machine, '.cursor', 'mcp.json') }],
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.cursor', 'mcp.json') }],
  fields,
  traces: (machine) => [inHome(machine, '.cursor')],
  link: (name, target) => {
    const config = Buffer.from(JSON.stringify(fields(target, name))).toString('base64')
    return `cursor://anysphere.cursor-deeplink/mcp/install?${new URLSearchParams({ name, config }).toString()}`
  },
}
