import { expect } from 'vitest'
import { clientApp } from '../../../bridge/clients/apps.ts'
import {
  findImportable,
  type Importable,
  type ImportFindings,
  type ImportSources,
  type Proposal,
} from '../../../bridge/clients/importable.ts'
import { machineWith, own } from './fixtures.ts'

export const url = 'https://mcp.example.com/mcp'

export function look(
  entries: Readonly<Record<string, unknown>>,
  files: Readonly<Record<string, string>> = {},
  more: Partial<ImportSources> = {},
): ImportFindings {
  return findImportable({
    files: [
      {
        app: clientApp('cursor'),
        path: '/home/ada/.cursor/mcp.json',
        text: JSON.stringify({ mcpServers: entries }),
      },
    ],
    own,
    machine: machineWith('linux', Object.keys(files)),
    texts: (path) => files[path],
    connections: [],
    ...more,
  })
}

export function wrapper(...args: readonly string[]): Record<string, unknown> {
  return { command: 'npx', args: ['-y', 'mcp-remote', ...args] }
}

export function only(findings: ImportFindings): Importable {
  expect(findings.importable).toHaveLength(1)
  return findings.importable[0] as Importable
}

export function proposed(item: Importable): Proposal {
  expect(item.outcome).not.toHaveProperty('code')
  return item.outcome as Proposal
}
