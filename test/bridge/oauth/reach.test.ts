import { describe, expect, it } from 'vitest'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { createReach } from '../../../bridge/oauth/reach.ts'
import { fetchFor } from './guard.ts'
import { codeOf, says, serve, thrownBy } from './loopback.ts'

describe('the private-address rule', () => {
  const publicServer = {
    'mcp.example.com': ['93.184.216.34'],
    'inside.example.com': ['10.0.0.1'],
    'self.example.com': ['127.0.0.1'],
  }

  it.each([
    'https://10.0.0.1/',
    'http://169.254.169.254/latest/meta-data',
    'https://[::ffff:127.0.0.1]/',
    'https://[fd00:ec2::254]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0/',
    'https://localhost/',
    'http://localhost:1234/',
    'https://inside.example.com/',
    'https://self.example.com/',
  ])('keeps a public server from pointing at %s', async (url) => {
    const fetch = fetchFor('https://mcp.example.com', publicServer)
    expect(await codeOf(() => fetch(url))).toBe('network.private_address')
  })

  it('keeps a server in a private network from pointing at this machine', async () => {
    const fetch = fetchFor('https://mcp.corp', { 'mcp.corp': ['10.0.0.7'], 'self.corp': ['127.0.0.1'] })
    expect(await codeOf(() => fetch('https://127.0.0.1/'))).toBe('network.private_address')
    expect(await codeOf(() => fetch('https://self.corp/'))).toBe('network.private_address')
    await expect(fetch.check(new URL('https://10.0.0.8/'))).resolves.toBeUndefined()
    await expect(fetch.check(new URL('https://8.8.8.8/'))).resolves.toBeUndefined()
  })

  it('lets a server on this machine point anywhere', async () => {
    const fetch = fetchFor('http://localhost:1/mcp')
    for (const url of ['https://10.0.0.1/', 'https://8.8.8.8/', 'http://127.0.0.1:9/']) {
      await expect(fetch.check(new URL(url))).resolves.toBeUndefined()
    }
  })

  it('checks a name on what is connected to, and never resolves it a second time in between', async () => {
    const server = await serve(says('reached'))
    const asked: string[] = []
    const fetch = createGuardedFetch({
      server: server.url(),
      // A rebinding name: harmless at the first look, this machine at the next.
      resolve: async (hostname) => {
        asked.push(hostname)
        return [asked.length === 1 ? '127.0.0.1' : '8.8.8.8']
      },
    })
    const { port } = new URL(server.origin)
    const response = await fetch(`http://rebind.localhost:${port}/`)
    expect(await response.text()).toBe('reached')
    expect(asked).toEqual(['rebind.localhost'])
  })

  it('is narrowed by a name that answers with this machine once and with the internet later', async () => {
    const answers = [['127.0.0.1'], ['8.8.8.8']]
    const abort = new AbortController()
    const fetch = createGuardedFetch({
      server: new URL('https://mcp.example.com'),
      resolve: async () => {
        const answer = answers.shift() ?? []
        // Nothing may leave this machine in a test.
        if (answers.length === 0) abort.abort()
        return answer
      },
    })
    await expect(fetch.check(new URL('https://127.0.0.1/'))).resolves.toBeUndefined()
    await expect(fetch('https://mcp.example.com/', { signal: abort.signal })).rejects.toThrow('aborted')
    expect(await codeOf(() => fetch.check(new URL('https://127.0.0.1/')))).toBe('network.private_address')
  })

  it('is not widened by a name that answers with the internet first and with this machine later', async () => {
    const answers = [['8.8.8.8'], ['127.0.0.1']]
    const fetch = createGuardedFetch({
      server: new URL('https://mcp.example.com'),
      resolve: async () => answers.shift() ?? [],
    })
    expect(await codeOf(() => fetch.check(new URL('https://127.0.0.1/')))).toBe('network.private_address')
    expect(await codeOf(() => fetch('https://mcp.example.com/'))).toBe('network.private_address')
    expect(answers).toEqual([])
  })

  it('goes by the most public of a server’s addresses', async () => {
    const fetch = fetchFor('https://mcp.example.com', {
      'mcp.example.com': ['127.0.0.1', '8.8.8.8', '10.0.0.1'],
    })
    expect(await codeOf(() => fetch.check(new URL('https://10.0.0.1/')))).toBe('network.private_address')
  })

  it('lets what is public be reached when the server has no address any more, and nothing else', async () => {
    const addresses: Record<string, string[]> = { 'as.example.com': ['8.8.8.8'], 'as.corp': ['10.0.0.1'] }
    const reach = createReach(new URL('https://gone.example.com'), async (name) => addresses[name] ?? [])
    expect(await reach.addresses(new URL('https://as.example.com/'))).toEqual(['8.8.8.8'])
    await expect(reach.check(new URL('https://8.8.8.8/'))).resolves.toBeUndefined()
    expect(await codeOf(() => reach.addresses(new URL('https://as.corp/')))).toBe('network.unreachable')
    expect(await codeOf(() => reach.check(new URL('https://10.0.0.1/')))).toBe('network.unreachable')
  })

  it('leaves out the addresses of a name that may not be reached', async () => {
    const server = await serve(says('reached'))
    const { port } = new URL(server.origin)
    const fetch = fetchFor(server.origin, { 'both.localhost': ['10.0.0.1', '127.0.0.1'] })
    expect(await (await fetch(`http://both.localhost:${port}/`)).text()).toBe('reached')
  })
})

describe('schemes and credentials', () => {
  it.each([
    ['http://mcp.example.com/', 'network.plain_http'],
    ['http://93.184.216.34/', 'network.plain_http'],
    ['http://0.0.0.0:9/', 'network.plain_http'],
    ['file:///etc/passwd', 'url.not_http'],
    ['data:text/plain,x', 'url.not_http'],
    ['https://user:secret@mcp.example.com/', 'url.credentials'],
    ['nonsense', 'url.invalid'],
  ])('%s is refused: %s', async (url, code) => {
    const error = await thrownBy(() => fetchFor('http://127.0.0.1:1')(url))
    expect(error.code).toBe(code)
    expect(error.message).not.toContain('secret')
  })

  it('are plain http for this machine only, whatever a localhost name resolves to', async () => {
    const fetch = fetchFor('http://127.0.0.1:1', { 'odd.localhost': ['10.0.0.1'] })
    expect(await codeOf(() => fetch('http://odd.localhost/'))).toBe('network.plain_http')
  })
})
