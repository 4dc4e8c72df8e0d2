import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { runCommandLine } from '../../../bridge/cli/program.ts'
import type { ControlHandlers } from '../../../bridge/control/handlers.ts'
import { ClientAppState, ClientImport } from '../../../shared/client-app.ts'
import type { ClientPreview } from '../../../shared/client-change.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { connection } from '../control/handlers.ts'
import { startControl } from '../control/start-control.ts'
import { startCommands, type Said } from './run-command.ts'

const preview: ClientPreview = {
  app: 'cursor',
  changes: [
    { path: '/home/ada/.cursor/mcp.json', does: 'change', difference: '@@ -1 +1 @@\n-\told\n+\tnew' },
  ],
  commands: [],
  notes: ['Cursor was not found on this machine.'],
  digest: 'seen',
}

const cursor = ClientAppState.parse({
  id: 'cursor',
  name: 'Cursor',
  installed: true,
  speaks: 'http',
  files: [],
  restart: 'Start it again.',
})

type Applied = Parameters<ControlHandlers['clients']['apply']>[0]

/** Clients procedures that show the preview above and keep what they are asked to apply. */
function recording(parts: Partial<ControlHandlers['clients']> = {}) {
  const applied: Applied[] = []
  const clients: Partial<ControlHandlers['clients']> = {
    list: async () => [cursor],
    plan: async () => preview,
    apply: async (input) => {
      applied.push(input)
      return { undo: '1-ab' }
    },
    ...parts,
  }
  return { applied, clients }
}

/** Runs a command line at a terminal; each answer is typed when its question has been asked. */
async function runAtTerminal(
  words: string[],
  answers: readonly string[],
  clients: Partial<ControlHandlers['clients']>,
  connections: Partial<ControlHandlers['connections']> = {},
): Promise<Said> {
  const { home } = await startControl({ clients, connections })
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => undefined })
  const left = [...answers]
  stderr.on('data', (chunk: Buffer) => {
    if (!/\[y\/N\]|not shown/.test(chunk.toString())) return
    const answer = left.shift()
    setImmediate(() => (answer === undefined ? stdin.end() : stdin.write(answer)))
  })
  const said = Promise.all([text(stdout), text(stderr)])
  const env = { BRIDGEKEEPER_HOME: home }
  const bridge = new URL('no-bridge.js', import.meta.url)
  const code = await runCommandLine(words, { env, stdin, stdout, stderr, bridge })
  stdout.end()
  stderr.end()
  const [out, err] = await said
  return { code, out, err }
}

describe('a change of a client app', () => {
  it('is shown, asked for and made, by the digest of what was shown', async () => {
    const { applied, clients } = recording()
    const { code, out } = await runAtTerminal(['clients', 'add', 'cursor', 'linear'], ['y\n'], clients)
    expect(code).toBe(0)
    expect(out).toContain('change /home/ada/.cursor/mcp.json')
    expect(out).toContain('+    new')
    expect(out).toContain('Cursor was not found')
    expect(out).toContain('Start it again.')
    expect(applied).toMatchObject([
      { wish: { does: 'add', app: 'cursor', connections: ['linear'] }, digest: 'seen' },
    ])
  })

  it.each([
    ['by a no', ['n\n']],
    ['by Enter alone', ['\n']],
    ['by an answer that is neither', ['yesterday\n']],
    ['by the end of the input', []],
  ])('is not made %s', async (_, answers) => {
    const { applied, clients } = recording()
    const { code, err } = await runAtTerminal(['clients', 'remove', 'cursor'], answers, clients)
    expect(code).toBe(3)
    expect(err).toContain('Nothing was changed.')
    expect(applied).toEqual([])
  })

  it('is made without a question when that was said beforehand', async () => {
    const { applied, clients } = recording()
    const { json } = await startCommands({ clients })
    expect(await json(['clients', 'add', 'cursor', '--yes'])).toMatchObject({ applied: true, undo: '1-ab' })
    expect(applied).toMatchObject([{ wish: { connections: 'all' } }])
  })

  it('is shown and not made where nobody can be asked', async () => {
    const { applied, clients } = recording()
    const { run, json } = await startCommands({ clients })
    const { code, out, err } = await run(['clients', 'undo'], 'y\n')
    expect([code, applied]).toEqual([3, []])
    expect(out).toContain('/home/ada/.cursor/mcp.json')
    expect(err).toContain('--yes')
    expect(await json(['clients', 'undo'])).toMatchObject({ applied: false })
  })

  it('shows a file as it is written, but for what a terminal would obey', async () => {
    const difference = '+ "a": "\u001B[2Jgone \u202Etxt"'
    const { clients } = recording({
      plan: async () => ({ ...preview, changes: [{ path: '/x', does: 'change', difference }] }),
    })
    const { run } = await startCommands({ clients })
    const { out } = await run(['clients', 'add', 'cursor'])
    expect(out).toContain('"a": "[2Jgone txt"')
  })

  it('says where the face has its settings, and never which programs run', async () => {
    const { applied, clients } = recording()
    const { run } = await startCommands({ clients })
    await run(['clients', 'add', 'cursor', '--yes', '--project', 'engine'])
    const { place } = applied[0] ?? {}
    expect(place?.project).toMatch(/^(\/|[A-Z]:).*engine$/)
    expect(place?.home).toBeTruthy()
    expect(place?.env).not.toHaveProperty('PATH')
  })
})

