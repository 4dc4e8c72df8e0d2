import { Agent } from 'node:http'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createGateway } from '../../../bridge/gateway/gateway.ts'
import { openGate } from '../access/open-gate.ts'
import {
  accessTo,
  begin,
  errorOf,
  follow,
  jsonHeaders,
  recordLog,
  send,
  serveBoth,
  serveGateway,
  toolCall,
  until,
} from './support.ts'

const call = { headers: jsonHeaders, body: toolCall() }
const nowhere = accessTo(new URL('http://127.0.0.1:9/mcp'))

function idleGateway() {
  const gateway = createGateway({
    upstreams: { get: () => undefined },
    clients: { clientOf: () => undefined },
    gate: openGate().gate,
    settings: () => ({ 'gateway.maxRequestBytes': 1024 }),
    log: recordLog(),
  })
  onTestFinished(() => gateway.close())
  return gateway
}

describe('listening', () => {
  it('takes any port when it is asked for 0, and tells which', async () => {
    const gateway = idleGateway()
    expect(gateway.port).toBe(0)
    expect(await gateway.listen('127.0.0.1', 0)).toBe(gateway.port)
    expect(gateway.port).toBeGreaterThan(0)
  })

  it('says when another program has the port', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await expect(idleGateway().listen('127.0.0.1', port)).rejects.toMatchObject({
      code: 'bridge.port_in_use',
      detail: `port ${port}`,
    })
  })

  it('can be tried again on another port', async () => {
    const first = idleGateway()
    const taken = await first.listen('127.0.0.1', 0)
    const second = idleGateway()
    await expect(second.listen('127.0.0.1', taken)).rejects.toMatchObject({ code: 'bridge.port_in_use' })
    expect(await second.listen('127.0.0.1', 0)).toBeGreaterThan(0)
  })

  it('is on loopback alone', async () => {
    const { port, path } = await serveGateway(nowhere)
    const { networkInterfaces } = await import('node:os')
    const outside = Object.values(networkInterfaces())
      .flat()
      .find((address) => address?.family === 'IPv4' && !address.internal)
    if (!outside) return
    const { connect } = await import('node:net')
    const socket = connect(port, outside.address)
    const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
    expect(error.code).toBe('ECONNREFUSED')
    expect(path).toContain('remote')
  })
})

describe('a page of the bridge', () => {
  const routes = {
    '/oauth/callback': (request: { url?: string | undefined }, response: { end(text: string): void }) =>
      response.end(`got ${request.url}`),
  }

  it('is reached without a key, by a browser that comes from elsewhere', async () => {
    const { port } = await serveGateway(nowhere, { routes })
    const headers = ['Sec-Fetch-Site', 'cross-site', 'Sec-Fetch-Mode', 'navigate', 'Origin', 'null']
    const answer = await send({ port, path: '/oauth/callback?code=1', method: 'GET', headers })
    expect([answer.status, answer.body.toString()]).toEqual([200, 'got /oauth/callback?code=1'])
  })

  it('is held to the Host rule', async () => {
    const { port } = await serveGateway(nowhere, { routes })
    const headers = ['Host', 'evil.example']
    const answer = await send({ port, path: '/oauth/callback?code=1', method: 'GET', headers })
    expect(errorOf(answer).error.data.code).toBe('gateway.host_refused')
  })

  it.each([
    '/oauth/callback/',
    '/oauth/callbac',
    '/oauth//callback',
    '/oauth/callback%3Fcode=1',
    '/__proto__',
    '/constructor',
  ])('is not at %s', async (path) => {
    const { port } = await serveGateway(nowhere, { routes })
    expect((await send({ port, path, method: 'GET' })).status).toBe(404)
  })

  it.each([
    [
      'throws',
      () => {
        throw new Error('secret-text')
      },
    ],
    ['rejects', () => Promise.reject(new Error('secret-text'))],
  ])('that %s does not end the gateway and tells nothing', async (_, page) => {
    const { port, log } = await serveGateway(nowhere, { routes: { '/page': page } })
    const answer = await send({ port, path: '/page', method: 'GET' })
    expect([answer.status, errorOf(answer).error.data.code]).toEqual([500, 'bridge.internal'])
    expect(answer.body.toString()).not.toContain('secret-text')
    expect(log.lines.map(({ level }) => level)).toEqual(['error'])
  })
})

describe('a mistake of ours', () => {
  it('in one request does not end the gateway', async () => {
    let isBroken = true
    const { port, path } = await serveGateway(nowhere, {
      clients: {
        clientOf() {
          if (isBroken) throw new Error('secret-text')
          return undefined
        },
      },
    })
    const broken = await send({ port, path, ...call })
    expect([broken.status, errorOf(broken).error.data.code]).toEqual([500, 'bridge.internal'])
    isBroken = false
    expect((await send({ port, path, ...call })).status).toBe(401)
  })
})

describe('closing', () => {
  it('answers the calls that wait, ends the streams, and frees the port', async () => {
    const { gateway, port, path, remote } = await serveBoth((request, response) => {
      request.resume()
      if (request.method === 'GET')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': 1\n\n')
    })
    const waiting = send({ port, path, ...call })
    const { response } = await begin({ port, path, method: 'GET' })
    const stream = follow(response)
    await until(() => remote.sockets.size === 2 && stream.text.length > 0)
    await gateway.close()
    expect(errorOf(await waiting).error.data.code).toBe('bridge.busy')
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
    await until(() => remote.sockets.size === 0)
    expect(await idleGateway().listen('127.0.0.1', port)).toBe(port)
  })

  it('does not wait for idle connections of clients', async () => {
    const { gateway, port, path } = await serveBoth((_, response) => response.end('{}'))
    const agent = new Agent({ keepAlive: true })
    onTestFinished(() => agent.destroy())
    await send({ port, path, ...call, agent })
    await gateway.close()
    await expect(send({ port, path, ...call })).rejects.toMatchObject({ code: 'ECONNREFUSED' })
  })

  it('of a gateway that never listened is done at once', async () => {
    await expect(idleGateway().close()).resolves.toBeUndefined()
  })
})
