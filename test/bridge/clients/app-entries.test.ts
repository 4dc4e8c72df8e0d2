import { describe, expect, it } from 'vitest'
import { clientApp, clientApps } from '../../../bridge/clients/apps.ts'
import { targetFor } from './fixtures.ts'

describe('an entry', () => {
  const http = targetFor('http', 'linear')
  const url = http.kind === 'http' ? http.url : ''
  const stdio = targetFor('stdio', 'linear')
  const program = {
    command: '/usr/bin/node',
    args: ['/opt/bridgekeeper/dist/stdio.cjs', 'linear', '--client=test'],
  }

  it.each([
    ['claude-code', { type: 'http', url }],
    ['cursor', { url }],
    ['vscode', { type: 'http', url }],
    ['vscode-insiders', { type: 'http', url }],
    ['copilot-cli', { type: 'http', url, tools: ['*'] }],
    ['windsurf', { serverUrl: url }],
    ['zed', { url }],
    ['cline', { type: 'streamableHttp', url }],
    ['continue', { type: 'streamable-http', url }],
    ['gemini-cli', { httpUrl: url }],
    ['antigravity', { serverUrl: url }],
    ['codex', { url }],
    ['opencode', { type: 'remote', url, enabled: true }],
    [
      'goose',
      { type: 'streamable_http', uri: url, enabled: true, name: 'linear', description: '', timeout: 300 },
    ],
    ['lm-studio', { url }],
    ['jetbrains-copilot', { url }],
    ['kiro', { url }],
    ['amp', { url }],
  ] as const)('of %s points at the local address', (id, fields) => {
    expect(clientApp(id).speaks).toBe('http')
    expect(clientApp(id).fields(http, 'linear')).toEqual(fields)
  })

  it.each([
    ['claude-desktop', program],
    ['junie', program],
  ] as const)('of %s starts the shim', (id, fields) => {
    expect(clientApp(id).speaks).toBe('stdio')
    expect(clientApp(id).fields(stdio, 'linear')).toEqual(fields)
  })

  it('can start the shim in every app', () => {
    for (const app of clientApps) {
      const fields = app.fields(stdio, 'linear')
      const words = [fields['command'] ?? fields['cmd'], fields['args'] ?? []].flat(2)
      expect(words).toEqual([program.command, ...program.args])
    }
  })

  it('is added and removed by the command of Claude Code', () => {
    const { command } = clientApp('claude-code')
    expect(command?.add('linear', http)).toEqual([
      'mcp',
      'add',
      '--scope',
      'user',
      '--transport',
      'http',
      'linear',
      url,
    ])
    expect(command?.add('linear', stdio)).toEqual([
      'mcp',
      'add',
      '--scope',
      'user',
      'linear',
      '--',
      program.command,
      ...program.args,
    ])
    expect(command?.remove('linear')).toEqual(['mcp', 'remove', '--scope', 'user', 'linear'])
  })

  it('is in the links of the apps that have them', () => {
    const decoded = (link: string | undefined): unknown => {
      const config = new URL(link ?? '').searchParams.get('config') ?? ''
      return JSON.parse(Buffer.from(config, 'base64').toString('utf8'))
    }
    const cursor = clientApp('cursor').link?.('linear', http)
    expect(cursor).toMatch(/^cursor:\/\/anysphere\.cursor-deeplink\/mcp\/install\?name=linear&config=[\w%]+$/)
    expect(decoded(cursor)).toEqual({ url })
    const studio = clientApp('lm-studio').link?.('linear', http)
    expect(studio).toMatch(/^lmstudio:\/\/add_mcp\?name=linear&config=[\w%]+$/)
    expect(decoded(studio)).toEqual({ url })
    const code = clientApp('vscode').link?.('linear', http) ?? ''
    expect(code.startsWith('vscode:mcp/install?')).toBe(true)
    expect(JSON.parse(decodeURIComponent(code.slice(code.indexOf('?') + 1)))).toEqual({
      name: 'linear',
      type: 'http',
      url,
    })
    expect(clientApp('vscode-insiders').link?.('linear', http)).toMatch(/^vscode-insiders:mcp\/install\?/)
  })
})
