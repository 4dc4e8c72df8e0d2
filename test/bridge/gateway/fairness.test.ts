import type { ServerResponse } from 'node:http'
import { describe, expect, it } from 'vitest'
import { keys, serveHosted } from '../hosting/scene.ts'
import { jsonHeaders, open, send, serveRemote, toolCall, until } from './support.ts'

/** More than one client app may have open at one server. */
const tooMany = 520

describe('a client app that has all the streams open that it may', () => {
  it('leaves another app its calls', async () => {
    const streams: ServerResponse[] = []
    const remote = await serveRemote((request, response) => {
      if (request.method === 'GET') streams.push(response)
      else response.writeHead(200, { 'content-type': 'application/json' }).end(answer)
    })
    const scene = await serveHosted(remote.url, { era: undefined })
    const { port } = scene
    const greedy = Array.from({ length: tooMany }, () => {
      const headers = ['Accept', 'text/event-stream', 'Mcp-Session-Id', 'its-own']
      return open({ port, path: scene.path('one'), method: 'GET', headers }).on('error', () => undefined)
    })
    await until(() => streams.length >= 512)
    const received = await send({
      port,
      path: `/${keys.two}/remote/mcp`,
      headers: jsonHeaders,
      body: toolCall(),
    })
    expect(received.body.toString()).toBe(answer)
    for (const request of greedy) request.destroy()
  })
})

const answer = '{"jsonrpc":"2.0","id":7,"result":{}}'
