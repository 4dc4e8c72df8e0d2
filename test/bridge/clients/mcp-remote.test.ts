import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { launchOf, packageOf } from '../../../bridge/clients/launch.ts'
import {
  filledIn,
  headersOfFile,
  isRemoteWrapper,
  mcpRemoteLineOf,
  storedNamesOf,
} from '../../../bridge/clients/mcp-remote.ts'

const md5 = (text: string): string => createHash('md5').update(text).digest('hex')
const url = 'https://mcp.example.com/mcp'

describe('a package run by a package runner', () => {
  it.each([
    ['npx', ['mcp-remote', url]],
    ['npx', ['-y', 'mcp-remote@latest', url]],
    ['npx.cmd', ['--yes', '--quiet', 'mcp-remote@0.1.29', url]],
    ['/usr/local/bin/npx', ['-y', '-p', 'mcp-remote@0.15.1', 'mcp-remote', url]],
    ['npx', ['--package=mcp-remote', 'mcp-remote', url]],
    ['bunx', ['mcp-remote', url]],
    ['bun', ['x', 'mcp-remote', url]],
    ['pnpm', ['dlx', 'mcp-remote', url]],
    ['npm', ['exec', '--', 'mcp-remote', url]],
    ['cmd', ['/c', 'npx', '-y', 'mcp-remote', url]],
    ['C:\\Windows\\System32\\cmd.exe', ['/C', 'npx.cmd', 'mcp-remote', url]],
    ['sh', ['-c', `npx -y mcp-remote ${url}`]],
    ['bash', ['-lc', `exec npx -y mcp-remote "${url}"`]],
    ['wsl', ['npx', 'mcp-remote', url]],
    ['env', ['FOO=bar', 'npx', 'mcp-remote', url]],
    ['mcp-remote', [url]],
    ['node', ['--no-warnings', '/opt/lib/node_modules/mcp-remote/dist/proxy.js', url]],
  ])('is found in %s %j', (command, args) => {
    expect(packageOf(command, args)).toEqual({ name: 'mcp-remote', args: [url] })
  })

  it.each([
    ['uvx', ['mcp-server-fetch']],
    ['node', ['server.js']],
    ['docker', ['run', 'mcp-remote']],
    ['npm', ['start']],
    ['sh', ['-c']],
    ['npx', ['-y']],
  ])('is not found in %s %j', (command, args) => {
    expect(packageOf(command, args)).toBeUndefined()
  })

  it('keeps the scope of a name and drops its version', () => {
    expect(packageOf('npx', ['-y', '@acme/crm-remote@1.2.3', url])?.name).toBe('@acme/crm-remote')
  })

  it.each([
    ['mcp-remote', true],
    ['@acme/mcp-remote', true],
    ['@acme/crm-remote', true],
    ['@acme/remote', true],
    ['@acme/remote-control', false],
    ['some-remote', false],
    ['@modelcontextprotocol/server-memory', false],
  ])('%s wraps a remote server: %s', (name, wraps) => {
    expect(isRemoteWrapper(name)).toBe(wraps)
  })
})

describe('the ways in which apps write an entry', () => {
  it.each([
    [{ url }, { url }],
    [{ serverUrl: url }, { url }],
    [
      { httpUrl: url, disabled: true },
      { url, enabled: false },
    ],
    [
      { uri: url, enabled: false },
      { url, enabled: false },
    ],
    [{ transport: { type: 'streamableHttp', url } }, { url }],
    [
      { command: ['npx', 'a', 'b'], environment: { A: '1' } },
      { command: 'npx', args: ['a', 'b'] },
    ],
    [{ command: { path: 'npx', args: ['a'] } }, { command: 'npx', args: ['a'] }],
    [
      { cmd: 'npx', args: ['a'] },
      { command: 'npx', args: ['a'] },
    ],
    [{ command: 'npx -y "a b"' }, { command: 'npx', args: ['-y', 'a b'] }],
    [{ command: '/path/with space/x' }, { command: '/path/with space/x', args: [] }],
    [{ url: 5, command: null, args: 'x', headers: [] }, { args: [] }],
  ])('%j', (entry, launch) => {
    expect(launchOf(entry)).toMatchObject({ enabled: true, ...launch })
  })

  it.each([
    [{ headers: { 'X-Key': 'a' } }, { 'X-Key': 'a' }],
    [{ http_headers: { 'X-Key': 'a' } }, { 'X-Key': 'a' }],
    [{ requestInit: { headers: { Authorization: 'Bearer a' } } }, { Authorization: 'Bearer a' }],
    [{ requestOptions: { headers: { 'X-Key': 'a' } } }, { 'X-Key': 'a' }],
    [{ env_http_headers: { 'X-Key': 'KEY' } }, { 'X-Key': '${KEY}' }],
    [{ bearer_token_env_var: 'TOKEN' }, { Authorization: 'Bearer ${TOKEN}' }],
    [{ apiKey: 'a' }, { Authorization: 'Bearer a' }],
  ])('gives the headers of %j', (entry, headers) => {
    expect(Object.fromEntries(launchOf({ url, ...entry }).headers)).toEqual(headers)
  })
})

