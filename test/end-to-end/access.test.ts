import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AppAccess, ApprovalDetails } from '../../shared/access.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { findPlanted } from '../support/planted.ts'
import { modern, startStdioClient, type StdioClient } from '../support/stdio-client.ts'
import { startClientCommands, toolsAt, type ClientCommands } from './client-commands.ts'
import { closing } from './scene.ts'

/** The built command, one connection `issues` to a server without a sign-in, and client apps over stdio. */
async function setScene(): Promise<{
  commands: ClientCommands
  server: McpServerUnderTest
  readonly spawn: (app: string, entry?: 'issues' | 'all') => StdioClient
}> {
  const server = closing(await startMcpServer())
  const commands = await startClientCommands()
  await commands.json(['add', server.url.href, '--id', 'issues'])
  const spawn = (app: string, entry = 'issues'): StdioClient => {
    const connection = entry === 'all' ? undefined : entry
    const client = startStdioClient(commands.home, connection, { args: ['--client', app] })
    closing({ close: () => client.kill() })
    return client
  }
  return { commands, server, spawn }
}

const echo = modern({ name: 'echo', arguments: { text: 'planted-argument' } })

async function waitingCall(commands: ClientCommands): Promise<ApprovalDetails> {
  let waiting: ApprovalDetails[] = []
  const look = async (): Promise<number> =>
    (waiting = (await commands.json(['approvals'])) as ApprovalDetails[]).length
  await expect.poll(look, { timeout: 20_000 }).toBe(1)
  return waiting[0] as ApprovalDetails
}

