import { once } from 'node:events'
import { connect, createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import fc from 'fast-check'
import { describe, expect, it, onTestFinished } from 'vitest'
import { ErrorCode } from '../../../shared/errors.ts'
import {
  accessTo,
  closed,
  errorOf,
  jsonHeaders,
  key,
  open,
  send,
  sendRaw,
  serveBoth,
  serveGateway,
  toolCall,
  until,
} from './support.ts'

const call = { headers: jsonHeaders, body: toolCall() }

/** A server of bytes that answers every connection by hand. */
async function serveBytes(answer: (socket: Socket) => void): Promise<URL> {
  const server = createTcpServer((socket) => {
    socket.on('error', () => undefined)
    answer(socket)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`)
}

/** The head of a raw answer and its JSON. */
function parted(raw: string): { status: number; head: string; code: string } {
  const [head = '', body = ''] = raw.split('\r\n\r\n')
  return {
    status: Number(head.split(' ')[1]),
    head,
    code: (JSON.parse(body) as { error: { data: { code: string } } }).error.data.code,
  }
}

describe('what may not come in', () => {
  it.each([
    ['a rebound name', ['Host', 'evil.example'], 403, 'gateway.host_refused'],
    ['a web page', ['Origin', 'https://evil.example'], 403, 'gateway.origin_refused'],
    ['a sandboxed page', ['Origin', 'null'], 403, 'gateway.origin_refused'],
    ['a link in a page', ['Sec-Fetch-Site', 'cross-site'], 403, 'gateway.origin_refused'],
  ])('%s is refused before anything else is looked at', async (_, headers, status, code) => {
    let requests = 0
    const { port, path } = await serveBoth((_request, response) => {
      requests++
      response.end()
    })
    for (const target of [path, '/', '/nowhere', path.replace(key, 'wrong-key')]) {
      for (const method of ['GET', 'POST', 'OPTIONS', 'PUT']) {
        const received = await send({ port, path: target, method, headers })
        expect([received.status, errorOf(received).error.data.code]).toEqual([status, code])
        expect(Object.keys(received.headers).filter((name) => name.startsWith('access-control-'))).toEqual([])
      }
    }
    expect(requests).toBe(0)
  })

  it('a request without a Host is refused', async () => {
    const { port, path } = await serveBoth((_, response) => response.end())
    const answer = parted(await sendRaw(port, `GET ${path} HTTP/1.1\r\nConnection: close\r\n\r\n`))
    expect([answer.status, answer.code]).toEqual([403, 'gateway.host_refused'])
    expect(parted(await sendRaw(port, `GET ${path} HTTP/1.0\r\n\r\n`)).code).toBe('gateway.host_refused')
  })

  it('a request with two Hosts is refused', async () => {
    const { port, path } = await serveBoth((_, response) => response.end())
    const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nHost: evil.example\r\nConnection: close\r\n\r\n`
    expect(parted(await sendRaw(port, head)).code).toBe('gateway.host_refused')
  })

  it('a key that is not known is 401, whatever stands behind it', async () => {
    const { port, path } = await serveBoth((_, response) => response.end())
    for (const wrong of [
      path.replace(key, 'wrong'),
      path.replace(key, key.slice(0, -1)),
      '/wrong/nothing/mcp',
    ]) {
      const received = await send({ port, path: wrong, ...call })
      expect([received.status, errorOf(received).error.data.code]).toEqual([401, 'gateway.key_unknown'])
      expect(received.headers).not.toHaveProperty('www-authenticate')
    }
  })

  it('a connection that is not there is 404, for who has a key', async () => {
    const { port } = await serveBoth((_, response) => response.end())
    const received = await send({ port, path: `/${key}/other/mcp`, ...call })
    expect([received.status, errorOf(received).error.data.code]).toEqual([404, 'connection.unknown'])
  })

  it.each(['PUT', 'PATCH', 'OPTIONS', 'TRACE', 'PROPFIND'])('%s is 405', async (method) => {
    const { port, path } = await serveBoth((_, response) => response.end())
    const received = await send({ port, path, method })
    expect([received.status, errorOf(received).error.data.code]).toEqual([405, 'gateway.method_refused'])
    expect(received.headers.allow).toBe('GET, POST, DELETE')
  })

  it.each([
    '/',
    '/favicon.ico',
    '/.well-known/oauth-authorization-server',
    '/.well-known/openid-configuration',
    `/.well-known/oauth-protected-resource/${key}/remote/mcp`,
    `/${key}/remote/mcp/.well-known/oauth-authorization-server`,
    '/register',
    '/authorize',
    '/token',
  ])(
    '%s answers as a place that is not there, in JSON: nobody is to start a sign-in with us',
    async (target) => {
      const { port } = await serveBoth((_, response) => response.end())
      for (const method of ['GET', 'POST']) {
        const received = await send({ port, path: target, method, headers: ['Accept', 'text/html'] })
        expect([received.status, errorOf(received).error.data.code]).toEqual([404, 'gateway.not_found'])
        expect(received.headers['content-type']).toBe('application/json')
      }
    },
  )

  it.each([
    ['an absolute target of ours', (port: number, path: string) => `http://127.0.0.1:${port}${path}`],
    ['an absolute target of elsewhere', () => 'http://evil.example/'],
    ['an encoded slash', (_: number, path: string) => path.replace('/remote', '%2Fremote')],
    ['a query', (_: number, path: string) => `${path}?x=1`],
  ])('%s is 404', async (_, target) => {
    const { port, path } = await serveBoth((_request, response) => response.end())
    const head = `GET ${target(port, path)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nConnection: close\r\n\r\n`
    const answer = parted(await sendRaw(port, head))
    expect([answer.status, answer.code]).toEqual([404, 'gateway.not_found'])
  })
})

