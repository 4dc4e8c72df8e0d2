import { existsSync } from 'node:fs'
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { describe, expect, it } from 'vitest'
import { startMcpServer } from '../support/mcp-server.ts'
import { findPlanted } from '../support/planted.ts'
import { realFiles } from '../bridge/clients/real-files.ts'
import { startClientCommands, toolsAt, type ClientCommands } from './client-commands.ts'
import { closing } from './scene.ts'

/** Where each app has its settings on the platform of this test, below the home folder. */
const places = {
  'claude-code': ['.claude.json'],
  cursor: ['.cursor', 'mcp.json'],
  vscode:
    process.platform === 'darwin'
      ? ['Library', 'Application Support', 'Code', 'User', 'mcp.json']
      : ['config', 'Code', 'User', 'mcp.json'],
  codex: ['.codex', 'config.toml'],
  zed:
    process.platform === 'darwin' ? ['.config', 'zed', 'settings.json'] : ['config', 'zed', 'settings.json'],
  continue: ['.continue', 'config.yaml'],
} as const

type App = keyof typeof places

async function withConnection(): Promise<ClientCommands> {
  const commands = await startClientCommands()
  const server = closing(await startMcpServer())
  await commands.json(['add', server.url.href, '--id', 'tracker'])
  return commands
}

const pathOf = ({ user }: ClientCommands, app: App): string => join(user, ...places[app])