describe('a command line of mcp-remote', () => {
  it('is taken apart with every option that it has', () => {
    const line = mcpRemoteLineOf([
      url,
      '9696',

      '--header',
      'Authorization: Bearer ${TOKEN}',
      '--header',
      'X-Team:core',
      '--header',
      'not a header',

      '--header-file',
      '/etc/headers',
      '--transport',
      'sse-only',
      '--protocol',
      'auto',
      '--host',
      '127.0.0.1',

      '--callback-path',
      '/cb',
      '--auth-success-url',
      'https://x.example/done',
      '--resource',
      'https://r.example/',

      '--static-oauth-client-info',
      '{"client_id":"a"}',
      '--static-oauth-client-metadata',
      '{"scope":"b c"}',
      '--client-metadata-url',
      'https://c.example/m',
      '--token-endpoint',
      'https://t.example/t',

      '--authorize-param',
      'audience=x',
      '--authorize-param',
      'prompt=consent',
      '--ignore-tool',
      'delete*',

      '--ignore-tool',
      'drop',
      '--auth-timeout',
      '60',
      '--connect-timeout',
      '1',
      '--headers-timeout',
      '2',
      '--body-timeout',
      '0',
      '--ping-interval',
      '5',
      '--allow-http',
      '--debug',
      '--silent',
      '--ipv4',
      '--enable-proxy',
      '--keep-alive',
      '--disable-cookies',
      '--device-code',
      '--client-credentials',
      '--use-id-token',
      '--disable-resource-parameter',
      '--something-new',
    ])
    expect(line).toMatchObject({ url, port: 9696, headerFiles: ['/etc/headers'] })
    expect(Object.fromEntries(line?.headers ?? [])).toEqual({
      Authorization: 'Bearer ${TOKEN}',
      'X-Team': 'core',
    })
    expect(Object.fromEntries(line?.options ?? [])).toEqual({
      'header-file': ['/etc/headers'],
      transport: ['sse-only'],
      protocol: ['auto'],
      host: ['127.0.0.1'],
      'callback-path': ['/cb'],
      'auth-success-url': ['https://x.example/done'],
      resource: ['https://r.example/'],
      'static-oauth-client-info': ['{"client_id":"a"}'],
      'static-oauth-client-metadata': ['{"scope":"b c"}'],
      'client-metadata-url': ['https://c.example/m'],
      'token-endpoint': ['https://t.example/t'],
      'authorize-param': ['audience=x', 'prompt=consent'],
      'ignore-tool': ['delete*', 'drop'],
      'auth-timeout': ['60'],
      'connect-timeout': ['1'],
      'headers-timeout': ['2'],
      'body-timeout': ['0'],
      'ping-interval': ['5'],
      'allow-http': [],
      debug: [],
      silent: [],
      ipv4: [],
      'enable-proxy': [],
      'keep-alive': [],
      'disable-cookies': [],
      'device-code': [],
      'client-credentials': [],
      'use-id-token': [],
      'disable-resource-parameter': [],
      'something-new': [],
    })
  })

  it.each([[[]], [['--debug']], [['example.com/mcp']], [['ftp://x.example']], [['9696', url]]])(
    'without an address is none: %j',
    (args) => {
      expect(mcpRemoteLineOf(args)).toBeUndefined()
    },
  )

  it('has its variables filled in from the entry, as far as that has them', () => {
    const env = new Map([['TOKEN', 'abc']])
    expect(filledIn('Bearer ${TOKEN} ${OTHER}', env)).toBe('Bearer abc ${OTHER}')
  })

  it('has headers in a file, with comments', () => {
    const text = '# credentials\nAuthorization: Bearer x\r\n\nnonsense\n X-Team:core '
    expect(Object.fromEntries(headersOfFile(text))).toEqual({ Authorization: 'Bearer x', 'X-Team': 'core' })
  })
})

describe('the name under which mcp-remote stores tokens', () => {
  const names = (args: readonly string[], env: Readonly<Record<string, string>> = {}): readonly string[] => {
    const line = mcpRemoteLineOf(args)
    return line ? storedNamesOf(line, new Map(Object.entries(env))) : []
  }

  it('is the hash of the address alone', () => {
    expect(names([url, '3334', '--debug'])).toEqual([md5(url)])
  })

  it('takes in resource, parameters, headers, client metadata and token endpoint, in this order', () => {
    const args = [
      url,
      '--header',
      'X-B: 2',
      '--header',
      'X-A: 1',
      '--resource',
      ' https://r.example/ ',
      '--authorize-param',
      'prompt=consent',
      '--authorize-param',
      'audience=x=y',
      '--client-metadata-url',
      'https://c.example/m',
      '--token-endpoint',
      'https://t.example/t',
    ]
    expect(names(args)[0]).toBe(
      md5(
        [
          url,
          'https://r.example/',
          '{"audience":"x=y","prompt":"consent"}',
          '{"X-A":"1","X-B":"2"}',
          'https://c.example/m',
          'https://t.example/t',
        ].join('|'),
      ),
    )
  })

  it('may have been made before or after variables were filled in, or of the address alone', () => {
    expect(names([url, '--header', 'Authorization: ${T}'], { T: 'secret' })).toEqual([
      md5(`${url}|{"Authorization":"\${T}"}`),
      md5(`${url}|{"Authorization":"secret"}`),
      md5(url),
    ])
  })
})
