import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { callTool, listTools } from '../../bridge/local-client.ts'
import { startMcpServer, type McpServerUnderTest } from '../support/mcp-server.ts'
import { json, serve } from './oauth/loopback.ts'

async function openServer(): Promise<McpServerUnderTest> {
  const server = await startMcpServer()
  onTestFinished(() => server.close())
  return server
}

const staying = (): AbortSignal => new AbortController().signal

describe("a call of the command line's own", () => {
  it('gives what the server answers', async () => {
    const { url } = await openServer()
    expect((await listTools(url.href, staying())).map(({ name }) => name)).toContain('echo')
    const result = await callTool(url.href, 'echo', { text: 'hello' }, staying())
    expect(JSON.stringify(result)).toContain('hello')
  })

  it.each([
    ['tools/list', 'tools/list'],
    ['a call', 'tools/call'],
  ])('ends at an answer to %s without end, before it fills the memory', async (_, method) => {
    const { url, loopback } = await openServer()
    const when = ({ body }: { body: string }): boolean => body.includes(`"${method}"`)
    loopback.faults.add('/mcp', { kind: 'flood' }, { when, times: Infinity })
    const asked =
      method === 'tools/list' ? listTools(url.href, staying()) : callTool(url.href, 'echo', {}, staying())
    await expect(asked).rejects.toMatchObject({ code: 'network.too_large' })
  })

  it('shows no words of a server on the console, where a terminal would obey them', async () => {
    const shown = vi.spyOn(console, 'warn').mockImplementation(() => undefined)
    onTestFinished(() => shown.mockRestore())
    const evil = '\u001B]0;title\u0007'
    const inputSchema = {
      type: 'object',
      properties: { a: { type: 'string', 'x-mcp-header': 'not a token' } },
    }
    const { url } = await serve(({ body }, response) => {
      const { id, method } = JSON.parse(body || '{}') as { id?: unknown; method?: string }
      const found = { resultType: 'complete', ttlMs: 0, cacheScope: 'private' }
      const result =
        method === 'tools/list'
          ? { ...found, tools: [{ name: evil, inputSchema }] }
          : {
              ...found,
              supportedVersions: ['2026-07-28'],
              capabilities: { tools: {} },
              serverInfo: { name: 'evil', version: '1' },
            }
      json(response, { jsonrpc: '2.0', id, result })
    })
    expect(await listTools(url().href, staying())).toEqual([])
    expect(shown).not.toHaveBeenCalled()
  })
})