describe('bytes that are no request (RFC 9112)', () => {
  const requestOf = (path: string, port: number, rest: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${rest}`

  it.each([
    ['both lengths', 'Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two different lengths', 'Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello'],
    ['a length that is no number', 'Content-Length: 5x\r\n\r\nhello'],
    ['a coding that hides the end', 'Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n'],
    ['a folded field', 'X-A: 1\r\n X-B: 2\r\n\r\n'],
    ['white space before the colon', 'Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n'],
    ['a broken chunk', 'Transfer-Encoding: chunked\r\n\r\nxyz\r\n'],
  ])('with %s reach no server', async (_, rest) => {
    let requests = 0
    const { port, path } = await serveBoth((_request, response) => {
      requests++
      response.end()
    })
    const { status, code, head } = parted(await sendRaw(port, requestOf(path, port, rest)))
    expect([status, code]).toEqual([400, 'gateway.request_invalid'])
    expect(head.toLowerCase()).toContain('connection: close')
    expect(requests).toBe(0)
  })

  it('in a transfer coding beside chunked reach no server', async () => {
    const { port, path } = await serveBoth((_, response) => response.end())
    const rest = 'Connection: close\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'
    expect(parted(await sendRaw(port, requestOf(path, port, rest))).code).toBe('gateway.request_invalid')
  })

  it('whose head is too large are 431', async () => {
    const { port, path } = await serveBoth((_, response) => response.end())
    const rest = `X-Large: ${'x'.repeat(100_000)}\r\n\r\n`
    expect(parted(await sendRaw(port, requestOf(path, port, rest))).status).toBe(431)
  })

  it('cannot hide an Origin behind many other fields', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('reached'))
    const many = 'a:\r\n'.repeat(6_000)
    const rest = `Connection: close\r\n${many}Origin: https://evil.example\r\nContent-Length: 0\r\n\r\n`
    expect(parted(await sendRaw(port, requestOf(path, port, rest))).code).toBe('gateway.origin_refused')
  })

  it('that end before the body does are named to a client that still listens', async () => {
    let requests = 0
    const { port, path } = await serveBoth((_, response) => {
      requests++
      response.end()
    })
    const raw = await sendRaw(port, requestOf(path, port, 'Content-Length: 100\r\n\r\nhalf'), {
      halfClose: true,
    })
    const { status, code } = parted(raw)
    expect([status, code]).toEqual([400, 'gateway.body_incomplete'])
    expect(requests).toBe(0)
  })

  it('do not end the gateway, whatever they are', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'))
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        await sendRaw(port, Buffer.from(bytes), { halfClose: true })
      }),
      { numRuns: 100 },
    )
    expect((await send({ port, path, ...call })).status).toBe(200)
  })
})

