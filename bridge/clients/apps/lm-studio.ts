import { type ClientApp, programFields, tableAt } from '../app.ts'
import { inHome } from '../machine.ts'

const fields: ClientApp['fields'] = (target) =>
  target.kind === 'http' ? { url: target.url } : programFields(target)

export const lmStudio: ClientApp = {
  id: 'lm-studio',
  name: 'LM Studio',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  // Installations of before it had a folder of its own stay in the cache folder.
  files: (machine) => [
    { path: inHome(machine, '.lmstudio', 'mcp.json') },
    { path: inHome(machine, '.cache', 'lm-studio', 'mcp.json') },
  ],
  fields,
  traces: (machine) => [inHome(machine, '.lmstudio'), inHome(machine, '.cache', 'lm-studio')],
  link: (name, target) => {
    const config = Buffer.from(JSON.stringify(fields(target, name))).toString('base64')
    return `lmstudio://add_mcp?${new URLSearchParams({ name, config }).toString()}`
  },
  restart: 'Start LM Studio again, or save mcp.json in its Program tab.',
}
