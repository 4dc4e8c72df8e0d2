import { type ClientApp, programFields, tableAt } from '../app.ts'
import { folderFrom, inHome, pathsOf } from '../machine.ts'

export const claudeCode: ClientApp = {
  id: 'claude-code',
  name: 'Claude Code',
  speaks: 'http',
  format: 'json',
  table: tableAt('mcpServers'),
  files: (machine) => {
    const folder = folderFrom(machine, 'CLAUDE_CONFIG_DIR')
    return [{ path: pathsOf(machine).join(folder ?? machine.home, '.claude.json') }]
  },
  projectFiles: (project, machine) => [{ path: pathsOf(machine).join(project, '.mcp.json') }],
  fields: (target) =>
    target.kind === 'http' ? { type: 'http', url: target.url } : { type: 'stdio', ...programFields(target) },
  traces: (machine) => [
    folderFrom(machine, 'CLAUDE_CONFIG_DIR') ?? inHome(machine, '.claude'),
    inHome(machine, '.claude.json'),
  ],
  // Running sessions write their state into the same file all the time; its own command takes its own lock.
  command: {
    program: 'claude',
    add: (name, target) =>
      target.kind === 'http'
        ? ['mcp', 'add', '--scope', 'user', '--transport', 'http', name, target.url]
        : ['mcp', 'add', '--scope', 'user', name, '--', target.command, ...target.args],
    remove: (name) => ['mcp', 'remove', '--scope', 'user', name],
  },
  restart: 'Start a new session of Claude Code.',
}
