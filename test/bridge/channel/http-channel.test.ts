import type { ServerResponse } from 'node:http'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { HttpChannel } from '../../../bridge/channel/http-channel.ts'
import { ToolCatalogue } from '../../../bridge/channel/tool-catalogue.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { accessTo, recordLog, serveRemote, until } from '../gateway/support.ts'
import { recordClient, speakTo, surroundingsOf } from './scene.ts'

/** One client at a server of sessions, whose tool calls get no answer. */
async function setScene() {
  const streams = new Set<ServerResponse>()
  const calls: ServerResponse[] = []
  const remote = await serveRemote(async (request, response) => {
    if (request.method === 'GET') {
      streams.add(response)
      response.on('close', () => streams.delete(response))
      response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
      return
    }
    const { id, method } = JSON.parse(await text(request)) as { id?: unknown; method?: string }
    if (method === 'tools/call') {
      calls.push(response)
      return
    }
    const headers = { 'content-type': 'application/json', 'mcp-session-id': 's' }
    if (id === undefined) response.writeHead(202).end()
    else
      response
        .writeHead(200, headers)
        .end(JSON.stringify({ jsonrpc: '2.0', id, result: { protocolVersion: '2025-11-25' } }))
  })
  const access = accessTo(remote.url)
  const log = recordLog()
  const around = { ...surroundingsOf(access), tools: () => new ToolCatalogue(log) }
  const client = recordClient()
  const channel = new HttpChannel({ connection: 'remote', client }, around)
  onTestFinished(() => channel.close(false))
  return { streams, calls, access, around, ...speakTo(channel, client) }
}

describe('the calls of one client', () => {
  it('take turns, so that those of others find connections; a cancelled one gives its turn away', async () => {
    const scene = await setScene()
    await scene.begin()
    for (let n = 0; n < 200; n++) scene.say({ id: `call ${n}`, method: 'tools/call' })
    await until(() => scene.calls.length === 128)
    expect(scene.channel.pending().filter(({ message }) => message !== undefined)).toHaveLength(72)
    scene.say({ method: 'notifications/cancelled', params: { requestId: 'call 128' } })
    for (let n = 0; n < 2; n++) scene.calls[n]?.writeHead(500).end()
    await until(() => scene.calls.length === 130)
    expect(scene.client.answers.map(({ id }) => id)).toEqual(['begin', 'call 0', 'call 1'])
    scene.channel.giveUp({ code: 'bridge.busy' })
    await until(() => scene.client.answers.length === 3 + 128)
    // Those that are left go to another bridge, and not to the server.
    expect(scene.channel.pending()).toHaveLength(69)
    await scene.ask('ping')
    expect(scene.calls).toHaveLength(130)
  })

  it('end all at once with the access, those included that had no turn yet', async () => {
    const scene = await setScene()
    await scene.begin()
    for (let n = 0; n < 4_000; n++) scene.say({ id: n, method: 'tools/call' })
    await until(() => scene.calls.length === 128)
    scene.access.end(new BridgeError('connection.ended'))
    expect(scene.client.answers).toHaveLength(4_001)
    expect(scene.channel.awaited).toBe(0)
  })

  it('end all at the server when the client leaves', async () => {
    const scene = await setScene()
    await scene.begin()
    for (let n = 0; n < 7; n++) scene.say({ id: n, method: 'tools/call' })
    await until(() => scene.calls.length === 7)
    scene.channel.close(true)
    await until(() => scene.calls.every(({ destroyed }) => destroyed))
    expect(scene.around.inFlight.size).toBe(0)
  })
})

describe('the stream of the server (MCP 2025-11-25, Listening for Messages from the Server)', () => {
  it('ends at once with the access', async () => {
    const scene = await setScene()
    await scene.begin()
    await until(() => scene.streams.size === 1)
    scene.access.end(new BridgeError('connection.ended'))
    await until(() => scene.streams.size === 0)
    expect(scene.around.inFlight.size).toBe(0)
  })
})
