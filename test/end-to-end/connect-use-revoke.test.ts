import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { afterEach, describe, expect, it } from 'vitest'
import { startAuthorizationServer } from '../support/authorization-server.ts'
import { startBridge } from '../support/bridge-under-test.ts'
import { startMcpServer } from '../support/mcp-server.ts'

const open: { close(): Promise<void> }[] = []
const opened = <T extends { close(): Promise<void> }>(thing: T): T => {
  open.unshift(thing)
  return thing
}
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})

async function client(endpoint: string, mode: 'auto' | 'legacy'): Promise<Client> {
  const made = new Client({ name: 'knows-no-auth', version: '1' }, { versionNegotiation: { mode } })
  await made.connect(new StreamableHTTPClientTransport(new URL(endpoint)))
  return opened(made)
}

describe('a remote server through the bridge', () => {
  it.each(['auto', 'legacy'] as const)('is signed in to, used and revoked (%s era)', async (mode) => {
    const authorization = opened(await startAuthorizationServer())
    const { issuer, verify } = authorization
    const server = opened(
      await startMcpServer({
        auth: { authorizationServers: [issuer], verify, challengeScopes: ['read:issues'] },
      }),
    )
    const bridge = opened(await startBridge())
    const id = await bridge.connect(server.url)
    const caller = await client(await bridge.endpoint(id), mode)
    const { tools } = await caller.listTools()
    expect(tools.map(({ name }) => name)).toContain('whoami')
    const result = await caller.callTool({ name: 'whoami', arguments: {} })
    expect(JSON.stringify(result.content)).toContain('ada')

    const receipt = await bridge.revoke(id)
    expect(receipt).toMatchObject({ refreshToken: 'confirmed', accessToken: 'confirmed', local: 'removed' })
    expect(await caller.callTool({ name: 'whoami', arguments: {} })).toMatchObject({
      isError: true,
      content: [{ text: expect.stringContaining(`bridgekeeper connect ${id}`) }],
    })
  })
})
