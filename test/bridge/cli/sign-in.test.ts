import { once } from 'node:events'
import { describe, expect, it } from 'vitest'
import type { AddConnection } from '../../../shared/control.ts'
import { Connection, type Look } from '../../../shared/connection.ts'
import { connection } from '../control/handlers.ts'
import { runCommand, startCommands } from './run-command.ts'

const connectionWith = (parts: object) => Connection.parse({ ...connection, ...parts })

const look: Look = {
  asks: 'oauth',
  issuers: ['https://as.example'],
  issuer: 'https://as.example',
  registration: 'dynamic',
  scopes: ['read', 'write'],
  redirectUri: 'http://127.0.0.1:47330/oauth/callback',
  pkce: true,
}

describe('add', () => {
  it('sends what was typed, with the secret from stdin alone', async () => {
    const seen: AddConnection[] = []
    const { json } = await startCommands({
      connections: {
        add: async (input) => {
          seen.push(input)
          return { connection, look }
        },
      },
    })
    const words = [
      'add',
      'https://mcp.example.com/mcp',
      '--id',
      'work',
      '--client-id',
      'c1',
      '--client-secret-stdin',
    ]
    const more = ['--scope', 'read', '--scope', 'write', '--header', 'X-A: 1', '--allow-missing-pkce']
    expect(await json([...words, ...more], 'cs-1\n')).toEqual({ connection, look })
    expect(seen).toEqual([
      {
        url: 'https://mcp.example.com/mcp',
        id: 'work',
        clientId: 'c1',
        clientSecret: 'cs-1',
        scopes: ['read', 'write'],
        headers: [{ name: 'X-A', value: '1' }],
        allowMissingPkce: true,
      },
    ])
  })

  it('says what the server will ask for and what comes next', async () => {
    const signedOut = connectionWith({ status: 'signed-out' })
    const { run } = await startCommands({
      connections: { add: async () => ({ connection: signedOut, look }) },
    })
    const { out } = await run(['add', 'https://mcp.example.com/mcp'])
    for (const words of ['https://as.example', 'read write', 'by itself', 'bridgekeeper connect linear']) {
      expect(out).toContain(words)
    }
  })

  it('shows the redirect URI to register where the server asks for that', async () => {
    const ask = { ...look, registration: 'ask' as const }
    const { run } = await startCommands({ connections: { add: async () => ({ connection, look: ask }) } })
    expect((await run(['add', 'https://mcp.example.com/mcp'])).out).toContain(look.redirectUri)
  })

  it('takes one secret from stdin, not two', async () => {
    const { code, err } = await runCommand(
      ['add', 'https://a.example', '--bearer-stdin', '--client-secret-stdin'],
      {
        env: {},
        input: 'sk-planted',
      },
    )
    expect(code).toBe(3)
    expect(err).toContain('connection.options_conflict')
  })
})

describe('connect', () => {
  const authorize = {
    event: 'authorize' as const,
    url: 'https://as.example/authorize?state=s',
    opened: false,
  }

  it('prints each event in JSON as the contract has it', async () => {
    const seen: unknown[] = []
    const { run } = await startCommands({
      connections: {
        signIn: async function* (input) {
          seen.push(input)
          yield authorize
          yield { event: 'connected', connection }
        },
      },
    })
    const { code, out, err } = await run(['connect', 'linear', '--no-browser', '--json', '--scope', 'read'])
    expect(code).toBe(0)
    expect(err).toBe('')
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
    ).toEqual([authorize, { event: 'connected', connection }])
    expect(seen).toEqual([{ id: 'linear', scopes: ['read'], openBrowser: false }])
  })

  it('says in words what to open and how it ended', async () => {
    const { run } = await startCommands({
      connections: {
        get: async () => connection,
        signIn: async function* () {
          yield authorize
          yield { event: 'connected', connection: connectionWith({ account: 'ann@example.com' }) }
        },
      },
    })
    const { code, out, err } = await run(['connect', 'linear', '--no-browser'])
    expect(code).toBe(0)
    expect(out).toContain(authorize.url)
    expect(out).toContain('Connected: linear as ann@example.com')
    expect(err).toContain('--callback-url')
  })

  it('ends with the code of a failed sign-in', async () => {
    const { run } = await startCommands({
      connections: {
        signIn: async function* () {
          yield { event: 'failed', code: 'oauth.denied', detail: 'access_denied' }
        },
      },
    })
    const { code, out } = await run(['connect', 'linear', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(out)).toEqual({ event: 'failed', code: 'oauth.denied', detail: 'access_denied' })
  })

  it('fails when the bridge ends the stream without a result', async () => {
    const { run } = await startCommands({
      connections: {
        signIn: async function* () {
          yield authorize
        },
      },
    })
    const { code, out } = await run(['connect', 'linear', '--json'])
    expect(code).toBe(75)
    expect(out).toContain('"bridge.unreachable"')
  })

  it('says which scopes a held call waits for', async () => {
    const stepUp = {
      scopes: ['write:issues'],
      by: { client: 'cursor', method: 'tools/call', name: 'create' },
      since: 1,
    }
    const { run } = await startCommands({
      connections: {
        get: async () => connectionWith({ stepUp }),
        signIn: async function* () {
          yield { event: 'connected', connection }
        },
      },
    })
    const { out } = await run(['connect', 'linear'])
    expect(out).toContain('write:issues for tools/call create by cursor')
    const status = await run(['status', 'linear'])
    expect(status.out).toContain('write:issues for tools/call create by cursor')
    expect(status.out).toContain('Next: bridgekeeper connect linear')
  })

  it('finishes a pending sign-in with a pasted address', async () => {
    const seen: unknown[] = []
    const { json } = await startCommands({
      connections: {
        finishSignIn: async (input) => {
          seen.push(input)
          return connection
        },
      },
    })
    const url = 'http://127.0.0.1:47330/oauth/callback?code=c&state=s'
    expect(await json(['connect', 'linear', '--callback-url', url])).toEqual({
      event: 'connected',
      connection,
    })
    expect(seen).toEqual([{ id: 'linear', callbackUrl: url }])
  })

  it('cancels the sign-in when it is interrupted', async () => {
    const cancelled: unknown[] = []
    const { run } = await startCommands({
      connections: {
        signIn: async function* (_input, signal) {
          yield authorize
          process.emit('SIGTERM')
          await once(signal, 'abort')
        },
        cancelSignIn: async (input) => {
          cancelled.push(input)
          return connection
        },
      },
    })
    const { code, out } = await run(['connect', 'linear', '--json'])
    expect(cancelled).toEqual([{ id: 'linear' }])
    expect(code).toBe(3)
    expect(out).toContain('"oauth.cancelled"')
    expect(process.listenerCount('SIGTERM')).toBe(0)
  })
})
