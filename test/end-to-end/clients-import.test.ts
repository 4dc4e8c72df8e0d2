import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { writeBrowserCommand } from '../support/browser-command.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { findPlanted } from '../support/planted.ts'
import { startStrictAuthorizationServer } from '../support/strict-authorization-server.ts'
import { startClientCommands, toolsAt, type ClientCommands } from './client-commands.ts'
import { closing } from './scene.ts'

/** A server that knows one token, as those do that hand out tokens on a page. */
async function startTokenServer(token: string): Promise<McpServerUnderTest> {
  const auth = {
    authorizationServers: [],
    verify: async (given: string) =>
      given === token
        ? {
            clientId: 'page',
            subject: 'ada',
            scopes: ['read:issues'],
            audience: [server.url.href],
            expiresAt: Number.MAX_SAFE_INTEGER,
          }
        : undefined,
  }
  const server: McpServerUnderTest = closing(await startMcpServer({ auth }))
  return server
}

const plantedToken = (): string => `planted-${randomUUID()}`

function cursorFile({ user }: ClientCommands): string {
  return join(user, '.cursor', 'mcp.json')
}

function eventsIn(out: string): Record<string, unknown>[] {
  return out
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Record<string, unknown>)
}

describe.skipIf(process.platform === 'win32')(
  'taking over a remote server with a token in plain text',
  () => {
    it('makes a connection that uses it, points the app at the bridge and leaves no token behind', async () => {
      const commands = await startClientCommands()
      const token = plantedToken()
      const server = await startTokenServer(token)
      const path = cursorFile(commands)
      const before = `{
  // tracker of the team
  "mcpServers": {
    "tracker": { "url": "${server.url.href}", "headers": { "Authorization": "Bearer ${token}" }, "disabled": false },
    "local": { "command": "uvx", "args": ["mcp-server-fetch"] },
  },
}
`
      await commands.put(path, before)

      const shown = await commands.run(['clients', 'import'])
      expect(shown.code).toBe(3)
      expect(shown.out).toContain('becomes     the connection tracker, with its bearer token')
      expect(await readFile(path, 'utf8')).toBe(before)
      expect(await commands.json(['list'])).toEqual([])

      const { code, out } = await commands.run(['clients', 'import', 'cursor', '--yes', '--json'])
      expect(code).toBe(0)
      expect(eventsIn(out)).toEqual([
        { event: 'taken-over', app: 'cursor', path, name: 'tracker', connection: 'tracker' },
      ])
      const after = await readFile(path, 'utf8')
      expect(after).toContain('// tracker of the team')
      expect(after).toContain('"disabled": false')
      expect(await toolsAt(await commands.urlIn('cursor', path, 'tracker'))).toContain('whoami')
      expect(
        await findPlanted({
          secrets: { token },
          folders: [commands.home.folder],
          outputs: { said: commands.said.join('\n') },
        }),
      ).toEqual([])

      await commands.json(['clients', 'undo', '--yes'])
      expect(await readFile(path, 'utf8')).toBe(before)
    })

    it('leaves the app as it is when the server refuses the token', async () => {
      const commands = await startClientCommands()
      const server = await startTokenServer(plantedToken())
      const path = cursorFile(commands)
      const headers = { Authorization: `Bearer ${plantedToken()}` }
      const before = JSON.stringify({ mcpServers: { tracker: { url: server.url.href, headers } } })
      await commands.put(path, before)
      const { code, out } = await commands.run(['clients', 'import', '--yes', '--json'])
      expect(code).toBe(3)
      expect(eventsIn(out)).toMatchObject([
        { event: 'not-taken-over', name: 'tracker', failure: { code: 'connection.key_refused' } },
      ])
      expect(await readFile(path, 'utf8')).toBe(before)
    })

    it('asks for a value that is not in the file, and does without the server where nobody can be asked', async () => {
      const commands = await startClientCommands()
      const server = await startTokenServer(plantedToken())
      const entry = { url: server.url.href, headers: { Authorization: 'Bearer ${env:TRACKER_TOKEN}' } }
      await commands.put(cursorFile(commands), JSON.stringify({ mcpServers: { tracker: entry } }))
      expect((await commands.run(['clients', 'import'])).out).toContain(
        'asks for    the value of Authorization',
      )
      const { out } = await commands.run(['clients', 'import', '--yes', '--json'])
      expect(eventsIn(out)).toMatchObject([{ failure: { code: 'clients.value_missing' } }])
      expect(await commands.json(['list'])).toEqual([])
    })
  },
)