describe('a body over the limit', () => {
  const settings = () => ({ 'gateway.maxRequestBytes': 1024 })

  it.each([
    ['is refused by its length, before it is read', []],
    ['is refused as soon as it is too long', ['Transfer-Encoding', 'chunked']],
  ])('%s', async (_, headers) => {
    let requests = 0
    const { port, path } = await serveBoth(
      (_request, response) => {
        requests++
        response.end()
      },
      {},
      { settings },
    )
    const received = await send({ port, path, headers: [...jsonHeaders, ...headers], body: 'x'.repeat(2048) })
    expect([received.status, errorOf(received).error.data.code]).toEqual([413, 'gateway.body_too_large'])
    expect(requests).toBe(0)
  })

  it('of exactly the limit is none', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'), {}, { settings })
    expect((await send({ port, path, headers: jsonHeaders, body: 'x'.repeat(1024) })).status).toBe(200)
  })

  it('is answered although the client is still sending', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'), {}, { settings })
    const received = await send({ port, path, headers: jsonHeaders, body: Buffer.alloc(8 * 1024 * 1024) })
    expect(received.status).toBe(413)
  })

  it('is cut off when it does not come to an end', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'), {}, { settings })
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nTransfer-Encoding: chunked\r\n\r\n`)
    const more = setInterval(() => socket.write(`400\r\n${'x'.repeat(1024)}\r\n`), 20)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    expect(parted(answer.toString()).status).toBe(413)
    await closed(socket)
    clearInterval(more)
    expect(socket.destroyed).toBe(true)
  })

  it('is not even asked for where the client waits for leave', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'), {}, { settings })
    const head = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 5000\r\nExpect: 100-continue\r\n\r\n`
    const raw = await sendRaw(port, head)
    expect(raw).not.toContain('100 Continue')
    expect(parted(raw).status).toBe(413)
  })

  it('follows the setting as it is now', async () => {
    let limit = 10_000
    const { port, path } = await serveBoth(
      (_, response) => response.end('{}'),
      {},
      { settings: () => ({ 'gateway.maxRequestBytes': limit }) },
    )
    const sent = { port, path, headers: jsonHeaders, body: 'x'.repeat(5_000) }
    expect((await send(sent)).status).toBe(200)
    limit = 1024
    expect((await send(sent)).status).toBe(413)
  })
})

describe('a server that cannot be used', () => {
  const through = async (url: URL) => {
    const { port, path } = await serveGateway(accessTo(url))
    return await send({ port, path, ...call })
  }

  it('because nobody listens is unreachable', async () => {
    const gone = createTcpServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    gone.close()
    await once(gone, 'close')
    const received = await through(new URL(`http://127.0.0.1:${port}/mcp`))
    expect(received.status).toBe(503)
    expect(errorOf(received)).toMatchObject({
      id: 7,
      error: { data: { code: 'network.unreachable', detail: 'ECONNREFUSED' } },
    })
  })

  it('because it has no name is unreachable', async () => {
    const received = await through(new URL('https://no-such-host.invalid/mcp'))
    expect(errorOf(received).error.data.code).toBe('network.unreachable')
  })

  it('because it does not speak TLS is a TLS failure', async () => {
    const url = await serveBytes((socket) => socket.end('HTTP/1.1 200 OK\r\n\r\n'))
    url.protocol = 'https:'
    const received = await through(url)
    expect([received.status, errorOf(received).error.data.code]).toEqual([502, 'network.tls'])
  })

  it('because its TLS has no common ground with ours is a TLS failure', async () => {
    const server = createTlsServer({})
    server.on('tlsClientError', () => undefined)
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => void server.close())
    const received = await through(new URL(`https://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`))
    expect(errorOf(received).error.data.code).toBe('network.tls')
  })

  it.each([
    ['no HTTP', 'SSH-2.0-OpenSSH_9.6\r\n', 'server.failed'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}', 'server.failed'],
    ['endless headers', `HTTP/1.1 200 OK\r\nX-Large: ${'x'.repeat(200_000)}\r\n\r\n`, 'network.too_large'],
    [
      'a coding that it was not asked for',
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n',
      'server.failed',
    ],
    [
      'another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n',
      'gateway.stream_cut',
    ],
    ['nothing', '', 'gateway.stream_cut'],
  ])('because it answers with %s is named so', async (_, bytes, code) => {
    const received = await through(await serveBytes((socket) => socket.once('data', () => socket.end(bytes))))
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code } } })
  })

  it.each([200, 403, 404, 500])(
    'because it answers %i with a web page never shows the page',
    async (status) => {
      const { port, path } = await serveBoth((_, response) =>
        response.writeHead(status, { 'content-type': 'text/html' }).end('<html>log in</html>'),
      )
      const received = await send({ port, path, ...call })
      expect(received.status).toBe(status === 200 ? 502 : status)
      expect(received.headers['content-type']).toBe('application/json')
      expect(errorOf(received).id).toBe(7)
      expect(received.body.toString()).not.toContain('<')
    },
  )

  it('because it never finishes its head is waited for, until the client leaves', async () => {
    let socketClosed = false
    let connected = false
    const url = await serveBytes((socket) => {
      connected = true
      socket.on('close', () => (socketClosed = true))
      socket.write('HTTP/1.1 200 OK\r\n')
      const trickle = setInterval(() => socket.write('X-A: 1\r\n'), 20)
      socket.on('close', () => clearInterval(trickle))
    })
    const { port, path } = await serveGateway(accessTo(url))
    const request = open({ port, path, ...call })
    request.on('error', () => undefined)
    await until(() => connected)
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(socketClosed).toBe(false)
    request.destroy()
    await until(() => socketClosed)
  })
})

