import { networkInterfaces } from 'node:os'
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client'
import { describe, expect, it, onTestFinished } from 'vitest'
import { startEverythingServer } from '../support/everything-server.ts'

describe('the reference server "everything"', () => {
  it('serves the older era on 127.0.0.1 alone', async () => {
    const server = await startEverythingServer()
    onTestFinished(() => server.close())
    const client = new Client({ name: 'test', version: '1.0.0' })
    await client.connect(new StreamableHTTPClientTransport(server.url))
    onTestFinished(() => client.close())
    const { content } = await client.callTool({ name: 'echo', arguments: { message: 'hello' } })
    expect(content).toMatchObject([{ text: 'Echo: hello' }])

    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .find(({ family, internal }) => family === 'IPv4' && !internal)
    if (outside === undefined) return
    await expect(fetch(`http://${outside.address}:${server.url.port}/mcp`)).rejects.toBeInstanceOf(TypeError)
  })
})
