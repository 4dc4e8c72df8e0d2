import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { Connection, Trace, type Receipt } from '../../../shared/connection.ts'
import { errors } from '../../../shared/errors.ts'
import { Settings } from '../../../shared/settings.ts'
import { version } from '../../../bridge/version.ts'
import { connection, status } from '../control/handlers.ts'
import { newHome } from '../control/start-control.ts'
import { runCommand, startCommands } from './run-command.ts'

const connectionWith = (parts: object) => Connection.parse({ ...connection, ...parts })

describe('list, status and trace', () => {
  it('are in JSON what the contract says', async () => {
    const trace = Trace.parse({
      connection: 'linear',
      startedAt: 1,
      outcome: 'connected',
      steps: [
        {
          at: 2,
          step: 'asked',
          request: { method: 'GET', url: 'https://a.example' },
          response: { status: 200 },
        },
      ],
    })
    const { json, run } = await startCommands({
      connections: { list: async () => [connection], get: async () => connection, trace: async () => trace },
    })
    expect(await json(['list'])).toEqual([connection])
    expect(await json(['status', 'linear'])).toEqual(connection)
    expect(await json(['trace', 'linear'])).toEqual(trace)
    const { out } = await run(['trace', 'linear'])
    expect(out).toContain('> GET https://a.example')
    expect(out).toContain('< 200')
  })

  it('say what to do where something is to be done', async () => {
    const again = connectionWith({ status: 'sign-in-again', failure: { code: 'oauth.refresh_rejected' } })
    const { run } = await startCommands({
      connections: { list: async () => [again], get: async () => again },
    })
    expect((await run(['list'])).out).toMatch(
      /^linear +sign-in-again +- +next: bridgekeeper connect linear\n$/,
    )
    const { out } = await run(['status', 'linear'])
    expect(out).toContain(errors['oauth.refresh_rejected'].cause)
    expect(out).toContain('Next: bridgekeeper connect linear')
  })

  it('do not call a revoked key an access', async () => {
    const revoked = connectionWith({ auth: 'bearer', status: 'signed-out' })
    const { run } = await startCommands({ connections: { list: async () => [revoked] } })
    expect((await run(['list'])).out).toMatch(/^linear +signed-out +- +none\n$/)
  })

  it('say how to begin when there is nothing', async () => {
    const { run } = await startCommands({ connections: { list: async () => [] } })
    expect((await run(['list'])).out).toContain('bridgekeeper add ')
  })

  it('show nothing of a server that a terminal would obey', async () => {
    const hostile = '\u001B]0;owned\u0007\u001B[2Jann\u202E'
    const evil = connectionWith({ account: hostile, issuer: `https://as.example/${hostile}` })
    const tool = { name: `t${hostile}`, description: `d${hostile}\nsecond`, inputSchema: {} }
    const { run } = await startCommands({
      connections: {
        list: async () => [evil],
        get: async () => evil,
        tools: async () => [tool],
        call: async () => ({ content: [{ type: 'text', text: `a${hostile}\n\tb` }] }),
      },
    })
    for (const words of [['list'], ['status', 'linear'], ['tools', 'linear'], ['call', 'linear', 't']]) {
      const { code, out } = await run(words)
      expect(code).toBe(0)
      expect(out).toContain('ann')
      expect(out.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    }
  })
})

describe('endpoint, tools and call', () => {
  it('show the last known tools while nobody is signed in, and say that they are', async () => {
    const tools = [{ name: 'file_issue', inputSchema: {} }]
    const get = async () => connectionWith({ status: 'sign-in-again', lists: { asOf: 1, tools: 1 } })
    const { run, json } = await startCommands({
      connections: { get, knownTools: async () => ({ tools, asOf: Date.now() - 2 * 3_600_000 }) },
    })
    const { code, out, err } = await run(['tools', 'linear'])
    expect(code).toBe(0)
    expect(out).toMatch(/^file_issue *\n$/)
    expect(err).toContain('sign-in-again')
    expect(err).toContain('2 hours ago')
    expect(err).toContain('bridgekeeper connect linear')
    expect(await json(['tools', 'linear'])).toEqual(tools)
    expect((await run(['status', 'linear'])).out).toMatch(/tools +1, as of /)
  })

  it('give the local URL alone, ready to be pasted', async () => {
    const url = 'http://127.0.0.1:47330/key/linear/mcp'
    const seen: unknown[] = []
    const { run, json } = await startCommands({
      connections: {
        endpoint: async (input) => {
          seen.push(input)
          return { url }
        },
      },
    })
    expect((await run(['endpoint', 'linear', '--client', 'cursor'])).out).toBe(`${url}\n`)
    expect(await json(['endpoint', 'linear'])).toEqual({ url })
    expect(seen).toEqual([
      { id: 'linear', client: 'cursor' },
      { id: 'linear', client: 'default' },
    ])
  })

  it('call a tool with arguments from the line or from stdin', async () => {
    const seen: unknown[] = []
    const { run, json } = await startCommands({
      connections: {
        call: async (input) => {
          seen.push(input.arguments)
          return {
            content: [{ type: 'image', data: 'AAAA', mimeType: 'image/png' }],
            structuredContent: { a: 1 },
          }
        },
      },
    })
    expect((await run(['call', 'linear', 'draw', '{"a":1}'])).out).toBe(
      '[image image/png, 3 bytes; --json shows them]\n',
    )
    expect(await json(['call', 'linear', 'draw', '-'], '{"b":2}')).toMatchObject({
      structuredContent: { a: 1 },
    })
    await run(['call', 'linear', 'draw'])
    expect(seen).toEqual([{ a: 1 }, { b: 2 }, {}])
  })

  it('end with 1 when the tool itself reports an error', async () => {
    const result = { content: [{ type: 'text', text: 'no such issue' }], isError: true }
    const { run } = await startCommands({ connections: { call: async () => result } })
    expect(await run(['call', 'linear', 'get'])).toMatchObject({ code: 1, out: 'no such issue\n' })
  })
})

describe('revoke and remove', () => {
  const receipt: Receipt = {
    connection: connection.id,
    at: 1,
    refreshToken: 'confirmed',
    accessToken: 'not-offered',
    local: 'removed',
    failures: [],
  }

  it('say what the server confirmed and no more', async () => {
    const { run, json } = await startCommands({
      connections: { revoke: async () => receipt, remove: async () => null },
    })
    const { out } = await run(['revoke', 'linear'])
    expect(out).toMatch(/refresh token +revoked; the server confirmed it/)
    expect(out).toMatch(/access token +the server offers no revocation/)
    expect(await json(['revoke', 'linear'])).toEqual(receipt)
    expect((await run(['remove', 'linear'])).out).toBe('Removed linear.\n')
    expect(await json(['remove', 'linear'])).toBeNull()
  })
})

describe('events', () => {
  it('are printed one a line until the bridge ends', async () => {
    const { run } = await startCommands({
      events: async function* () {
        yield { event: 'connection-changed', connection }
        yield { event: 'sign-in-needed', id: connection.id, failure: { code: 'oauth.refresh_rejected' } }
      },
    })
    const { code, out } = await run(['events', '--json'])
    expect(code).toBe(0)
    expect(
      out
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { event: string }).event),
    ).toEqual(['connection-changed', 'sign-in-needed'])
    const words = await run(['events'])
    expect(words.out).toContain('bridgekeeper connect linear')
    expect(words.err).toContain('The bridge has ended.')
  })
})