describe.skipIf(process.platform === 'win32')(
  'who may use what, from the command line to the client app',
  () => {
    it('holds over HTTP and stdio, for this app alone, and after a restart', async () => {
      const { commands, spawn } = await setScene()
      await commands.json(['access', 'set', 'cursor', 'issues', 'deny', '--tool', 'write_*'])
      await commands.run(['stop'])
      const urlOf = async (app: string): Promise<string> =>
        ((await commands.json(['endpoint', 'issues', '--client', app])) as { url: string }).url
      const url = await urlOf('cursor')
      expect(await toolsAt(url)).not.toContain('write_issue')
      expect(await toolsAt(await urlOf('zed'))).toContain('write_issue')
      const client = spawn('cursor')
      const { error } = await client.ask(
        'tools/call',
        modern({ name: 'write_issue', arguments: { title: 'x' } }),
      )
      expect(error?.data).toEqual({ code: 'access.tool_denied' })
      expect((await client.ask('tools/call', echo)).result).toBeDefined()

      await commands.json(['access', 'connections', 'cursor', '--none'])
      expect((await client.ask('tools/call', echo)).error?.data).toEqual({ code: 'connection.unknown' })
      await expect(toolsAt(url)).rejects.toThrow('connection.unknown')
      expect(await commands.json(['access'])).toMatchObject([{ client: 'cursor', connections: [] }])
      await commands.json(['access', 'connections', 'cursor', '--all'])
      expect((await client.ask('tools/call', echo)).result).toBeDefined()
    })

    it('lets a call wait for a person, whose answer lasts as long as it says', async () => {
      const { commands, server, spawn } = await setScene()
      await commands.json(['access', 'set', 'cursor', 'issues', 'ask'])
      const client = spawn('cursor')
      const call = async (words: string[]): Promise<unknown> => {
        const answered = client.ask('tools/call', echo)
        const { id, preview } = await waitingCall(commands)
        expect(preview).toContain('planted-argument')
        expect(
          (await commands.run(['approvals', ...words.map((word) => (word === 'ID' ? id : word))])).code,
        ).toBe(0)
        const { result, error } = await answered
        return error?.data.code ?? result.content[0].text
      }
      expect(await call(['deny', 'ID'])).toBe('access.call_denied')
      expect(server.record.calls).toEqual([])
      expect(await call(['allow', 'ID', '--session'])).toBe('planted-argument')
      expect((await client.ask('tools/call', echo)).result).toBeDefined()
      await client.end()

      const later = spawn('cursor')
      const answered = later.ask('tools/call', echo)
      const { id } = await waitingCall(commands)
      await commands.run(['approvals', 'allow', id, '--always'])
      expect((await answered).result).toBeDefined()
      expect((await spawn('cursor').ask('tools/call', echo)).result).toBeDefined()
      const access = (await commands.json(['access', 'cursor'])) as AppAccess
      expect(access.rules).toEqual([
        { connection: 'issues', tool: '*', verdict: 'ask' },
        { connection: 'issues', tool: 'echo', verdict: 'allow' },
      ])
      expect(
        await findPlanted({
          secrets: { argument: 'planted-argument' },
          folders: [commands.home.bridge],
          outputs: {},
        }),
      ).toEqual([])
    })

    it('refuses a call that nobody answered in time', async () => {
      const { commands, server, spawn } = await setScene()
      await commands.run(['settings', 'set', 'approvals.waitSeconds', '1'])
      await commands.json(['access', 'set', 'cursor', 'issues', 'ask', '--tool', 'echo'])
      const { error } = await spawn('cursor').ask('tools/call', echo)
      expect(error?.data).toEqual({ code: 'access.not_approved' })
      expect(server.record.calls).toEqual([])
    })

    it.each([
      ['issues', 'echo'],
      ['all', 'issues__echo'],
    ] as const)(
      'asks anew for a call that waited while the bridge was replaced (%s)',
      async (entry, name) => {
        const { commands, spawn } = await setScene()
        await commands.json(['access', 'set', 'cursor', 'issues', 'ask'])
        const call = modern({ name, arguments: { text: 'planted-argument' } })
        const answered = spawn('cursor', entry).ask('tools/call', call)
        await waitingCall(commands)
        await commands.run(['stop'])
        const { id } = await waitingCall(commands)
        await commands.run(['approvals', 'allow', id])
        expect((await answered).result.content[0].text).toBe('planted-argument')
      },
    )

    it('names no connection that there is not', async () => {
      const { commands } = await setScene()
      for (const words of [
        ['set', 'cursor', 'isues', 'deny'],
        ['connections', 'cursor', 'isues'],
      ]) {
        expect(await commands.json(['access', ...words], 3)).toMatchObject({
          error: { code: 'connection.unknown' },
        })
      }
      expect(await commands.json(['access'])).toEqual([])
    })

    it('takes over what an entry of mcp-remote hides', async () => {
      const { commands, server } = await setScene()
      const path = join(commands.user, '.cursor', 'mcp.json')
      const args = [
        'mcp-remote',
        server.url.href,
        '--ignore-tool',
        'Write_*',
        '--ignore-tool',
        'big',
        '--header',
        'X-Key: k',
      ]
      await commands.put(path, JSON.stringify({ mcpServers: { tracker: { command: 'npx', args } } }))
      expect((await commands.run(['clients', 'import'])).out).toContain('denied      Write_*, big')
      const { code, out } = await commands.run(['clients', 'import', 'cursor', '--yes', '--json'])
      expect([code, out]).toEqual([0, expect.stringContaining('taken-over')])
      expect(await readFile(path, 'utf8')).not.toContain('mcp-remote')
      const [entry] = (await commands.state('cursor')).files[0]?.entries ?? []
      const tools = await toolsAt(await commands.urlIn('cursor', path, 'tracker'))
      expect(tools).toContain('echo')
      expect(tools.filter((tool) => /^write_|^big$/.test(tool))).toEqual([])
      expect(await commands.json(['access', 'cursor'])).toMatchObject({
        rules: [
          { connection: entry?.connection, tool: 'Write_*', verdict: 'deny' },
          { connection: entry?.connection, tool: 'big', verdict: 'deny' },
        ],
      })
    })
  },
)
