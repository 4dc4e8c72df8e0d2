import * as fc from 'fast-check'
import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { Secret } from '../../../bridge/secret.ts'
import { clientApp } from '../../../bridge/clients/apps.ts'
import { difference } from '../../../bridge/clients/difference.ts'
import { readServers } from '../../../bridge/clients/entries.ts'
import { masked } from '../../../bridge/clients/masking.ts'
import { addressWithoutSecrets, plainSecretsOf } from '../../../bridge/clients/plain-secrets.ts'
import { own } from './fixtures.ts'
import { realFiles } from './real-files.ts'

const found = (entry: unknown): Record<string, string> =>
  Object.fromEntries(plainSecretsOf(entry).map(({ where, value }) => [where, value.reveal()]))

describe('a secret in plain text', () => {
  it.each([
    [{ headers: { Authorization: 'Bearer abcdef123' } }, { 'headers.Authorization': 'abcdef123' }],
    [{ headers: { 'X-Team-Thing': 'whatever1' } }, { 'headers.X-Team-Thing': 'whatever1' }],
    [
      { requestInit: { headers: { Authorization: 'Basic YWRhOng=' } } },
      { 'requestInit.headers.Authorization': 'YWRhOng=' },
    ],
    [{ env: { LINEAR_API_KEY: 'lin_api_x', PATH: '/usr/bin:/bin' } }, { 'env.LINEAR_API_KEY': 'lin_api_x' }],
    [{ env: { ANY: 'ghp_0123456789abcdef' } }, { 'env.ANY': 'ghp_0123456789abcdef' }],
    [{ args: ['x', '--header', 'Authorization: Bearer abcdef'] }, { 'args.3': 'abcdef' }],
    [{ args: ['--api-key', 'abcdef123'] }, { 'args.2': 'abcdef123' }],
    [{ args: ['--token=abcdef123'] }, { 'args.1': 'abcdef123' }],
    [
      { args: ['postgresql://ada:lovelace1815@db/x', 'https://u:pw-secret@h.example/'] },
      { 'args.2': 'pw-secret' },
    ],
    [{ args: ['{"client_id":"a","client_secret":"topsecret"}'] }, { 'args.1.client_secret': 'topsecret' }],
    [{ url: 'https://x.example/mcp?api_key=abcdef&team=core' }, { url: 'abcdef' }],
    [
      { oauth: { tokens: { access_token: 'abcdef123', token_type: 'bearer' } } },
      { 'oauth.tokens.access_token': 'abcdef123' },
    ],
  ])('is found in %j', (entry, secrets) => {
    expect(found(entry)).toEqual(secrets)
  })

  it.each([
    { headers: { Authorization: 'Bearer ${input:token}', Accept: 'application/json' } },
    { headers: { Authorization: 'Bearer {env:TOKEN}' }, env_http_headers: { 'X-Key': 'MY_VARIABLE' } },
    { env: { API_KEY: '${env:API_KEY}', TOKEN: '$TOKEN', NODE_ENV: 'production' } },
    { url: 'https://x.example/mcp?team=core', bearer_token_env_var: 'SOME_TOKEN' },
    {
      args: [
        '-y',
        'mcp-remote',
        'https://x.example/sse',
        '--header',
        'X-Key:${KEY}',
        '--resource',
        'https://r.example',
      ],
    },
    { tokenEndpoint: 'https://as.example/token', authorization_url: 'https://as.example/authorize' },
  ])('is not found in %j', (entry) => {
    expect(found(entry)).toEqual({})
  })

  it('is wrapped wherever a server is read back', () => {
    const planted = [
      'ghp_0123456789abcdefghijABCDEFGHIJ012345',
      'ctx7sk-0123456789',
      'stripe-access-0123456789',
      'sbp-0123456789',
    ]
    for (const id of ['claude-code', 'continue', 'cline', 'antigravity', 'codex'] as const) {
      const servers = readServers(clientApp(id), realFiles[id], own)
      const printed = inspect(servers, { depth: 20 }) + JSON.stringify(servers)
      for (const secret of planted) expect(printed).not.toContain(secret)
      expect(servers.flatMap(({ secrets }) => secrets)).not.toEqual([])
    }
  })
})

describe('an address for people', () => {
  it.each([
    ['https://ada:pw@x.example/mcp#frag', 'https://x.example/mcp'],
    ['https://x.example/mcp?api_key=abc&team=core', 'https://x.example/mcp?api_key=redacted&team=core'],
    ['https://x.example/mcp?id=ghp_0123456789', 'https://x.example/mcp?id=redacted'],
    ['nonsense', '[not an address]'],
  ])('is %s without its secrets', (address, shown) => {
    expect(addressWithoutSecrets(address)).toBe(shown)
  })
})

describe('a difference for people', () => {
  it('shows three lines around a change and hides what is known to be secret', () => {
    const before = ['a', 'b', 'c', 'd', '"x": "planted \\"quote\\""', 'e', 'f', 'g', ''].join('\r\n')
    const after = before.replace('\r\ne\r\n', '\r\ne\r\nnew\r\n')
    expect(difference(before, after, [new Secret('planted "quote"')])).toBe(
      ['@@ -4,5 +4,6 @@', ' d', ' "x": "[redacted]"', ' e', '+new', ' f', ' g'].join('\n'),
    )
  })

  it.each([
    '"Authorization": "Bearer PLANTED123"',
    'Authorization: Bearer PLANTED123',
    'http_headers = { "X-Api-Key" = "PLANTED123" }',
    '"args": ["--header", "Authorization: Bearer PLANTED123"]',
    '"client_secret": "PLANTED123",',
    "password: 'PLANTED123'",
    'GITHUB_TOKEN = "PLANTED123" # mine',
    '"url": "https://x.example/mcp?access_token=PLANTED123&x=1"',
    '"url": "https://ada:PLANTED123@x.example/"',
    '"anything": "ghp_PLANTED123"',
    '"anything": "eyJhbGciOi.eyJzdWIi.PLANTED123"',
    '"url": "http://127.0.0.1:47330/PLANTED1234567890ab/linear/mcp"',
    '"url": "http://localhost:47330/PLANTED1234567890ab/mcp"',
  ])('hides what looks like a secret in %s', (line) => {
    expect(masked(line, [])).not.toContain('PLANTED')
    expect(masked(line, [])).toContain('[redacted]')
  })

  it.each([
    '"command": "npx",',
    '"url": "https://mcp.linear.app/mcp"',
    '"token_endpoint": "https://as.example/token"',
    '"bearer_token_env_var": "MY_VARIABLE"',
    'model = "gpt-5-codex"',
    '"hasTrustDialogAccepted": true',
  ])('leaves %s as it is', (line) => {
    expect(masked(line, [])).toBe(line)
  })

  it('never shows a secret that is known, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 6, maxLength: 40 }), fc.string(), fc.string(), (secret, a, b) => {
        fc.pre(!'[redacted]'.includes(secret) && !/[\n\r]/.test(secret))
        expect(masked(`${a}${secret}${b}`, [new Secret(secret)])).not.toContain(secret)
      }),
    )
  })
})
