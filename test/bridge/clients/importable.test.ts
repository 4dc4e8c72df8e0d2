import { createHash } from 'node:crypto'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { ConnectionId } from '../../../shared/connection.ts'
import { AddConnection } from '../../../shared/control.ts'
import { ClientImport } from '../../../shared/client-app.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import {
  connectionOf,
  findImportable,
  type Importable,
  type ImportFindings,
  type ImportSources,
  type Proposal,
  viewImportable,
} from '../../../bridge/clients/importable.ts'
import { machineWith, own, realFiles } from './fixtures.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const url = 'https://mcp.example.com/mcp'

function look(
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

function wrapper(...args: readonly string[]): Record<string, unknown> {
  return { command: 'npx', args: ['-y', 'mcp-remote', ...args] }
}

function only(findings: ImportFindings): Importable {
  expect(findings.importable).toHaveLength(1)
  return findings.importable[0] as Importable
}

function proposed(item: Importable): Proposal {
  expect(item.outcome).not.toHaveProperty('code')
  return item.outcome as Proposal
}

describe('a remote server in a settings file', () => {
  it('becomes a connection that is signed in', () => {
    const item = only(look({ 'My Linear!': { url } }))
    expect(connectionOf(proposed(item))).toEqual({ id: 'my-linear', url })
    expect(item).toMatchObject({ app: 'cursor', as: 'remote', notes: [], denyTools: [] })
  })

  it('becomes one with its bearer token, or with its headers', () => {
    const bearer = proposed(only(look({ a: { url, headers: { authorization: 'Bearer PLANTED' } } })))
    expect(connectionOf(bearer)).toEqual({ id: 'a', url, bearer: 'PLANTED' })
    const headers = proposed(
      only(look({ a: { url, headers: { 'X-Api-Key': 'PLANTED', 'X-Team': 'core' } } })),
    )
    expect(connectionOf(headers)).toEqual({
      id: 'a',
      url,
      headers: [
        { name: 'X-Api-Key', value: 'PLANTED' },
        { name: 'X-Team', value: 'core' },
      ],
    })
    for (const proposal of [bearer, headers]) expect(AddConnection.parse(connectionOf(proposal))).toBeTruthy()
  })

  it('says which header it needs when the app fills it in from elsewhere', () => {
    const item = only(look({ a: { url, headers: { Authorization: 'Bearer ${env:TOKEN}' } } }))
    expect(proposed(item)).toMatchObject({ auth: 'bearer', needs: ['Authorization'] })
    expect(connectionOf(proposed(item))).toEqual({ id: 'a', url })
    expect(viewImportable(item)).toMatchObject({ needs: ['Authorization'], plainSecrets: [] })
  })

  it('signs in and drops a header that proves nothing', () => {
    const item = only(look({ a: { url, headers: { 'X-Team': 'core' } } }))
    expect(proposed(item).auth).toBe('sign-in')
    expect(item.notes).toEqual(['The header X-Team is not sent any more.'])
  })

  it.each([
    ['http://mcp.example.com/mcp', 'url.plain_http'],
    ['https://ada:pw@mcp.example.com/mcp', 'url.credentials'],
    ['ws://mcp.example.com/mcp', 'url.not_http'],
    ['nonsense', 'url.invalid'],
  ])('at %s cannot be taken over: %s', (address, code) => {
    const item = only(look({ a: { url: address } }))
    expect(item.outcome).toEqual({ code })
    expect(viewImportable(item)).toMatchObject({ failure: { code }, exists: false })
  })

  it('is none when it is ours, on this machine, or a program', () => {
    const { importable } = look({
      ours: { url: 'http://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/linear/mcp' },
      here: { url: 'http://localhost:3845/mcp' },
      too: { url: 'http://dev.localhost:3845/mcp' },
      wrapped: wrapper('http://127.0.0.1:9000/sse'),
      program: { command: 'uvx', args: ['mcp-server-fetch'] },
      empty: {},
    })
    expect(importable).toEqual([])
  })

  it('that is switched off says so', () => {
    expect(only(look({ a: { url, disabled: true } })).notes).toEqual(['It is switched off in the app.'])
  })
})

describe('a wrapper of a remote server', () => {
  it('becomes a connection, its variables filled in', () => {
    const entry = { ...wrapper(url, '--header', 'Authorization:${AUTH}'), env: { AUTH: 'Bearer PLANTED' } }
    const item = only(look({ a: entry }))
    expect(item.as).toBe('mcp-remote')
    expect(connectionOf(proposed(item))).toEqual({ id: 'a', url, bearer: 'PLANTED' })
    expect(viewImportable(item).plainSecrets).toEqual(['env.AUTH'])
  })

  it('brings its registered client, its scopes and its client metadata along', () => {
    const item = only(
      look({
        a: {
          ...wrapper(
            url,
            '--static-oauth-client-info',
            '{"client_id":"abc","client_secret":"${SECRET}"}',
            '--static-oauth-client-metadata',
            '{"scope":"read write","client_name":"x"}',
            '--client-metadata-url',
            'https://c.example/meta',
          ),
          env: { SECRET: 'PLANTED' },
        },
      }),
    )
    expect(connectionOf(proposed(item))).toEqual({
      id: 'a',
      url,
      clientId: 'abc',
      clientSecret: 'PLANTED',
      scopes: ['read', 'write'],
      metadataUrl: 'https://c.example/meta',
    })
  })

  it('reads the files that it names, and says so when it cannot', () => {
    const files = { '/etc/headers': 'X-Api-Key: ${KEY}\n', '/etc/client.json': '{"client_id":"abc"}' }
    const headers = only(
      look({ a: { ...wrapper(url, '--header-file', '/etc/headers'), env: { KEY: 'PLANTED' } } }, files),
    )
    expect(connectionOf(proposed(headers)).headers).toEqual([{ name: 'X-Api-Key', value: 'PLANTED' }])
    const client = only(look({ a: wrapper(url, '--static-oauth-client-info', '@/etc/client.json') }, files))
    expect(proposed(client).clientId).toBe('abc')
    const neither = only(
      look({ a: wrapper(url, '--header-file', '/gone', '--static-oauth-client-info', '@/gone') }),
    )
    expect(neither.notes).toEqual([
      'The file with its headers cannot be read.',
      'Its client information cannot be read.',
    ])
  })

  it('keeps the tools hidden that it hides', () => {
    expect(
      only(look({ a: wrapper(url, '--ignore-tool', 'delete*', '--ignore-tool', 'x') })).denyTools,
    ).toEqual(['delete*', 'x'])
  })

  it('says what of it is not carried over, and is silent about what does not matter', () => {
    const quiet = only(
      look({
        a: wrapper(
          url,
          '3334',
          '--host',
          '127.0.0.1',
          '--transport',
          'sse-only',
          '--debug',
          '--silent',
          '--allow-http',

          '--auth-timeout',
          '60',
          '--callback-path',
          '/cb',
          '--keep-alive',
          '--ping-interval',
          '9',
          '--ipv4',
          '--protocol',
          'auto',
          '--disable-cookies',
          '--connect-timeout',
          '1',
          '--body-timeout',
          '0',
        ),
      }),
    )
    expect(quiet.notes).toEqual([])
    const loud = only(
      look({
        a: wrapper(
          url,
          '--resource',
          'https://r.example/',
          '--authorize-param',
          'audience=x',
          '--device-code',
          '--enable-proxy',
          '--something-new',
        ),
      }),
    )
    expect(loud.notes).toHaveLength(5)
    expect(loud.notes.join(' ')).toMatch(
      /--resource.*--authorize-param.*device code.*--enable-proxy.*--something-new/,
    )
  })

  it.each([['--client-credentials'], ['--use-id-token']])('with %s cannot be taken over', (option) => {
    expect(only(look({ a: wrapper(url, option) })).outcome).toMatchObject({ code: 'clients.not_importable' })
  })

  it('of another package is taken over by its address, or explained when it has none', () => {
    const { importable } = look({
      a: { command: 'npx', args: ['-y', '@acme/crm-remote@latest', url] },
      b: { command: 'npx', args: ['-y', '@acme/crm-remote'] },
    })
    expect(importable.map(({ as }) => as)).toEqual(['package', 'package'])
    expect(importable[0]?.outcome).toMatchObject({ url })
    expect(importable[1]?.outcome).toEqual({
      code: 'clients.not_importable',
      detail: 'its address is not in the entry, only @acme/crm-remote knows it',
    })
  })
})

describe('what mcp-remote has stored', () => {
  const folder = '/home/ada/.mcp-auth/mcp-remote-v1'
  const tokens = JSON.stringify({
    access_token: 'PLANTED-A',
    refresh_token: 'PLANTED-R',
    token_type: 'bearer',
  })
  const files = {
    [`${folder}/${md5(url)}_tokens.json`]: tokens,
    [`${folder}/${md5(url)}_client_info.json`]:
      '{"client_id":"dyn","client_secret":"PLANTED-C","redirect_uris":[]}',
    [`${folder}/${md5(url)}_code_verifier_abc.txt`]: 'PLANTED-V',
    [`/home/ada/.mcp-auth/mcp-remote-0.1.29/${md5(url)}_tokens.json`]: tokens,
    [`/home/ada/.mcp-auth/${md5(url)}_debug.log`]: 'log',
    [`${folder}/${md5('https://old.example/')}_tokens.json`]: 'broken {',
    [`${folder}/unrelated.txt`]: 'x',
    '/home/ada/.mcp-auth/other/x_tokens.json': 'x',
  }

  it('is found for an entry, in the folders of every version', () => {
    const { importable, leftOver } = look({ a: wrapper(url) }, files)
    const [record] = importable[0]?.stored ?? []
    expect(record?.files.map(({ kind }) => kind).sort()).toEqual([
      'client',
      'log',
      'tokens',
      'tokens',
      'verifier',
    ])
    expect(record?.accessToken?.reveal()).toBe('PLANTED-A')
    expect(record?.refreshToken?.reveal()).toBe('PLANTED-R')
    expect(record?.clientId).toBe('dyn')
    expect(record?.clientSecret?.reveal()).toBe('PLANTED-C')
    expect(leftOver.map(({ stored }) => stored)).toEqual([md5('https://old.example/')])
  })

  it('is left over when no entry names it', () => {
    const { leftOver } = look({}, files)
    expect(leftOver.map(({ stored }) => stored).sort()).toEqual(
      [md5(url), md5('https://old.example/')].sort(),
    )
  })

  it('may be in a folder that the entry names', () => {
    const elsewhere = { [`/srv/auth/mcp-remote-v1/${md5(url)}_tokens.json`]: tokens }
    const item = only(
      look({ a: { ...wrapper(url), env: { MCP_REMOTE_CONFIG_DIR: '/srv/auth' } } }, elsewhere),
    )
    expect(viewImportable(item).tokenFiles).toEqual(Object.keys(elsewhere))
  })

  it('never prints', () => {
    const entry = { ...wrapper(url, '--header', 'X-Key: ${K}'), env: { K: 'PLANTED-K' } }
    const findings = look(
      { a: entry, b: { url: `${url}?api_key=PLANTED-Q`, headers: { Authorization: 'Bearer PLANTED-B' } } },
      files,
    )
    // The address of a proposal goes to the bridge as it is; people see the one without its secrets.
    const shown = findings.importable.map((item) => viewImportable(item))
    for (const view of shown) expect(ClientImport.parse(view)).toEqual(view)
    const { importable, ...rest } = findings
    const inside = importable.map(({ outcome, ...item }) => ({ ...item, outcome: { ...outcome, url: '' } }))
    const printed = inspect([inside, rest, shown], { depth: 20 }) + JSON.stringify([inside, rest, shown])
    expect(printed).not.toContain('PLANTED')
  })
})

describe('the ids of new connections', () => {
  const connections = [
    { id: ConnectionId.parse('linear'), url: 'https://mcp.linear.app/mcp' },
    { id: ConnectionId.parse('mine'), url },
  ]
  const ids = (entries: Readonly<Record<string, unknown>>): readonly unknown[] =>
    look(entries, {}, { connections }).importable.map(({ outcome }) =>
      'code' in outcome ? outcome.code : [outcome.id, outcome.exists],
    )

  it('are those of the connections that are there already', () => {
    expect(ids({ anything: { url } })).toEqual([['mine', true]])
  })

  it('do not clash, and are the same for the same server', () => {
    expect(
      ids({
        linear: { url: 'https://other.example/' },
        a: { url: 'https://a.example/' },
        b: { url: 'https://a.example/' },
        A: { url: 'https://b.example/' },
        'A!': { url: 'https://b.example/', headers: { Authorization: 'Bearer other-account' } },
      }),
    ).toEqual([
      ['linear-2', false],
      ['a', false],
      ['a', false],
      ['a-2', false],
      ['a-3', false],
    ])
  })

  it('are made of the host when the name has no letter', () => {
    expect(ids({ '!!!': { url: 'https://c.example/' } })).toEqual([['c-example', false]])
  })

  it('are always ids', () => {
    for (const name of ['x'.repeat(90), 'Ünïcödé', '--a--', `${'a'.repeat(39)}-b`]) {
      const [found] = look({ [name]: { url: 'https://c.example/' } }).importable
      expect(ConnectionId.safeParse(found && 'id' in found.outcome ? found.outcome.id : '').success).toBe(
        true,
      )
    }
  })
})

describe('the files of all apps together', () => {
  it('give what can be taken over and name what cannot be read', () => {
    const machine = machineWith('linux')
    const findings = findImportable({
      files: [
        ...clientApps.map((app) => ({
          app,
          path: app.files(machine)[0]?.path ?? '',
          text: realFiles[app.id],
        })),
        { app: clientApp('cursor'), path: '/broken.json', text: '{' },
      ],
      own,
      machine,
      texts: () => undefined,
      connections: [],
    })
    expect(findings.unreadable).toMatchObject([
      { path: '/broken.json', failure: { code: 'clients.file_broken' } },
    ])
    const found = findings.importable.map(({ app, entry, as, outcome }) => [
      app,
      entry.name,
      as,
      'code' in outcome ? outcome.code : outcome.auth,
    ])
    expect(found).toEqual([
      ['claude-desktop', 'sentry', 'mcp-remote', 'sign-in'],
      ['claude-code', 'github', 'remote', 'bearer'],
      ['cursor', 'linear', 'mcp-remote', 'sign-in'],
      ['vscode', 'notion', 'remote', 'bearer'],
      ['copilot-cli', 'context7', 'remote', 'sign-in'],
      ['windsurf', 'figma', 'remote', 'sign-in'],
      ['zed', 'old-style', 'mcp-remote', 'sign-in'],
      ['cline', 'stripe', 'remote', 'sign-in'],
      ['continue', 'Context7', 'remote', 'headers'],
      ['gemini-cli', 'docs', 'remote', 'sign-in'],
      ['antigravity', 'supabase', 'remote', 'sign-in'],
      ['codex', 'figma-remote', 'remote', 'bearer'],
      ['opencode', 'sentry', 'remote', 'bearer'],
      ['opencode', 'everything', 'mcp-remote', 'sign-in'],
      ['lm-studio', 'hf-mcp-server', 'remote', 'bearer'],
      ['jetbrains-copilot', 'github', 'remote', 'bearer'],
    ])
  })
})
