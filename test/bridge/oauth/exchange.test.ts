import { brotliCompressSync, deflateSync, gzipSync } from 'node:zlib'
import * as net from 'node:net'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { fetchFor } from './guard.ts'
import { codeOf, says, selfSigned, serve, thrownBy } from './loopback.ts'

describe('limits', () => {
  it('of size count what was announced and what came', async () => {
    const announced = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '2000' }).write('x')
    })
    const streamed = await serve((_request, response) => {
      response.write('x'.repeat(2000))
    })
    for (const server of [announced, streamed]) {
      expect(await codeOf(() => fetchFor(server.origin)(server.url(), { maxBytes: 1999 }))).toBe(
        'network.too_large',
      )
    }
    const exact = await serve(says('x'.repeat(2000)))
    expect((await fetchFor(exact.origin)(exact.url(), { maxBytes: 2000 })).status).toBe(200)
  })

  it('of size are 1 MiB where nothing else is said', async () => {
    const server = await serve(says(Buffer.alloc(1024 * 1024 + 1), 200, { 'transfer-encoding': 'chunked' }))
    expect(await codeOf(() => fetchFor(server.origin)(server.url()))).toBe('network.too_large')
  })

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['br', brotliCompressSync],
  ])('of size count the decoded body of an answer that comes in %s unasked', async (encoding, compress) => {
    const server = await serve(({ path }, response) =>
      response
        .writeHead(200, { 'content-encoding': encoding })
        .end(compress(path === '/small' ? 'text' : Buffer.alloc(5_000_000))),
    )
    const fetch = fetchFor(server.origin)
    const small = await fetch(server.url('/small'))
    expect([await small.text(), small.headers.get('content-encoding')]).toEqual(['text', null])
    expect(await codeOf(() => fetch(server.url('/bomb')))).toBe('network.too_large')
  })

  it('of time hold for an answer that never comes and for one that drips', async () => {
    const silent = await serve(() => undefined)
    const dripping = await serve((_request, response) => {
      const drip = setInterval(() => response.write('.'), 20)
      onTestFinished(() => {
        clearInterval(drip)
      })
    })
    for (const server of [silent, dripping]) {
      expect(await codeOf(() => fetchFor(server.origin)(server.url(), { timeoutMs: 200 }))).toBe(
        'network.timeout',
      )
    }
  })

  it('of time hold for a connection whose handshake never ends', async () => {
    const mute = net.createServer(() => undefined)
    await new Promise<void>((resolve) => {
      mute.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => {
      mute.close()
    })
    const { port } = mute.address() as AddressInfo
    const fetch = fetchFor('https://127.0.0.1')
    expect(await codeOf(() => fetch(`https://127.0.0.1:${port}/`, { connectTimeoutMs: 200 }))).toBe(
      'network.timeout',
    )
  })

  it('of time hold for a resolver that never answers', async () => {
    const fetch = createGuardedFetch({
      server: new URL('https://mcp.example.com'),
      resolve: () => new Promise(() => undefined),
    })
    expect(await codeOf(() => fetch('https://mcp.example.com/', { timeoutMs: 100 }))).toBe('network.timeout')
  })

  it('leave a body to whoever saw enough of it', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: endless\n\n')
    })
    let seen = ''
    const response = await fetchFor(server.origin)(server.url(), {
      stopAt: (piece) => {
        seen += piece
        return seen.includes('\n\n')
      },
    })
    expect(await response.text()).toBe('data: endless\n\n')
  })

  it('end with the signal, with its reason', async () => {
    const server = await serve(() => undefined)
    const abort = new AbortController()
    const pending = fetchFor(server.origin)(server.url(), { signal: abort.signal })
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(pending).rejects.toBe(reason)
    await expect(fetchFor(server.origin)(server.url(), { signal: abort.signal })).rejects.toBe(reason)
  })
})

describe('what can go wrong on the way', () => {
  it('is an address where nobody listens', async () => {
    const server = net.createServer()
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    const { port } = server.address() as AddressInfo
    await new Promise((resolve) => {
      server.close(resolve)
    })
    const error = await thrownBy(() => fetchFor('http://127.0.0.1')(`http://127.0.0.1:${port}/`))
    expect([error.code, error.detail]).toEqual(['network.unreachable', `127.0.0.1:${port}: ECONNREFUSED`])
  })

  it('is a name that nobody knows', async () => {
    expect(await codeOf(() => fetchFor('https://mcp.example.com')('https://mcp.example.com/'))).toBe(
      'network.unreachable',
    )
  })

  it('is an answer cut short', async () => {
    const server = await serve((_request, response) => {
      response.writeHead(200, { 'content-length': '100' }).write('half', () => response.destroy())
    })
    expect(await codeOf(() => fetchFor(server.origin)(server.url()))).toBe('network.unreachable')
  })

  it('is an answer that is not HTTP, or of a status that does not exist', async () => {
    const server = net.createServer((socket) => {
      socket.once('data', () => socket.end('SSH-2.0-OpenSSH\r\n\r\n'))
    })
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve)
    })
    onTestFinished(() => {
      server.close()
    })
    const { port } = server.address() as AddressInfo
    expect(await codeOf(() => fetchFor('http://127.0.0.1')(`http://127.0.0.1:${port}/`))).toBe(
      'server.failed',
    )
    const odd = await serve(says('', 999))
    expect(await codeOf(() => fetchFor(odd.origin)(odd.url()))).toBe('server.failed')
  })

  it('is a body that is not encoded as it says', async () => {
    for (const encoding of ['gzip', 'br', 'secret-sauce']) {
      const server = await serve(says('plain text', 200, { 'content-encoding': encoding }))
      expect(await codeOf(() => fetchFor(server.origin)(server.url()))).toBe('server.failed')
    }
  })
})

describe('https', () => {
  it('refuses a certificate that nobody vouches for', async () => {
    const server = await serve(says('secret'), selfSigned())
    const error = await thrownBy(() => fetchFor(server.origin)(server.url()))
    expect([error.code, error.detail]).toEqual([
      'network.tls',
      `${new URL(server.origin).host}: DEPTH_ZERO_SELF_SIGNED_CERT`,
    ])
  })

  it('takes one that was given as trusted, for the host it names', async () => {
    const certificate = selfSigned()
    const server = await serve(says('hello'), certificate)
    const fetch = createGuardedFetch({
      server: server.url(),
      extraCa: certificate.cert,
      resolve: async () => ['127.0.0.1'],
    })
    expect(await (await fetch(server.url())).text()).toBe('hello')
    const { port } = new URL(server.origin)
    expect(await (await fetch(`https://localhost:${port}/`)).text()).toBe('hello')
    expect(await codeOf(() => fetch(`https://other.localhost:${port}/`))).toBe('network.tls')
  })

  it('is not spoken by a plain server', async () => {
    const server = await serve(says('hello'))
    const { port } = new URL(server.origin)
    expect(await codeOf(() => fetchFor(server.origin)(`https://127.0.0.1:${port}/`))).toBe('network.tls')
  })
})
