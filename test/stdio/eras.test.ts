import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { modern } from '../support/stdio-client.ts'
import { setStdioScene } from './scene.ts'

const shim = fileURLToPath(new URL('../../dist/stdio.cjs', import.meta.url))

describe('a client app over stdio, with a server of the other era', () => {
  it.each([
    { era: 'modern', mode: 'legacy' },
    { era: 'session', mode: { pin: '2026-07-28' } },
    { era: 'session', mode: 'auto' },
  ] as const)('lists and calls ($era server, $mode client)', async ({ era, mode }) => {
    const { home } = await setStdioScene({ server: { era } })
    const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [shim, 'issues'], env }))
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toContain('whoami')
    const { content } = await client.callTool({ name: 'echo', arguments: { text: 'über die Zeiten' } })
    expect(content).toMatchObject([{ text: 'über die Zeiten' }])
    await client.close()
  })

  it('goes on after the bridge was killed, without beginning anew: an older client', async () => {
    const scene = await setStdioScene({ server: { era: 'modern' } })
    const client = scene.spawn()
    await client.initialize()
    await client.ask('tools/list')
    client.send({ jsonrpc: '2.0', id: 'lost', method: 'tools/call', params: { name: 'wait', arguments: {} } })
    await expect.poll(() => scene.server.record.calls.length, { timeout: 10_000 }).toBe(1)
    await scene.killAndRestart()
    expect((await client.find(({ id }) => id === 'lost')).error).toBeDefined()
    const { result } = await client.ask('tools/call', { name: 'echo', arguments: { text: 'on' } })
    expect(result.content).toMatchObject([{ text: 'on' }])
  })

  it('goes on after the bridge was killed, in the same session: a modern client', async () => {
    const scene = await setStdioScene({ server: { era: 'session' } })
    const client = scene.spawn()
    await client.ask('server/discover', modern())
    const sessions = scene.server.sessionIds()
    expect(sessions).toHaveLength(1)
    client.send({
      jsonrpc: '2.0',
      id: 'lost',
      method: 'tools/call',
      params: modern({ name: 'wait', arguments: {} }),
    })
    await expect.poll(() => scene.server.record.calls.length, { timeout: 10_000 }).toBe(1)
    await scene.killAndRestart()
    expect((await client.find(({ id }) => id === 'lost')).error).toBeDefined()
    const { result } = await client.ask('tools/call', modern({ name: 'echo', arguments: { text: 'on' } }))
    expect(result.content).toMatchObject([{ text: 'on' }])
    expect(scene.server.sessionIds()).toEqual(sessions)
  })

  it('is told to sign in, and works after that', async () => {
    const scene = await setStdioScene({ server: { era: 'modern' }, signedIn: false })
    const client = scene.spawn()
    const first = await client.initialize()
    expect(first.result.instructions).toContain('bridgekeeper connect issues')
    await scene.signIn()
    expect((await client.ask('tools/list')).result.tools.length).toBeGreaterThan(3)
  })
})