describe.skipIf(process.platform === 'win32')('clients add and remove', () => {
  it.each(Object.keys(places) as App[])('set %s up and bring its bytes back', async (app) => {
    const commands = await withConnection()
    const path = pathOf(commands, app)
    const before = realFiles[app]
    await commands.put(path, before)
    expect(await commands.json(['clients', 'add', app, 'tracker', '--yes'])).toMatchObject({
      app,
      applied: true,
      changes: [{ path, does: 'change' }],
    })
    const url = await commands.urlIn(app, path, 'tracker')
    expect(await toolsAt(url)).toContain('whoami')
    expect((await commands.state(app)).files[0]?.entries).toContainEqual({
      name: 'tracker',
      kind: 'bridge',
      enabled: true,
      connection: 'tracker',
      plainSecrets: 0,
    })
    expect(await commands.json(['clients', 'add', app, 'tracker', '--yes'])).toMatchObject({ applied: false })

    await commands.json(['clients', 'remove', app, '--yes'])
    expect(await readFile(path, 'utf8')).toBe(before)
    await commands.json(['clients', 'undo', '--yes'])
    expect(await commands.urlIn(app, path, 'tracker')).toBe(url)
    await commands.json(['clients', 'undo', '--yes'])
    expect(await readFile(path, 'utf8')).toBe(before)
    expect(await commands.json(['clients', 'undo', '--yes'], 3)).toMatchObject({
      error: { code: 'clients.nothing_to_undo' },
    })
    const key = new URL(url).pathname.split('/')[1] ?? ''
    expect(await findPlanted({ secrets: { key }, outputs: { said: commands.said.join('\n') } })).toEqual([])
    expect(await findPlanted({ secrets: { key }, folders: [commands.home.bridge] })).toEqual([])
  })

  it('change nothing before they were asked to, and say how to ask', async () => {
    const commands = await withConnection()
    const path = pathOf(commands, 'cursor')
    await commands.put(path, realFiles.cursor)
    const { code, out, err } = await commands.run(['clients', 'add', 'cursor', 'tracker'])
    expect(code).toBe(3)
    expect(out).toMatch(/\+ +"tracker": \{/)
    expect(out).toMatch(/127\.0\.0\.1:\d+\/\[redacted\]\/tracker\/mcp/)
    expect(err).toContain('Add --yes')
    expect(await commands.json(['clients', 'add', 'cursor', 'tracker'], 3)).toMatchObject({ applied: false })
    expect(await readFile(path, 'utf8')).toBe(realFiles.cursor)
  })

  it.skipIf(process.platform !== 'linux').each([
    ['one connection', ['tracker'], 'tracker', 'whoami'],
    ['all connections', ['--all'], 'bridgekeeper', 'tracker__whoami'],
  ])(
    'give an app that only starts programs a command that works for %s (its folder is known here for Linux)',
    async (_, words, entry, tool) => {
      const commands = await withConnection()
      await commands.json(['clients', 'add', 'claude-desktop', ...words, '--yes'])
      const path = join(commands.user, 'config', 'Claude', 'claude_desktop_config.json')
      const { mcpServers } = JSON.parse(await readFile(path, 'utf8')) as {
        mcpServers: Record<string, { command: string; args: string[] }>
      }
      const { command = '', args = [] } = mcpServers[entry] ?? {}
      const client = new Client({ name: 'claude', version: '1' }, { versionNegotiation: { mode: 'auto' } })
      const env = { BRIDGEKEEPER_HOME: commands.home.bridge }
      await client.connect(new StdioClientTransport({ command, args, env }))
      const { tools } = await client.listTools()
      expect(tools.map(({ name }) => name)).toContain(tool)
      await client.close()
    },
  )

  it('set up a project, in the folder that the command runs for', async () => {
    const commands = await withConnection()
    const project = join(commands.user, 'engine')
    const plan = await commands.json(['clients', 'add', 'vscode', 'tracker', '--project', project, '--yes'])
    const path = join(project, '.vscode', 'mcp.json')
    expect(plan).toMatchObject({
      changes: [{ path, does: 'create' }],
      notes: [/found/, /shared/].map(matching),
    })
    expect(await toolsAt(await commands.urlIn('vscode', path, 'tracker'))).toContain('whoami')
    await commands.json(['clients', 'undo', '--yes'])
    expect(existsSync(path)).toBe(false)
  })

  it('find settings where the variables of the command say, whatever those of the bridge were', async () => {
    const commands = await withConnection()
    const folder = join(commands.user, 'elsewhere')
    const { code, out } = await commands.run(['clients', 'add', 'codex', 'tracker', '--yes', '--json'], {
      env: { CODEX_HOME: folder },
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ changes: [{ path: join(folder, 'config.toml') }] })
  })

  it('print the link of an app that has one, and say so of one that has none', async () => {
    const commands = await withConnection()
    const [link] = (await commands.json(['clients', 'add', 'cursor', 'tracker', '--link'])) as [
      { url: string },
    ]
    const config = new URL(link.url).searchParams.get('config') ?? ''
    const { url } = JSON.parse(Buffer.from(config, 'base64').toString('utf8')) as { url: string }
    expect(await toolsAt(url)).toContain('whoami')
    expect(await commands.json(['clients', 'add', 'zed', 'tracker', '--link'], 3)).toMatchObject({
      error: { code: 'clients.no_link' },
    })
  })

  it('refuse what is not there', async () => {
    const commands = await startClientCommands()
    const codeOf = async (...words: string[]): Promise<string> => {
      const said = (await commands.json(['clients', ...words, '--yes'], 3)) as { error: { code: string } }
      return said.error.code
    }
    expect(await codeOf('add', 'emacs')).toBe('clients.unknown')
    expect(await codeOf('add', 'cursor')).toBe('clients.no_connections')
    expect(await codeOf('add', 'cursor', 'nothing')).toBe('connection.unknown')
    expect(await codeOf('add', 'windsurf', '--project', '/tmp')).toBe('clients.no_connections')
    await commands.put(join(commands.user, '.cursor', 'mcp.json'), '{ "mcpServers": ')
    const server = closing(await startMcpServer())
    await commands.json(['add', server.url.href, '--id', 'tracker'])
    expect(await codeOf('add', 'cursor')).toBe('clients.file_broken')
    expect(await codeOf('add', 'windsurf', '--project', '/tmp')).toBe('clients.no_project_file')
  })
})

describe.skipIf(process.platform === 'win32')('an entry with an address of before', () => {
  it('is shown as outdated and brought up to date by add', async () => {
    const commands = await withConnection()
    const path = pathOf(commands, 'cursor')
    await commands.put(path, realFiles.cursor)
    await commands.json(['clients', 'add', 'cursor', 'tracker', '--yes'])
    const old = await commands.urlIn('cursor', path, 'tracker')
    await commands.run(['stop'])
    // The bridge takes any port in these tests, and with luck the same one again.
    const moved = old.replace(/:\d+/, ':9')
    await writeFile(path, (await readFile(path, 'utf8')).replace(old, moved))
    const trouble = async (): Promise<unknown> =>
      (await commands.state('cursor')).files[0]?.entries.find(({ name }) => name === 'tracker')
    expect(await trouble()).toMatchObject({ kind: 'bridge', connection: 'tracker', trouble: 'outdated' })
    expect((await commands.run(['clients'])).out).toContain('bridgekeeper clients add cursor tracker')
    await commands.json(['clients', 'add', 'cursor', 'tracker', '--yes'])
    expect(await trouble()).not.toHaveProperty('trouble')
    expect(await toolsAt(await commands.urlIn('cursor', path, 'tracker'))).toContain('whoami')
    await commands.json(['remove', 'tracker'])
    expect(await trouble()).toMatchObject({ trouble: 'no-connection' })
    await commands.json(['clients', 'remove', 'cursor', 'tracker', '--yes'])
    expect(await trouble()).toBeUndefined()
  })
})

describe.skipIf(process.platform === 'win32')('a new client key', () => {
  it('is in the file at once, and the old one is refused at once', async () => {
    const commands = await withConnection()
    const path = pathOf(commands, 'codex')
    await commands.put(path, realFiles.codex)
    await commands.json(['clients', 'add', 'codex', 'tracker', '--yes'])
    await commands.json(['clients', 'add', 'cursor', 'tracker', '--yes'])
    const other = await commands.urlIn('cursor', pathOf(commands, 'cursor'), 'tracker')
    const old = await commands.urlIn('codex', path, 'tracker')
    expect(await commands.json(['clients', 'key', 'codex', '--rotate'])).toMatchObject({
      changes: [{ path }],
    })
    const renewed = await commands.urlIn('codex', path, 'tracker')
    expect(renewed).not.toBe(old)
    expect((await fetch(old, { method: 'POST', body: '{}' })).status).toBe(401)
    await expect(toolsAt(old)).rejects.toThrow(/key/)
    expect(await toolsAt(renewed)).toContain('whoami')
    expect(await toolsAt(other)).toContain('whoami')
    const keys = { old: old.split('/')[3] ?? '', renewed: renewed.split('/')[3] ?? '' }
    expect(await findPlanted({ secrets: keys, outputs: { said: commands.said.join('\n') } })).toEqual([])
    expect(await findPlanted({ secrets: keys, folders: [commands.home.bridge] })).toEqual([])
  })

  it('is good although the file could not be brought up to date, which is said', async () => {
    const commands = await withConnection()
    const path = pathOf(commands, 'cursor')
    await commands.json(['clients', 'add', 'cursor', 'tracker', '--yes'])
    const old = await commands.urlIn('cursor', path, 'tracker')
    await chmod(path, 0o400)
    expect((await stat(path)).mode & 0o222).toBe(0)
    expect(await commands.json(['clients', 'key', 'cursor', '--rotate'], 3)).toMatchObject({
      failure: { code: 'clients.file_read_only' },
    })
    await expect(toolsAt(old)).rejects.toThrow(/key/)
    await chmod(path, 0o600)
    await commands.json(['clients', 'add', 'cursor', 'tracker', '--yes'])
    expect(await toolsAt(await commands.urlIn('cursor', path, 'tracker'))).toContain('whoami')
  })
})

function matching(pattern: RegExp): unknown {
  return expect.stringMatching(pattern)
}
