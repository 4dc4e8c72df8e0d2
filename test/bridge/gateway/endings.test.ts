import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, it } from 'vitest'
import { begin, errorOf, follow, jsonHeaders, open, send, serveBoth, toolCall, until } from './support.ts'

const call = { headers: jsonHeaders, body: toolCall() }

describe('a client that leaves', () => {
  it('ends its call at the server at once: closing is cancelling (MCP 2026-07-28, Cancellation)', async () => {
    let isClosed = false
    let hasArrived = false
    const { port, path } = await serveBoth((request, response) => {
      request.resume()
      hasArrived = true
      response.on('close', () => (isClosed = true))
    })
    const request = open({ port, path, ...call })
    request.on('error', () => undefined)
    await until(() => hasArrived)
    request.destroy()
    await until(() => isClosed)
    expect(isClosed).toBe(true)
  })

  it('ends its stream at the server at once', async () => {
    let isClosed = false
    const { port, path } = await serveBoth((_, response) => {
      response.on('close', () => (isClosed = true))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write(': hello\n\n')
    })
    const { request, response } = await begin({ port, path, method: 'GET' })
    await once(response, 'data')
    request.destroy()
    await until(() => isClosed)
    expect(isClosed).toBe(true)
  })

  it('in the middle of its body sends nothing to the server', async () => {
    let requests = 0
    const { port, path, gateway } = await serveBoth((_, response) => {
      requests++
      response.end()
    })
    const socket = connect(port, '127.0.0.1')
    socket.write(`POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 100\r\n\r\nhalf`)
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.resetAndDestroy()
    await gateway.close()
    expect(requests).toBe(0)
  })

  it('leaves the connection to the server in use for others', async () => {
    const { port, path, remote } = await serveBoth((request, response) => {
      request.resume()
      if (request.headers['x-wait'] === undefined) response.end('{}')
    })
    const waiting = open({ port, path, ...call, headers: [...jsonHeaders, 'X-Wait', '1'] })
    waiting.on('error', () => undefined)
    await until(() => remote.sockets.size === 1)
    const other = send({ port, path, ...call })
    waiting.destroy()
    expect((await other).status).toBe(200)
  })
})

describe('a server that breaks off', () => {
  const cut = (response: ServerResponse): void => void response.socket?.resetAndDestroy()

  it('before its answer is named to the client', async () => {
    const { port, path } = await serveBoth((request) => request.socket.destroy())
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(503)
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code: 'gateway.stream_cut' } } })
  })

  it.each([
    ['with a length', { 'content-length': 1000 }],
    ['in chunks', {}],
  ])('in the middle of an answer %s leaves no client waiting', async (_, headers) => {
    const { port, path, remote } = await serveBoth((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json', ...headers }).write('{"half":')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text === '{"half":')
    for (const socket of remote.sockets) socket.destroy()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('between two events of a call ends the call with an error, so that the client need not wait for its own time limit', async () => {
    const { port, path, remote } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"progress":1}\n\n')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    for (const socket of remote.sockets) socket.destroy()
    const last = (await stream.whole).split('data: ').at(-1) ?? ''
    expect(JSON.parse(last)).toMatchObject({ id: 7, error: { data: { code: 'gateway.stream_cut' } } })
  })

  it('in the middle of an event cuts the client’s stream', async () => {
    const { port, path, remote } = await serveBoth((_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream' })
        .write('data: {"progress":1}\n\ndata: {"pro')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.endsWith('{"pro'))
    for (const socket of remote.sockets) socket.destroy()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(stream.text).not.toContain('error')
  })

  it('in a stream that can be resumed leaves it to the client to resume', async () => {
    const { port, path, remote } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('id: 1\ndata: \n\n')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    for (const socket of remote.sockets) socket.destroy()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(stream.text).toBe('id: 1\ndata: \n\n')
  })

  it('in a compressed event stream cuts the client’s stream', async () => {
    const { port, path, remote } = await serveBoth((_, response) => {
      response
        .writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' })
        .write('\n\n')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    for (const socket of remote.sockets) socket.destroy()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('in a stream of the client cuts it', async () => {
    const { port, path, remote } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n')
    })
    const { response } = await begin({ port, path, method: 'GET' })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    for (const socket of remote.sockets) socket.destroy()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('after a whole answer is no failure', async () => {
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-length': 2 }).end('{}', () => cut(response))
    })
    const received = await send({ port, path, ...call })
    expect(received.body.toString()).toBe('{}')
  })

  it('ends its stream properly where it ends it properly', async () => {
    const { port, path } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: 1\n\n')
    })
    expect((await send({ port, path, ...call })).body.toString()).toBe('data: 1\n\n')
  })
})

describe('a connection that died while it was idle', () => {
  /** Answers a first call, then hangs up on the next one without an answer, which is what a died connection looks like. */
  async function serveDying() {
    const methods: (string | undefined)[] = []
    let calls = 0
    const served = await serveBoth((request, response) => {
      methods.push(request.method)
      request.resume()
      request.on('end', () => {
        if (++calls === 2) request.socket.resetAndDestroy()
        else response.end('{}')
      })
    })
    await send({ port: served.port, path: served.path, headers: jsonHeaders, body: toolCall() })
    return { ...served, methods }
  }

  it.each([
    ['a stream', { method: 'GET' }],
    ['the end of a session', { method: 'DELETE' }],
    [
      'a request that only reads',
      { headers: jsonHeaders, body: JSON.stringify({ id: 1, method: 'tools/list' }) },
    ],
  ])('is replaced for %s', async (_, request) => {
    const { port, path, methods } = await serveDying()
    expect((await send({ port, path, ...request })).status).toBe(200)
    expect(methods).toHaveLength(3)
  })

  it('fails a call of a tool, since it may have had its effect', async () => {
    const { port, path, methods } = await serveDying()
    const received = await send({ port, path, ...call })
    expect(errorOf(received).error.data.code).toBe('gateway.stream_cut')
    expect(methods).toHaveLength(2)
  })

  it('is replaced by a new one, and not by another that was idle as long', async () => {
    const used = new Set<unknown>()
    let deaths = 0
    const { port, path, remote } = await serveBoth((request, response) => {
      request.resume()
      if (used.has(request.socket)) {
        deaths++
        return request.socket.resetAndDestroy()
      }
      used.add(request.socket)
      return setTimeout(() => response.end('{}'), 100)
    })
    const first = [1, 2, 3].map(() => send({ port, path, method: 'GET' }))
    await Promise.all(first)
    expect(remote.sockets.size).toBe(3)
    expect((await send({ port, path, method: 'GET' })).status).toBe(200)
    expect(deaths).toBe(1)
  })

  it('is replaced once and not for ever', async () => {
    let requests = 0
    const { port, path } = await serveBoth((request, response) => {
      requests++
      if (requests === 1) response.end('{}')
      else request.socket.resetAndDestroy()
    })
    await send({ port, path, method: 'GET' })
    const received = await send({ port, path, method: 'GET' })
    expect(errorOf(received).error.data.code).toBe('gateway.stream_cut')
    expect(requests).toBe(3)
  })

  it('on the first request of a connection is no reason to try again', async () => {
    let requests = 0
    const { port, path } = await serveBoth((request) => {
      requests++
      request.socket.resetAndDestroy()
    })
    await send({ port, path, method: 'GET' })
    expect(requests).toBe(1)
  })
})