describe('settings', () => {
  it('are those of the running bridge', async () => {
    const seen: unknown[] = []
    const { json, run } = await startCommands({
      settings: {
        get: async () => Settings.parse({ port: 4000 }),
        set: async (input) => {
          seen.push(input)
          return Settings.parse({ port: 5000 })
        },
      },
    })
    expect(await json(['settings'])).toEqual(Settings.parse({ port: 4000 }))
    expect(await json(['settings', 'get', 'port'])).toBe(4000)
    expect((await run(['settings', 'get', 'port'])).out).toBe('4000\n')
    const changed = await run(['settings', 'set', 'port', '5000'])
    expect(changed.out).toBe('port is now 5000\n')
    expect(changed.err).toContain('at its next start')
    expect((await run(['settings', 'set', 'logLevel', 'info'])).err).not.toContain('at its next start')
    expect(seen).toEqual([
      { key: 'port', value: '5000' },
      { key: 'logLevel', value: 'info' },
    ])
  })

  it('can be mended when no bridge runs, since they may be why', async () => {
    const { home } = await newHome()
    const env = { BRIDGEKEEPER_HOME: home }
    expect((await runCommand(['settings', 'set', 'keyStore', 'key-file'], { env })).code).toBe(0)
    expect(JSON.parse(await readFile(join(home, 'settings.json'), 'utf8'))).toEqual({ keyStore: 'key-file' })
    expect((await runCommand(['settings', 'get', 'keyStore'], { env })).out).toBe('key-file\n')
    await writeFile(join(home, 'settings.json'), '{ "port": }')
    const broken = await runCommand(['settings', '--json'], { env })
    expect(broken.code).toBe(3)
    expect(broken.out).toContain('"settings.broken"')
  })

  it('are known by their names alone', async () => {
    const { run } = await startCommands()
    const { code, err } = await run(['settings', 'get', 'prot'])
    expect(code).toBe(3)
    expect(err).toContain('settings.unknown_key')
  })
})

