import { Client } from '@modelcontextprotocol/client'
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { connectControl } from '../../../bridge/control/client.ts'
import { bridgePaths } from '../../../bridge/paths.ts'
import { startBridgeProcess } from '../../support/bridge-process.ts'
import { createTemporaryHome, type TemporaryHome } from '../../support/temporary-home.ts'
import { afterwards, createWorkshop, serve, spawnAll, type Era } from './scene.ts'

const shim = fileURLToPath(new URL('../../../dist/stdio.cjs', import.meta.url))

/** A built bridge in a process of its own, with these connections. */
async function startBuilt(
  servers: Readonly<Record<string, URL>>,
): Promise<{ home: TemporaryHome; killAndRestart: () => Promise<void> }> {
  const home = await createTemporaryHome()
  const user = { platform: process.platform, userHome: home.folder, user: 'test' }
  const control = connectControl(bridgePaths({ ...user, home: home.bridge }).socket)
  let bridge = await startBridgeProcess(home)
  afterwards(async () => {
    // A shim may have started another bridge after this one was killed.
    await control.bridge.stop({}).catch(() => undefined)
    await bridge.kill()
    await home.remove()
  })
  for (const [id, url] of Object.entries(servers)) await control.connections.add({ url: url.href, id })
  return {
    home,
    async killAndRestart() {
      await bridge.kill()
      bridge = await startBridgeProcess(home)
    },
  }
}

describe('a client app with one entry for all connections, over stdio', () => {
  it.each(['legacy', 'auto'] as const)('lists and calls with the SDK client (%s era)', async (mode) => {
    const issues = await serve()
    const wiki = await serve()
    const { home } = await startBuilt({ issues: issues.url, wiki: wiki.url })
    const client = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
    const env = { ...home.env, BRIDGEKEEPER_HOME: home.bridge }
    await client.connect(new StdioClientTransport({ command: process.execPath, args: [shim], env }))
    expect(client.getServerVersion()).toMatchObject({ name: 'bridgekeeper' })
    const { tools } = await client.listTools()
    expect(tools.map(({ name }) => name)).toEqual(expect.arrayContaining(['issues__echo', 'wiki__echo']))
    const { content } = await client.callTool({ name: 'wiki__echo', arguments: { text: 'über alle' } })
    expect(content).toMatchObject([{ type: 'text', text: 'über alle' }])
    expect(wiki.record.calls.map(({ tool }) => tool)).toEqual(['echo'])
    expect(issues.record.calls).toEqual([])
    const { contents } = await client.readResource({ uri: 'bridgekeeper+wiki+issues://readme' })
    expect(contents).toMatchObject([{ text: 'Issues, for tests.' }])
    await client.close()
  })

  it.each<Era>(['legacy', 'modern'])('does not notice that the bridge was killed (%s era)', async (era) => {
    const legacy = era === 'legacy' ? ({ era: 'session' } as const) : {}
    const oak = await serve({ ...legacy, create: () => createWorkshop('oak') })
    const elm = await serve(legacy)
    const { home, killAndRestart } = await startBuilt({ oak: oak.url, elm: elm.url })
    const client = spawnAll(home, era)
    expect(await client.keys('resources/list')).toContain('doc://shelf/index')
    const lost = client
      .result('tools/call', { name: 'elm__wait', arguments: {} })
      .catch((error: unknown) => error)
    await expect.poll(() => elm.record.calls.length, { timeout: 10_000 }).toBe(1)
    await killAndRestart()
    expect(await lost).toMatchObject({ data: { code: 'gateway.call_lost' } })
    const sessions = oak.sessionIds().length
    // Without any list, and by a name that only a list tells.
    const { contents } = await client.result('resources/read', { uri: 'doc://shelf/index' })
    expect(contents).toMatchObject([{ text: 'the index of oak' }])
    const name = 'oak__admin_tools_list__zyz54mkonf'
    const { content } = await client.result('tools/call', { name, arguments: {} })
    expect(content[0].text).toBe('oak has dots')
    expect(oak.sessionIds()).toHaveLength(sessions)
  })
})
