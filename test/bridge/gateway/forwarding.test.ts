import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  begin,
  jsonHeaders,
  key,
  open,
  prepare,
  send,
  serveBoth,
  serveGateway,
  accessTo,
  toolCall,
  until,
} from './support.ts'

describe('a call', () => {
  it('goes to the connection’s URL, with its query, under the server’s own name', async () => {
    let seen: Pick<IncomingMessage, 'method' | 'url' | 'headers'> | undefined
    const { port, path, remote } = await serveBoth((request, response) => {
      seen = request
      response.end('{}')
    })
    remote.url.search = '?team=7'
    await send({ port, path, headers: jsonHeaders, body: toolCall() })
    expect(seen).toMatchObject({
      method: 'POST',
      url: '/remote/mcp?team=7',
      headers: { host: remote.url.host },
    })
  })

  it('carries the connection’s token and nothing that the client calls its own', async () => {
    let seen: IncomingMessage['headers'] = {}
    const { port, path } = await serveBoth((request, response) => {
      seen = request.headers
      response.end('{}')
    })
    const own = [
      'Authorization',
      'Bearer of-the-client',
      'Cookie',
      'a=1',
      'Referer',
      'http://x/',
      'X-Mine',
      '1',
    ]
    await send({ port, path, headers: [...jsonHeaders, ...own], body: '{}' })
    expect(seen).toMatchObject({ authorization: 'Bearer token-1', 'x-mine': '1' })
    expect(seen).not.toHaveProperty('cookie')
    expect(seen).not.toHaveProperty('referer')
    expect(JSON.stringify(seen)).not.toContain(key)
  })

  it('brings its body and the answer’s through byte for byte', async () => {
    const received: Buffer[] = []
    const answers: Buffer[] = []
    const { port, path } = await serveBoth(async (request, response) => {
      received.push(await buffer(request))
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      for (const piece of answers) {
        response.write(piece)
        await new Promise(setImmediate)
      }
      response.end()
    })
    const bytes = fc.uint8Array({ maxLength: 5_000 }).map((array) => Buffer.from(array))
    await fc.assert(
      fc.asyncProperty(bytes, fc.array(bytes, { maxLength: 5 }), async (body, pieces) => {
        answers.splice(0, answers.length, ...pieces)
        const answer = await send({ port, path, headers: jsonHeaders, body })
        expect(answer.body.equals(Buffer.concat(pieces))).toBe(true)
        expect(received.pop()?.equals(body)).toBe(true)
      }),
      { numRuns: 40 },
    )
  })

  it('leaves compressed bodies compressed, both ways', async () => {
    const compressed = gzipSync(toolCall())
    let body: Buffer | undefined
    const { port, path } = await serveBoth(async (request, response) => {
      body = await buffer(request)
      response
        .writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' })
        .end(compressed)
    })
    const headers = [...jsonHeaders, 'Content-Encoding', 'gzip', 'Accept-Encoding', 'gzip']
    const answer = await send({ port, path, headers, body: compressed })
    expect(body?.equals(compressed)).toBe(true)
    expect(answer.headers['content-encoding']).toBe('gzip')
    expect(answer.body.equals(compressed)).toBe(true)
  })

  it('takes a chunked body and sends it on with its length', async () => {
    let seen: IncomingMessage['headers'] = {}
    let body = ''
    const { port, path } = await serveBoth(async (request, response) => {
      seen = request.headers
      body = (await buffer(request)).toString()
      response.end('{}')
    })
    const request = open({
      port,
      path,
      headers: [...jsonHeaders, 'Transfer-Encoding', 'chunked'],
      body: 'ab',
    })
    await once(request, 'response')
    expect(body).toBe('ab')
    expect(seen['content-length']).toBe('2')
    expect(seen).not.toHaveProperty('transfer-encoding')
  })

  it('waits for leave to send its body, if it asks for that (RFC 9110 §10.1.1)', async () => {
    let seen: IncomingMessage['headers'] = {}
    const { port, path } = await serveBoth(async (request, response) => {
      seen = request.headers
      response.end(await buffer(request))
    })
    const headers = [...jsonHeaders, 'Content-Length', '2', 'Expect', '100-continue']
    const request = prepare({ port, path, headers })
    await once(request, 'continue')
    request.end('ok')
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect((await buffer(response)).toString()).toBe('ok')
    expect(seen).not.toHaveProperty('expect')
  })

  it.each([200, 202, 204, 304, 400, 403, 404, 405, 409, 422, 429, 500, 503])(
    'brings status %i through',
    async (status) => {
      const { port, path } = await serveBoth((_, response) =>
        response.writeHead(status, { 'retry-after': '3', 'set-cookie': 'a=1', server: 'x' }).end(),
      )
      const answer = await send({ port, path, headers: jsonHeaders, body: toolCall() })
      expect(answer.status).toBe(status)
      expect(answer.headers['retry-after']).toBe('3')
      expect(answer.headers).not.toHaveProperty('set-cookie')
      expect(answer.headers).not.toHaveProperty('server')
    },
  )

  it('gets no invitation to sign in from a 403 that is the server’s last word', async () => {
    const challenge = 'Bearer resource_metadata="https://mcp.example/.well-known/oauth-protected-resource"'
    const { port, path } = await serveBoth((_, response) =>
      response
        .writeHead(403, { 'www-authenticate': challenge, 'content-type': 'application/json' })
        .end('{}'),
    )
    const answer = await send({ port, path, headers: jsonHeaders, body: toolCall() })
    expect(answer.status).toBe(403)
    expect(answer.headers).not.toHaveProperty('www-authenticate')
  })

  it('uses a connection to the server again', async () => {
    const { port, path, remote } = await serveBoth((request, response) => {
      request.resume()
      response.end('{}')
    })
    let opened = 0
    remote.server.on('connection', () => opened++)
    for (let i = 0; i < 5; i++) await send({ port, path, headers: jsonHeaders, body: toolCall() })
    expect(opened).toBe(1)
  })

  it('is one of many at once', async () => {
    const { port, path } = await serveBoth(async (request, response) => {
      const { id } = JSON.parse((await buffer(request)).toString()) as { id: number }
      setTimeout(() => response.end(JSON.stringify({ id })), Math.random() * 20)
    })
    const ids = Array.from({ length: 200 }, (_, id) => id)
    const answers = await Promise.all(
      ids.map((id) => send({ port, path, headers: jsonHeaders, body: toolCall('echo', id) })),
    )
    expect(answers.map(({ body }) => (JSON.parse(body.toString()) as { id: number }).id)).toEqual(ids)
  })
})