describe('doctor', () => {
  it('ends with the code of the worst check and says who fixes it', async () => {
    const { run, json } = await startCommands({
      bridge: {
        doctor: async () => [
          { check: 'port', ok: true, note: '47330' },
          { check: 'key store', ok: true, failure: { code: 'keystore.locked' } },
          { check: 'linear', ok: false, failure: { code: 'network.timeout' } },
          { check: 'work', ok: false, failure: { code: 'discovery.metadata_invalid' } },
        ],
      },
    })
    const { code, out } = await run(['doctor'])
    expect(code).toBe(69)
    expect(out).toMatch(/ok +port: 47330/)
    expect(out).toMatch(/warn +key store/)
    expect(out).toMatch(/FAIL +work/)
    expect(out).toContain('the operator of the server can fix it')
    expect(await json(['doctor'])).toHaveLength(4)
  })

  it('ends with 0 when there are warnings at most', async () => {
    const { run } = await startCommands({
      bridge: {
        doctor: async () => [{ check: 'key store', ok: true, failure: { code: 'keystore.locked' } }],
      },
    })
    expect((await run(['doctor', 'linear'])).code).toBe(0)
  })

  it('reports a bridge that cannot start', async () => {
    const { home } = await newHome()
    const { code, out } = await runCommand(['doctor', '--json'], { env: { BRIDGEKEEPER_HOME: home } })
    expect(code).toBe(3)
    expect(JSON.parse(out)).toMatchObject([
      { check: 'bridge', ok: false, failure: { code: 'bridge.start_failed' } },
    ])
  })
})

describe('a bridge of another version', () => {
  it('is pointed out beside the answer, and never in JSON', async () => {
    const { run } = await startCommands({ bridge: { status: async () => ({ ...status, version: '9.9.9' }) } })
    const words = await run(['list'])
    expect(words).toMatchObject({ code: 0, out: expect.stringContaining('linear') })
    expect(words.err).toContain('9.9.9')
    expect(words.err).toContain('bridgekeeper stop')
    expect((await run(['list', '--json'])).err).toBe('')
  })

  it('is not mentioned when there is none', async () => {
    const { run } = await startCommands({ bridge: { status: async () => ({ ...status, version }) } })
    expect((await run(['list'])).err).toBe('')
  })
})

describe('stop', () => {
  it('has nothing to do where no bridge runs', async () => {
    const { home } = await newHome()
    const env = { BRIDGEKEEPER_HOME: home }
    expect(await runCommand(['stop'], { env })).toMatchObject({ code: 0, out: 'No bridge runs.\n' })
    expect(await runCommand(['stop', '--json'], { env })).toMatchObject({ code: 0, out: '{}\n' })
  })
})
