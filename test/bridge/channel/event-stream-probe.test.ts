import { onTestFinished } from 'vitest'
import { describe, expect, it } from 'vitest'
import { openEventStream } from '../../../bridge/channel/event-stream-probe.ts'
import type { SseServerOptions } from '../../support/sse-server.ts'
import { startSseServer } from '../../support/sse-server.ts'
import { accessTo, serveRemote, until, type RemoteAnswer } from '../gateway/support.ts'
import { openSse, surroundingsOf } from './scene.ts'

async function probe(url: URL, signal?: AbortSignal) {
  const upstream = accessTo(url)
  const around = surroundingsOf(upstream)
  const link = await openEventStream({ upstream, client: 'Test Client', around }, signal)
  return { around, link }
}

async function serve(options?: SseServerOptions) {
  const server = await startSseServer(options)
  onTestFinished(() => server.close())
  return server
}

/** An event stream that stays open. */
function stream(text: string): RemoteAnswer {
  return (_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    response.write(text)
  }
}

describe('whether a server speaks HTTP with SSE (MCP 2025-11-25, Backwards Compatibility)', () => {
  it('shows in its first event, and the stream that was found is used', async () => {
    const server = await serve()
    const { around, link } = await probe(server.url)
    expect(link?.isReady).toBe(true)
    // What comes before anybody listens is not lost.
    server.streams[0]?.say({ jsonrpc: '2.0', method: 'notifications/early' })
    const speaker = openSse(around, { link })
    expect((await speaker.begin()).result).toBeDefined()
    await until(() => speaker.client.passed.length === 1)
    expect(server.streams).toHaveLength(1)
  })

  it('a found stream that has died is replaced', async () => {
    const server = await serve()
    const { around, link } = await probe(server.url)
    link?.end({ code: 'gateway.stream_cut' })
    expect((await openSse(around, { link }).begin()).result).toBeDefined()
    expect(server.streams).toHaveLength(2)
  })

  it('a found stream that nobody needs is closed', async () => {
    const server = await serve()
    const { around, link } = await probe(server.url)
    link?.close()
    await until(() => server.streams[0]?.response.destroyed === true)
    expect(around.inFlight.size).toBe(0)
  })

  it.each<[string, RemoteAnswer]>([
    ['405', (_, response) => response.writeHead(405).end()],
    ['404', (_, response) => response.writeHead(404).end('no')],
    [
      '400 with JSON',
      (_, response) => response.writeHead(400, { 'content-type': 'application/json' }).end('{}'),
    ],
    ['a web page', (_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<p>hi')],
    ['JSON', (_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end('{}')],
    ['a message first', stream('data: {"jsonrpc":"2.0","method":"x"}\n\nevent: endpoint\ndata: /m\n\n')],
    [
      'an empty stream',
      (_, response) => response.writeHead(200, { 'content-type': 'text/event-stream' }).end(),
    ],
  ])('is answered with no by %s', async (_, answer) => {
    const { url } = await serveRemote(answer)
    expect((await probe(url)).link).toBeUndefined()
  })

  it('a comment and other events may come before', async () => {
    const { url } = await serveRemote(
      stream(': hello\n\nevent: ping\ndata: 1\n\nevent: endpoint\ndata: /m\n\n'),
    )
    const { link } = await probe(url)
    expect(link?.isReady).toBe(true)
    link?.close()
  })

  it.each<[string, RemoteAnswer, string]>([
    ['a cut connection', (request) => request.socket.destroy(), 'gateway.stream_cut'],
    ['503', (_, response) => response.writeHead(503).end(), 'server.failed'],
    [
      'another origin',
      stream('event: endpoint\ndata: https://evil.example/m\n\n'),
      'server.endpoint_refused',
    ],
  ])('cannot be known from %s', async (_, answer, code) => {
    const { url } = await serveRemote(answer)
    await expect(probe(url)).rejects.toMatchObject({ code })
  })

  it('is given up when nobody wants to know', async () => {
    const { url } = await serveRemote(() => undefined)
    await expect(probe(url, AbortSignal.timeout(20))).rejects.toMatchObject({ code: 'bridge.busy' })
    await expect(probe(url, AbortSignal.abort())).rejects.toMatchObject({ code: 'bridge.busy' })
  })
})