describe('the list of client apps', () => {
  it('says what each has and what is to be done', async () => {
    const file = {
      path: '/home/ada/.cursor/mcp.json',
      scope: 'user',
      entries: [
        {
          name: 'linear',
          kind: 'bridge',
          enabled: true,
          connection: 'linear',
          plainSecrets: 0,
          trouble: 'outdated',
        },
        {
          name: 'gone',
          kind: 'bridge',
          enabled: true,
          connection: 'gone',
          plainSecrets: 0,
          trouble: 'no-connection',
        },
        { name: 'bridgekeeper', kind: 'bridge', enabled: true, plainSecrets: 0 },
        { name: 'other', kind: 'remote', enabled: true, address: 'https://x.example/', plainSecrets: 2 },
      ],
    }
    const broken = {
      path: '/home/ada/.zed',
      scope: 'user',
      entries: [],
      failure: { code: 'clients.file_broken' },
    }
    const apps = ClientAppState.array().parse([
      { ...cursor, files: [file] },
      { ...cursor, id: 'zed', name: 'Zed', files: [broken] },
      { ...cursor, id: 'amp', name: 'Amp', installed: false },
    ])
    const { run, json } = await startCommands({ clients: { list: async () => apps } })
    const { out } = await run(['clients'])
    expect(out).toMatch(
      /cursor +linear, gone, all \(bridgekeeper\) +1 other server, 1 with secrets in plain text/,
    )
    expect(out).toContain('bridgekeeper clients add cursor linear')
    expect(out).toContain('bridgekeeper clients remove cursor gone')
    expect(out).toContain('[clients.file_broken]')
    expect(out).toContain('Not found here: amp')
    expect(await json(['clients'])).toEqual(apps)
  })
})

describe('taking servers over at a terminal', () => {
  const server = ClientImport.parse({
    app: 'cursor',
    path: '/home/ada/.cursor/mcp.json',
    name: 'issues',
    as: 'remote',
    address: 'https://x.example/mcp',
    connection: 'linear',
    exists: false,
    auth: 'bearer',
    needs: ['Authorization'],
    denyTools: ['delete_*'],
    notes: ['It is switched off in the app.'],
    plainSecrets: [],
    tokenFiles: ['/home/ada/.mcp-auth/x_tokens.json'],
  })

  it('asks before each step, and for a value that is not in the file', async () => {
    const asked: unknown[] = []
    const { applied, clients } = recording({
      importable: async () => ({ servers: [server], leftOver: [], unreadable: [] }),
      import: async (input) => {
        asked.push(input)
        return { connection }
      },
    })
    const answers = ['y\n', 'planted-value\r', 'y\n', 'y\n']
    const { code, out, err } = await runAtTerminal(['clients', 'import'], answers, clients)
    expect(err).not.toContain('Failed')
    expect(code).toBe(0)
    expect(asked).toMatchObject([
      { app: 'cursor', name: 'issues', values: [{ name: 'Authorization', value: 'planted-value' }] },
    ])
    expect(applied.map(({ wish }) => wish.does)).toEqual(['take-over', 'clean-up'])
    expect(out).toContain('denied      delete_*')
    expect(out + err).not.toContain('planted-value')
  })

  it('stops where the person does, with what was done until then', async () => {
    const { applied, clients } = recording({
      importable: async () => ({ servers: [{ ...server, needs: [] }], leftOver: [], unreadable: [] }),
      import: async () => ({ connection }),
    })
    await runAtTerminal(['clients', 'import'], ['y\n', 'y\n', 'n\n'], clients)
    expect(applied.map(({ wish }) => wish.does)).toEqual(['take-over'])
    await runAtTerminal(['clients', 'import'], ['y\n', 'n\n'], clients)
    await runAtTerminal(['clients', 'import'], ['n\n'], clients)
    expect(applied).toHaveLength(1)
  })

  it('takes nothing over that cannot be, and says why', async () => {
    const failure = { code: 'clients.not_importable' as const, detail: 'it signs in with client credentials' }
    const { clients } = recording({
      importable: async () => ({ servers: [{ ...server, failure }], leftOver: [], unreadable: [] }),
    })
    const { code, out } = await runAtTerminal(['clients', 'import'], [], clients)
    expect(code).toBe(0)
    expect(out).toContain('it signs in with client credentials')
  })

  it('offers to delete what mcp-remote left behind, and does so for a yes alone', async () => {
    const files = ['/home/ada/.mcp-auth/y_tokens.json']
    const { applied, clients } = recording({
      importable: async () => ({ servers: [], leftOver: files, unreadable: [] }),
    })
    await runAtTerminal(['clients', 'import'], ['n\n'], clients)
    await runAtTerminal(['clients', 'import', '--yes'], [], clients)
    expect(applied).toEqual([])
    const { out } = await runAtTerminal(['clients', 'import'], ['y\n'], clients)
    expect(applied).toMatchObject([{ wish: { does: 'clean-up', files } }])
    expect(out).toContain('The files are deleted.')
  })

  it('points no app at a server that does not answer', async () => {
    const { applied, clients } = recording({
      importable: async () => ({ servers: [{ ...server, needs: [] }], leftOver: [], unreadable: [] }),
      import: async () => ({ connection }),
    })
    const tools = async (): Promise<never> => {
      throw new BridgeError('connection.key_refused')
    }
    const { code, out } = await runAtTerminal(['clients', 'import'], ['y\n'], clients, { tools })
    expect(code).toBe(3)
    expect(out).toContain('issues of cursor stays as it is.')
    expect(applied).toEqual([])
  })
})
