import { describe, expect, it } from 'vitest'
import { Secret } from '../../../bridge/secret.ts'
import { AddConnection } from '../../../shared/control.ts'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import { connectionOf, findImportable, viewImportable } from '../../../bridge/clients/importable.ts'
import { machineWith, own } from './fixtures.ts'
import { look, only, proposed, url, wrapper } from './import-fixtures.ts'
import { realFiles } from './real-files.ts'

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
    expect(() => connectionOf(proposed(item))).toThrow(
      expect.objectContaining({ code: 'clients.value_missing', detail: 'Authorization' }),
    )
    const values = new Map([['Authorization', new Secret('Bearer given')]])
    expect(connectionOf(proposed(item), values)).toEqual({ id: 'a', url, bearer: 'Bearer given' })
    expect(viewImportable(item)).toMatchObject({ needs: ['Authorization'], plainSecrets: [] })
  })

  it('sends the header that was asked for beside those that the file holds', () => {
    const headers = { 'X-Api-Key': '${env:KEY}', 'X-Team-Token': 'PLANTED-1' }
    const values = new Map([['X-Api-Key', new Secret('given')]])
    expect(connectionOf(proposed(only(look({ a: { url, headers } }))), values).headers).toEqual([
      { name: 'X-Team-Token', value: 'PLANTED-1' },
      { name: 'X-Api-Key', value: 'given' },
    ])
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
      wrapped: wrapper('http://127.0.0.1:47330/k7Jq2sWv9xYt4bNc8LmR/linear/mcp'),
      program: { command: 'uvx', args: ['mcp-server-fetch'] },
      empty: {},
    })
    expect(importable).toEqual([])
  })

  it('may be on this machine when there is a token to take out of the file, or a wrapper that keeps some', () => {
    const { importable } = look({
      keyed: { url: 'http://localhost:3845/mcp', headers: { Authorization: 'Bearer PLANTED' } },
      wrapped: wrapper('http://127.0.0.1:9000/mcp'),
    })
    expect(importable.map(({ outcome }) => ('auth' in outcome ? outcome.auth : outcome.code))).toEqual([
      'bearer',
      'sign-in',
    ])
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
