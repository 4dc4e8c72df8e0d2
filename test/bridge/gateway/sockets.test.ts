import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { networkFailure, openSockets, type SocketTimes } from '../../../bridge/gateway/sockets.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { selfSigned } from '../oauth/loopback.ts'
import { serveRemote, until } from './support.ts'

const times: SocketTimes = { connectMs: 5_000, idleMs: 60_000, now: Date.now }

function pool(own: Partial<SocketTimes> = {}) {
  const sockets = openSockets({ ...times, ...own })
  onTestFinished(() => sockets.close())
  const get = async (url: URL): Promise<ClientRequest> => {
    const request = sockets.target(url).request('GET', ['Host', url.host]).end()
    const [answer] = (await once(request, 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'close')
    return request
  }
  return { sockets, get }
}

describe('connections to servers', () => {
  it('are kept for the next call', async () => {
    const { url } = await serveRemote((_, response) => response.end())
    const { get } = pool()
    expect((await get(url)).reusedSocket).toBe(false)
    expect((await get(url)).reusedSocket).toBe(true)
  })

  it('end when they are idle for long, before the server ends them', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => response.end())
    const { get } = pool({ idleMs: 100 })
    await get(url)
    expect(open.size).toBe(1)
    await until(() => open.size === 0)
  })

  it('stay open while they are used, however long', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => {
      response.writeHead(200).write('first')
      setTimeout(() => response.end('last'), 1_500)
    })
    const { get } = pool({ idleMs: 100 })
    await get(url)
    expect(open.size).toBe(1)
  })

  it('that were idle while the machine slept are not used again', async () => {
    let now = 1_000_000
    const { url } = await serveRemote((_, response) => response.end())
    const { get } = pool({ idleMs: 60_000, now: () => now })
    await get(url)
    now += 8 * 3_600_000
    expect((await get(url)).reusedSocket).toBe(false)
  })

  it('are not used again either when the clock was set back', async () => {
    let now = 1_000_000_000
    const { url } = await serveRemote((_, response) => response.end())
    const { get } = pool({ now: () => now })
    await get(url)
    now -= 8 * 3_600_000
    expect((await get(url)).reusedSocket).toBe(false)
  })

  it('can be dropped while idle, and those in use stay', async () => {
    const { url, sockets: open } = await serveRemote((request, response) => {
      if (request.headers['x-wait'] === undefined) response.end()
    })
    const { sockets, get } = pool()
    const waiting = sockets.target(url).request('GET', ['Host', url.host, 'X-Wait', '1']).end()
    waiting.on('error', () => undefined)
    await until(() => open.size === 1)
    await get(url)
    expect(open.size).toBe(2)
    sockets.dropIdle()
    await until(() => open.size === 1)
    expect(waiting.destroyed).toBe(false)
  })

  it('end with the pool', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => response.end())
    const { sockets, get } = pool()
    await get(url)
    sockets.close()
    await until(() => open.size === 0)
    expect(open.size).toBe(0)
  })

  it('are given up when they are not ready in time', async () => {
    const accepted = new Set<Socket>()
    const silent = createServer((socket) => void accepted.add(socket.on('error', () => undefined)))
    silent.listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => {
      for (const socket of accepted) socket.destroy()
      silent.close()
    })
    const url = new URL(`https://127.0.0.1:${(silent.address() as AddressInfo).port}/`)
    const { sockets } = pool({ connectMs: 50 })
    const request = sockets.target(url).request('GET', ['Host', url.host]).end()
    const [error] = (await once(request, 'error')) as [Error]
    expect(networkFailure(error)).toEqual({ code: 'network.timeout', detail: 'connecting' })
  })

  it('that are ready in time have no time limit any more', async () => {
    const { url } = await serveRemote((_, response) => void setTimeout(() => response.end(), 300))
    const { get } = pool({ connectMs: 100 })
    expect((await get(url)).destroyed).toBe(true)
  })
})

describe('connections to servers over TLS', () => {
  async function serveSecure(): Promise<{ url: URL; cert: string }> {
    const certificate = selfSigned()
    const server = createSecureServer(
      certificate,
      (_, response) => void setTimeout(() => response.end('{}'), 500),
    )
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.closeAllConnections()
      server.close()
    })
    return {
      url: new URL(`https://localhost:${(server.address() as AddressInfo).port}/`),
      cert: certificate.cert,
    }
  }

  it('are refused when nobody vouches for the server, whatever the environment says', async () => {
    const { url } = await serveSecure()
    const before = process.env['NODE_TLS_REJECT_UNAUTHORIZED']
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    onTestFinished(() => {
      if (before === undefined) delete process.env['NODE_TLS_REJECT_UNAUTHORIZED']
      else process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = before
    })
    const { get } = pool()
    const failure = await get(url).then(() => undefined, networkFailure)
    expect(failure).toEqual({ code: 'network.tls', detail: 'DEPTH_ZERO_SELF_SIGNED_CERT' })
  })

  it('are made with a server that the machine trusts, kept, and free of the time limit once they are ready', async () => {
    const { url, cert } = await serveSecure()
    const folder = await mkdtemp(join(tmpdir(), 'bridgekeeper-sockets-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const trusted = join(folder, 'trusted.pem')
    await writeFile(trusted, cert)
    const child = fork(fileURLToPath(new URL('trusting-client.ts', import.meta.url)), [url.href], {
      execArgv: ['--import', import.meta.resolve('tsx')],
      env: { ...process.env, NODE_EXTRA_CA_CERTS: trusted },
    })
    const [statuses] = (await once(child, 'message')) as [unknown]
    await once(child, 'exit')
    expect(statuses).toEqual([
      { status: 200, reused: false },
      { status: 200, reused: true },
    ])
  })
})

describe('the failure of a request', () => {
  const coded = (code: string): Error => Object.assign(new Error('text that may hold anything'), { code })

  it.each([
    ['ECONNREFUSED', 'network.unreachable'],
    ['ENOTFOUND', 'network.unreachable'],
    ['EHOSTUNREACH', 'network.unreachable'],
    ['EAI_AGAIN', 'network.unreachable'],
    ['ETIMEDOUT', 'network.timeout'],
    ['ECONNRESET', 'gateway.stream_cut'],
    ['EPIPE', 'gateway.stream_cut'],
    ['CERT_HAS_EXPIRED', 'network.tls'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'network.tls'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'network.tls'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'network.tls'],
    ['EPROTO', 'network.tls'],
    ['HPE_HEADER_OVERFLOW', 'network.too_large'],
    ['HPE_INVALID_CONSTANT', 'server.failed'],
  ])('with %s is %s', (code, expected) => {
    const failure = networkFailure(coded(code))
    expect(failure.code).toBe(expected)
    expect(JSON.stringify(failure)).not.toContain('anything')
  })

  it('that is ours stays ours', () => {
    expect(networkFailure(new BridgeError('network.timeout', 'connecting'))).toEqual({
      code: 'network.timeout',
      detail: 'connecting',
    })
  })
})
