import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ClientAppState } from '../../../shared/client-app.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import type { Machine } from '../../../bridge/clients/machine.ts'
import {
  readNamedFile,
  surveyClients,
  surveyImportable,
  thisMachine,
} from '../../../bridge/clients/survey.ts'
import { clientKey, own } from './fixtures.ts'
import { realFiles } from './real-files.ts'

let home: string
let machine: Machine

beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'bridgekeeper-survey-'))
  machine = { ...thisMachine(), home, env: {} }
})

afterEach(async () => rm(home, { recursive: true, force: true }))

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, text)
}

describe('the list of client apps', () => {
  it('has every app, installed or not', async () => {
    const apps = await surveyClients(machine, own)
    expect(apps.map(({ id }) => id)).toEqual(clientApps.map(({ id }) => id))
    expect(apps.some(({ installed }) => installed)).toBe(false)
    for (const app of apps) expect(ClientAppState.parse(app)).toEqual(app)
  })

  it('shows what each is set up with and nothing secret', async () => {
    for (const app of clientApps) await put(app.files(machine)[0]?.path ?? '', realFiles[app.id])
    const apps = await surveyClients(machine, own)
    const shown = JSON.stringify(apps)
    for (const secret of [
      'ghp_0123',
      'ctx7sk',
      'hf_0123',
      'github_pat_0',
      'stripe-access',
      'sbp-',
      'lovelace',
    ]) {
      expect(shown).not.toContain(secret)
    }
    expect(apps.every(({ installed }) => installed)).toBe(true)
    expect(apps.find(({ id }) => id === 'claude-code')?.files[0]?.entries).toEqual([
      {
        name: 'github',
        kind: 'remote',
        enabled: true,
        address: 'https://api.githubcopilot.com/mcp/',
        plainSecrets: 1,
      },
    ])
    expect(apps.find(({ id }) => id === 'claude-desktop')?.files[0]?.entries).toEqual([
      { name: 'filesystem', kind: 'local', enabled: true, plainSecrets: 0 },
      {
        name: 'sentry',
        kind: 'wrapper',
        enabled: true,
        address: 'https://mcp.sentry.dev/mcp',
        plainSecrets: 0,
      },
    ])
  })

  it('shows our entries, those of a project, and why a file cannot be read', async () => {
    const project = join(home, 'engine')
    const ours = { mcpServers: { all: { url: `http://127.0.0.1:47330/${clientKey}/mcp` } } }
    await put(join(project, '.cursor', 'mcp.json'), JSON.stringify(ours))
    await put(join(home, '.cursor', 'mcp.json'), '{')
    const cursor = (await surveyClients(machine, own, project)).find(({ id }) => id === 'cursor')
    expect(cursor?.files).toMatchObject([
      { scope: 'user', entries: [], failure: { code: 'clients.file_broken' } },
      { scope: 'project', entries: [{ name: 'all', kind: 'bridge', enabled: true, plainSecrets: 0 }] },
    ])
  })
})

describe('the search for servers to take over', () => {
  it('reads the settings of some apps or of all, and the files that they name', async () => {
    const headers = join(home, 'headers.txt')
    await put(headers, 'Authorization: Bearer PLANTED\n')
    const args = ['-y', 'mcp-remote', 'https://mcp.example.com/mcp', '--header-file', headers]
    await put(
      join(home, '.cursor', 'mcp.json'),
      JSON.stringify({ mcpServers: { a: { command: 'npx', args } } }),
    )
    await put(join(home, '.codeium', 'windsurf', 'mcp_config.json'), realFiles.windsurf)
    await put(join(home, '.kiro', 'settings', 'mcp.json'), '{')
    const all = await surveyImportable(machine, own, [])
    expect(all.importable.map(({ app }) => app)).toEqual(['cursor', 'windsurf'])
    expect(all.importable[0]?.outcome).toMatchObject({ auth: 'bearer', needs: [] })
    expect(all.unreadable).toMatchObject([{ failure: { code: 'clients.file_broken' } }])
    const one = await surveyImportable(machine, own, [], [clientApp('windsurf')])
    expect(one.importable.map(({ app }) => app)).toEqual(['windsurf'])
  })

  it('reads no folder and nothing that is named relatively', async () => {
    await put(join(home, 'x'), 'text')
    expect(readNamedFile(join(home, 'x'))).toBe('text')
    expect(readNamedFile(home)).toBeUndefined()
    expect(readNamedFile('package.json')).toBeUndefined()
  })

  it.runIf(process.platform !== 'win32')('reads no device, which might never end', () => {
    expect(readNamedFile('/dev/zero')).toBeUndefined()
  })
})