describe('a redirect', () => {
  it('on the same origin is followed with method, body and token', async () => {
    const seen: string[] = []
    const { port, path } = await serveBoth((request, response) => {
      let body = ''
      request.on('data', (chunk: Buffer) => (body += chunk.toString()))
      request.on('end', () => {
        seen.push(`${request.method} ${request.url} ${request.headers.authorization} ${body}`)
        if (request.url === '/remote/mcp') response.writeHead(307, { location: 'mcp/' }).end()
        else response.end('{}')
      })
    })
    expect((await send({ port, path, headers: jsonHeaders, body: 'the body' })).status).toBe(200)
    expect(seen).toEqual([
      'POST /remote/mcp Bearer token-1 the body',
      'POST /remote/mcp/ Bearer token-1 the body',
    ])
  })

  it('to another origin is refused, and the token stays', async () => {
    let strangers = 0
    const stranger = await serveBytes(() => strangers++)
    for (const status of [301, 302, 303, 307, 308]) {
      const { port, path } = await serveBoth((_, response) =>
        response.writeHead(status, { location: stranger.href }).end(),
      )
      const received = await send({ port, path, ...call })
      expect(received.status).toBe(502)
      expect(errorOf(received)).toMatchObject({
        id: 7,
        error: { data: { code: 'network.redirect_refused', detail: `${status} to ${stranger.origin}` } },
      })
    }
    expect(strangers).toBe(0)
  })

  it('in a circle ends', async () => {
    let requests = 0
    const { port, path } = await serveBoth((_, response) => {
      requests++
      response.writeHead(308, { location: '/remote/mcp' }).end()
    })
    const received = await send({ port, path, ...call })
    expect(errorOf(received).error.data.code).toBe('network.redirect_refused')
    expect(requests).toBe(3)
  })

  it('is followed by the retry of a refused token', async () => {
    const { port, path } = await serveBoth((request, response) => {
      if (request.url === '/remote/mcp') response.writeHead(307, { location: '/new' }).end()
      else response.writeHead(request.headers.authorization === 'Bearer token-2' ? 200 : 401).end('{}')
    })
    expect((await send({ port, path, ...call })).status).toBe(200)
  })
})

describe('every failure', () => {
  it('is in the catalogue, JSON, and without a path or a token', async () => {
    const { port, path } = await serveBoth((request) => request.socket.destroy())
    const answers = [
      await send({ port, path, ...call }),
      await send({ port, path: '/', ...call }),
      await send({ port, path, method: 'PUT' }),
      await send({ port, path: path.replace(key, 'wrong'), ...call }),
    ]
    for (const { headers, body } of answers) {
      expect(headers['content-type']).toBe('application/json')
      expect(headers['cache-control']).toBe('no-store')
      expect(ErrorCode.options).toContain(errorOf({ body }).error.data.code)
      expect(body.toString()).not.toMatch(/token-1|a-client-key/)
    }
  })

  it('is in the log by its code, with the client app and the connection and nothing else', async () => {
    const { port, path, log } = await serveBoth((request) => request.socket.destroy())
    await send({ port, path, ...call })
    expect(log.lines).toEqual([
      {
        level: 'debug',
        message: 'call failed',
        fields: { client: 'Test Client', connection: 'remote', code: 'gateway.stream_cut' },
      },
    ])
  })
})