describe.skipIf(process.platform === 'win32')('taking over a server behind mcp-remote', () => {
  it('signs in anew, points the app at the bridge and deletes the stored tokens', async () => {
    const commands = await startClientCommands()
    const authorization = closing(await startStrictAuthorizationServer())
    const { issuer, verify } = authorization
    const server = closing(
      await startMcpServer({
        auth: { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] },
      }),
    )
    const path = cursorFile(commands)
    const args = ['-y', 'mcp-remote', server.url.href]
    await commands.put(path, JSON.stringify({ mcpServers: { tracker: { command: 'npx', args } } }, null, 2))
    const stored = createHash('md5').update(server.url.href).digest('hex')
    const folder = join(commands.user, '.mcp-auth', 'mcp-remote-v1')
    const [access, refresh] = [plantedToken(), plantedToken()]
    const tokens = join(folder, `${stored}_tokens.json`)
    await commands.put(tokens, JSON.stringify({ access_token: access, refresh_token: refresh }))
    const other = join(folder, `${'0'.repeat(32)}_tokens.json`)
    await commands.put(other, '{"access_token":"of another server"}')
    const env = { BROWSER: await writeBrowserCommand(commands.home.folder) }

    const { code, out } = await commands.run(['clients', 'import', '--yes', '--json'], { env })
    expect(code).toBe(0)
    expect(eventsIn(out)).toMatchObject([
      { event: 'authorize', opened: true },
      { event: 'connected', connection: { id: 'tracker' } },
      { event: 'taken-over', app: 'cursor', path, name: 'tracker', connection: 'tracker' },
      { event: 'cleaned-up', files: [tokens] },
    ])
    expect(existsSync(tokens)).toBe(false)
    expect(existsSync(other)).toBe(true)
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      mcpServers: {
        tracker: { url: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/tracker\/mcp$/) },
      },
    })
    expect(await toolsAt(await commands.urlIn('cursor', path, 'tracker'))).toContain('whoami')
    expect(
      await findPlanted({
        secrets: { access, refresh },
        folders: [commands.home.folder],
        outputs: { said: commands.said.join('\n') },
      }),
    ).toEqual([])
    expect((await commands.run(['clients', 'import'])).out).toContain(`Left over from mcp-remote`)
  })

  it('leaves app and tokens as they are when the person denies the sign-in', async () => {
    const commands = await startClientCommands()
    const { issuer, verify } = closing(await startAuthorizationServer())
    const server = closing(await startMcpServer({ auth: { authorizationServers: [issuer], verify } }))
    const path = cursorFile(commands)
    const args = ['-y', 'mcp-remote', server.url.href]
    const before = JSON.stringify({ mcpServers: { tracker: { command: 'npx', args } } })
    await commands.put(path, before)
    const stored = createHash('md5').update(server.url.href).digest('hex')
    const tokens = join(commands.user, '.mcp-auth', 'mcp-remote-v1', `${stored}_tokens.json`)
    await commands.put(tokens, '{"access_token":"a"}')
    const env = { BROWSER: await writeBrowserCommand(commands.home.folder, 'deny') }
    const { code, out } = await commands.run(['clients', 'import', '--yes', '--json'], { env })
    expect(code).toBe(3)
    expect(eventsIn(out).at(-1)).toMatchObject({ event: 'not-taken-over', failure: { code: 'oauth.denied' } })
    expect(await readFile(path, 'utf8')).toBe(before)
    expect(existsSync(tokens)).toBe(true)
  })
})