describe('the older revisions’ transport', () => {
  it('keeps sessions, protocol version and resumption, both ways', async () => {
    const seen: IncomingMessage['headers'][] = []
    const { port, path } = await serveBoth((request, response) => {
      seen.push(request.headers)
      response.writeHead(200, { 'mcp-session-id': 'session-1', 'content-type': 'text/event-stream' }).end()
    })
    const headers = [
      'Mcp-Session-Id',
      'session-1',
      'MCP-Protocol-Version',
      '2025-11-25',
      'Last-Event-ID',
      '42',
    ]
    const answer = await send({ port, path, method: 'GET', headers })
    expect(answer.headers['mcp-session-id']).toBe('session-1')
    expect(seen[0]).toMatchObject({
      'mcp-session-id': 'session-1',
      'mcp-protocol-version': '2025-11-25',
      'last-event-id': '42',
    })
    expect(seen[0]).not.toHaveProperty('content-length')
  })

  it('ends a session with DELETE', async () => {
    let method: string | undefined
    const { port, path } = await serveBoth((request, response) => {
      method = request.method
      response.writeHead(204).end()
    })
    const answer = await send({ port, path, method: 'DELETE', headers: ['Mcp-Session-Id', 'session-1'] })
    expect([answer.status, method]).toEqual([204, 'DELETE'])
  })
})

describe('a stream', () => {
  it('is open for the client before it says anything', async () => {
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    })
    const { request, response } = await begin({ port, path, method: 'GET' })
    expect(response.statusCode).toBe(200)
    request.destroy()
  })

  it('passes each event on when it comes and not later', async () => {
    let say = (_text: string): void => undefined
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      say = (text) => void response.write(text)
    })
    const { request, response } = await begin({ port, path, headers: jsonHeaders, body: toolCall() })
    for (const text of ['data: 1\n\n', ': still here\n\n', 'data: half', ' a line\n\n']) {
      say(text)
      const [chunk] = (await once(response, 'data')) as [Buffer]
      expect(chunk.toString()).toBe(text)
    }
    request.destroy()
  })

  it('loses and reorders nothing of a thousand messages in a burst', async () => {
    const lines = Array.from({ length: 1_000 }, (_, i) => `data: ${i} ${'x'.repeat(100)}\n\n`)
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' })
      for (const line of lines) response.write(line)
      response.end()
    })
    const answer = await send({ port, path, headers: jsonHeaders, body: toolCall() })
    expect(answer.body.toString()).toBe(lines.join(''))
  })
})

describe('a client that does not read', () => {
  it('stops the server, and the gateway holds next to nothing', async () => {
    const block = randomBytes(64 * 1024)
    let written = 0
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'application/octet-stream' })
      const push = (): void => {
        // Far more than all socket buffers together.
        while (written < 512 * 1024 * 1024) {
          written += block.length
          if (!response.write(block)) return
        }
        response.end()
      }
      response.on('drain', push)
      push()
    })
    const { request, response } = await begin({ port, path, headers: jsonHeaders, body: toolCall() })
    response.pause()
    // The server stands still when nothing more was taken for a while. All that it wrote is in socket buffers, or held by the gateway.
    let last: number
    do {
      last = written
      await new Promise((resolve) => setTimeout(resolve, 200))
    } while (last !== written)
    expect(written).toBeLessThan(64 * 1024 * 1024)

    let received = 0
    response.on('data', (chunk: Buffer) => (received += chunk.length))
    response.resume()
    await until(() => received > last)
    request.destroy()
  })
})

describe('a large result', () => {
  it('arrives whole', async () => {
    const result = randomBytes(10 * 1024 * 1024)
    const { port, path } = await serveBoth((_, response) => response.end(result))
    const answer = await send({ port, path, headers: jsonHeaders, body: toolCall() })
    expect(answer.body.equals(result)).toBe(true)
  })
})

describe('a server on an IPv6 address', () => {
  it('is reached', async ({ skip }) => {
    const { remote } = await serveBoth((_, response) => response.end('{}'))
    const six = await new Promise<boolean>((resolve) => {
      remote.server.close()
      remote.server.once('error', () => resolve(false))
      remote.server.listen(0, '::1', () => resolve(true))
    })
    if (!six) skip('this machine has no IPv6 loopback')
    const address = remote.server.address() as { port: number }
    const { port, path } = await serveGateway(accessTo(new URL(`http://[::1]:${address.port}/mcp`)))
    expect((await send({ port, path, headers: jsonHeaders, body: toolCall() })).status).toBe(200)
  })
})
