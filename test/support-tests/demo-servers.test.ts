import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import * as oauth from 'openid-client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startDemoServers } from '../../demo/servers.ts'
import { signInRaw } from '../support/raw-sign-in.ts'

describe('the servers of the demo', () => {
  it('tell of a refresh and a revocation, and refuse the token afterwards', async () => {
    const told: string[] = []
    const servers = await startDemoServers({
      approval: 'automatic',
      accessTokenSeconds: 600,
      on: {
        registered: () => told.push('registered'),
        issued: () => told.push('issued'),
        refreshed: () => told.push('refreshed'),
        revoked: () => told.push('revoked'),
      },
    })
    onTestFinished(() => servers.close())
    const { authorizationServer, mcpServer } = servers
    const resource = mcpServer.url.href
    const { client, tokens } = await signInRaw(authorizationServer.issuer, {
      resource,
      scopes: ['read:issues'],
    })
    const mcp = new Client({ name: 'test', version: '1.0.0' })
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    await mcp.connect(new StreamableHTTPClientTransport(mcpServer.url, { requestInit: { headers } }))
    onTestFinished(() => mcp.close())
    await expect(mcp.callTool({ name: 'whoami' })).resolves.toHaveProperty('content')
    await expect(mcp.callTool({ name: 'write_issue', arguments: { title: 'Fire' } })).rejects.toMatchObject({
      requiredScope: 'write:issues',
    })

    const renewed = await oauth.refreshTokenGrant(client, tokens.refresh_token ?? '', { resource })
    expect(servers.lastBearer()).toBe(tokens.access_token)
    expect(await servers.statusFor(renewed.access_token)).not.toBe(401)
    await oauth.tokenRevocation(client, renewed.refresh_token ?? '')
    expect(await servers.statusFor(renewed.access_token)).toBe(401)
    expect(told).toEqual(['registered', 'issued', 'refreshed', 'revoked'])
  })
})
