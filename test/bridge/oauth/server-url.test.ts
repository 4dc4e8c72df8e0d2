import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseServerUrl, suggestId } from '../../../bridge/oauth/server-url.ts'
import { ConnectionId } from '../../../shared/connection.ts'
import { thrownBy } from './loopback.ts'

describe('the URL of a server', () => {
  it.each([
    ['https://mcp.linear.app/mcp', 'https://mcp.linear.app/mcp'],
    ['  https://MCP.Example.com ', 'https://mcp.example.com/'],
    ['https://mcp.example.com/mcp?team=1#x', 'https://mcp.example.com/mcp?team=1'],
    ['https://mcp.example.com/mcp#', 'https://mcp.example.com/mcp'],
    ['http://localhost:3000/mcp', 'http://localhost:3000/mcp'],
    ['http://app.localhost/mcp', 'http://app.localhost/mcp'],
    ['http://127.0.0.9:1', 'http://127.0.0.9:1/'],
    ['http://[::1]:1', 'http://[::1]:1/'],
    ['https://10.0.0.1/mcp', 'https://10.0.0.1/mcp'],
  ])('%j is taken', (text, href) => {
    expect(parseServerUrl(text).href).toBe(href)
  })

  it.each([
    ['', 'url.invalid'],
    ['linear', 'url.invalid'],
    ['mcp.linear.app/mcp', 'url.invalid'],
    ['localhost:3000/mcp', 'url.invalid'],
    ['mcp.example.com:8443', 'url.invalid'],
    ['https://', 'url.invalid'],
    [`https://example.com/${'a'.repeat(3000)}`, 'url.invalid'],
    ['file:///etc/passwd', 'url.not_http'],
    ['javascript:alert(1)', 'url.not_http'],
    ['ftp://example.com', 'url.not_http'],
    ['ws://example.com/mcp', 'url.not_http'],
    ['http://mcp.example.com/mcp', 'url.plain_http'],
    ['http://10.0.0.1/mcp', 'url.plain_http'],
    ['http://localhost.example.com/mcp', 'url.plain_http'],
    ['https://user:password@example.com', 'url.credentials'],
    ['https://token@example.com', 'url.credentials'],
  ])('%j is refused: %s', async (text, code) => {
    expect((await thrownBy(() => parseServerUrl(text))).code).toBe(code)
  })

  it('is not repeated in a refusal, since it may hold a password', async () => {
    const error = await thrownBy(() => parseServerUrl('https://user:hunter2@example.com/?key=hunter3'))
    expect(JSON.stringify(error.toFailure()) + error.message).not.toMatch(/hunter/)
  })
})

describe('the id of a connection', () => {
  it.each([
    ['https://mcp.linear.app/mcp', 'linear'],
    ['https://api.githubcopilot.com/mcp/', 'githubcopilot'],
    ['https://huggingface.co/mcp', 'huggingface'],
    ['https://mcp.example.co.uk/mcp', 'example'],
    ['https://weather.fly.dev/mcp', 'weather'],
    ['https://weather.acme.workers.dev/sse', 'acme'],
    ['https://weather.com.au', 'weather'],
    ['https://fly.dev/mcp', 'fly'],
    ['https://intranet/mcp', 'intranet'],
    ['http://localhost:3000/mcp', 'local-3000'],
    ['http://127.0.0.1/mcp', 'local'],
    ['https://10.0.0.1/mcp', '10-0-0-1'],
    ['https://[2001:db8::1]/mcp', '2001-db8-1'],
    ['https://bücher.example/mcp', 'xn-bcher-kva'],
  ])('%s: %s', (url, id) => {
    expect(suggestId(new URL(url))).toBe(id)
  })

  it('is always one that a connection can have', () => {
    fc.assert(
      fc.property(
        fc.webUrl({ authoritySettings: { withIPv4: true, withIPv6: true, withPort: true } }),
        (url) => {
          expect(ConnectionId.safeParse(suggestId(new URL(url))).success).toBe(true)
        },
      ),
    )
  })
})
