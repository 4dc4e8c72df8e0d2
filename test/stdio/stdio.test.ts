import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { modern } from '../support/stdio-client.ts'
import { setStdioScene } from './scene.ts'

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))

describe('a client app over stdio', () => {
  it.each(['legacy', 'auto'] as const)('lists and calls with the SDK client (%s era)', async (mode) => {
    const { home } = await setStdioScene()
    const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [shim, 'issues'], env }))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('whoami')
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'über stdio' } })
    expect(content).toMatchObject([{ type: 'text', text: 'über stdio' }])
    await client.close()
  })

  it('gets every progress message of a burst, in order, before the answer', async () => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    await client.initialize()
    const answer = await client.ask('tools/call', {
      name: 'progress',
      arguments: { count: 1000 },
      _meta: { progressToken: 'p' },
    })
    expect(answer.result.content[0].text).toBe('sent 1000')
    const progress = client.lines
      .map((line) => JSON.parse(line) as { method?: string; params?: { progress: number } })
      .filter(({ method }) => method === 'notifications/progress')
      .map(({ params }) => params?.progress)
    expect(progress).toEqual(Array.from({ length: 1000 }, (_, n) => n + 1))
  })

  it.each([0, -1, 7, 'seven', '', 'a"b\\c'])('keeps the id %j as it is', async (id) => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    const answer = await client.ask('tools/list', modern(), id)
    expect(answer).toMatchObject({ id })
    expect(answer.result.tools.length).toBeGreaterThan(3)
  })

  it('is refreshed for without noticing', async () => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    await client.initialize()
    scene.authorization.expireAccessTokens()
    expect((await client.ask('tools/call', { name: 'whoami', arguments: {} })).result).toBeDefined()
    expect(scene.authorization.state.counters.refreshes).toBe(1)
  })

  it('cancels at the server what it cancels', async () => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    client.send({
      jsonrpc: '2.0',
      id: 5,
      method: 'tools/call',
      params: modern({ name: 'wait', arguments: {} }),
    })
    await expect.poll(() => scene.server.record.calls.length, { timeout: 10_000 }).toBe(1)
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 5 } })
    await expect.poll(() => scene.server.record.cancelled.length, { timeout: 10_000 }).toBe(1)
  })
})

describe('what goes wrong over stdio', () => {
  it('is a result with what to do while signed out, and not a hang', async () => {
    const scene = await setStdioScene({ signedIn: false })
    const client = scene.spawn()
    expect((await client.initialize()).result.instructions).toContain('bridgekeeper connect issues')
    const whoami = { name: 'whoami', arguments: {} }
    const { result } = await client.ask('tools/call', whoami)
    expect(result.isError).toBe(true)
    expect(result.content[0].text).toContain('bridgekeeper connect issues')
    await scene.signIn()
    expect((await client.ask('tools/call', whoami)).result.isError).toBeUndefined()
  })

  it('is a JSON-RPC error for a connection that there is not', async () => {
    const scene = await setStdioScene()
    const { error } = await scene.spawn('nobody').ask('tools/list', modern(), 1)
    expect(error?.data).toMatchObject({ code: 'connection.unknown' })
  })

  it('is an error for a line that is no JSON, and the next line is served', async () => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    client.send('this is no JSON\n')
    expect(await client.find(({ error }) => error !== undefined)).toMatchObject({ error: { code: -32700 } })
    expect((await client.ask('tools/list', modern(), 'after')).result).toBeDefined()
  })

  it('does not outlive a bridge that is killed: calls under way end, later ones are served by the next bridge', async () => {
    const scene = await setStdioScene()
    const client = scene.spawn()
    await client.initialize()
    client.send({ jsonrpc: '2.0', id: 'lost', method: 'tools/call', params: { name: 'wait', arguments: {} } })
    await expect.poll(() => scene.server.record.calls.length, { timeout: 10_000 }).toBe(1)
    await scene.killAndRestart()
    expect((await client.find(({ id }) => id === 'lost')).error).toBeDefined()
    expect((await client.ask('tools/call', { name: 'whoami', arguments: {} })).result).toBeDefined()
  })

  it('starts a bridge where none runs', async () => {
    const scene = await setStdioScene()
    await scene.kill()
    const answer = await scene.spawn().ask('tools/list', modern(), 1)
    expect(answer.result.tools.length).toBeGreaterThan(3)
  })

  it('ends with its stdin, and leaves no session at the server', async () => {
    const scene = await setStdioScene({ server: { era: 'session' } })
    const client = scene.spawn()
    await client.initialize()
    expect((await client.ask('tools/list')).result).toBeDefined()
    expect(scene.server.sessionIds()).toHaveLength(1)
    expect(await client.end()).toBe(0)
    await expect.poll(() => scene.server.sessionIds().length, { timeout: 10_000 }).toBe(0)
  })

  it('is mended when the server has forgotten the session', async () => {
    const scene = await setStdioScene({ server: { era: 'session' } })
    const client = scene.spawn()
    await client.initialize()
    await client.ask('tools/list')
    await scene.server.endSessions()
    expect((await client.ask('tools/list')).result).toBeDefined()
  })
})

describe('many client apps at once', () => {
  it('never get the answer of another one', async () => {
    const scene = await setStdioScene({ server: { keep: 'nothing' } })
    const clients = Array.from({ length: 10 }, () => scene.spawn())
    const isOwn = async (client: (typeof clients)[number], nonce: string): Promise<boolean> => {
      const params = modern({ name: 'echo', arguments: { text: nonce } })
      return (await client.ask('tools/call', params, nonce)).result?.content?.[0]?.text === nonce
    }
    const answers = await Promise.all(
      clients.flatMap((client, n) => Array.from({ length: 20 }, (_, call) => isOwn(client, `${n}-${call}`))),
    )
    expect(answers.filter((own) => !own)).toEqual([])
    expect(answers).toHaveLength(200)
  }, 60_000)
})
