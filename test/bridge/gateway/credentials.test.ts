import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { BridgeError } from '../../../shared/errors.ts'
import {
  begin,
  client,
  errorOf,
  follow,
  jsonHeaders,
  open,
  send,
  serveBoth,
  token,
  toolCall,
  until,
} from './support.ts'

const call = { headers: jsonHeaders, body: toolCall() }

/** A server that wants one of these tokens; what it wants less is a 401. */
function wanting(...tokens: string[]) {
  const seen: { authorization: string | undefined; body: string }[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { authorization } = request.headers
    seen.push({ authorization, body: (await buffer(request)).toString() })
    if (tokens.some((one) => authorization === `Bearer ${one}`)) response.end('{"ok":true}')
    else response.writeHead(401, { 'www-authenticate': 'Bearer error="invalid_token"' }).end('go away')
  }
  return { seen, answer }
}

describe('a token that the server refuses', () => {
  it('is replaced, and the call sent once more with the same body', async () => {
    const { seen, answer } = wanting('token-2')
    const { port, path, access } = await serveBoth(answer)
    const { status, body } = await send({ port, path, ...call })
    expect([status, body.toString()]).toEqual([200, '{"ok":true}'])
    expect(seen).toEqual([
      { authorization: 'Bearer token-1', body: call.body },
      { authorization: 'Bearer token-2', body: call.body },
    ])
    expect(access.refusals).toEqual(['Bearer error="invalid_token"'])
  })

  it('is replaced for a stream, too', async () => {
    const { answer } = wanting('token-2')
    const { port, path } = await serveBoth(answer)
    expect((await send({ port, path, method: 'GET' })).status).toBe(200)
  })

  it('is replaced once: a second 401 is the server’s fault', async () => {
    const { seen, answer } = wanting('none')
    const { port, path } = await serveBoth(answer)
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(502)
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code: 'server.refused_token' } } })
    expect(received.headers).not.toHaveProperty('www-authenticate')
    expect(seen).toHaveLength(2)
  })

  it('may be refused with another status that says so', async () => {
    const { port, path, access } = await serveBoth((request, response) => {
      if (request.headers.authorization === 'Bearer token-2') response.end('{}')
      else response.writeHead(400, { 'www-authenticate': 'Bearer error="invalid_token"' }).end()
    })
    expect((await send({ port, path, ...call })).status).toBe(200)
    expect(access.refusals).toHaveLength(1)
  })

  it('ends the call with the connection’s own reason when no other can be had', async () => {
    const { answer } = wanting('none')
    const refused = () => Promise.reject(new BridgeError('oauth.refresh_rejected', 'by the server'))
    const { port, path } = await serveBoth(answer, { refused })
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(401)
    expect(errorOf(received).error.data).toEqual({ code: 'oauth.refresh_rejected', detail: 'by the server' })
    expect(received.headers).not.toHaveProperty('www-authenticate')
  })

  it('of many calls at once is reported by each with the token it used, and every call succeeds', async () => {
    const { seen, answer } = wanting('token-2')
    const used: number[] = []
    const { port, path } = await serveBoth(answer, {
      refused: async ({ generation }) => {
        used.push(generation)
        await new Promise((resolve) => setTimeout(resolve, 20))
        return token(2)
      },
    })
    const all = await Promise.all(Array.from({ length: 100 }, () => send({ port, path, ...call })))
    expect(all.every(({ status }) => status === 200)).toBe(true)
    expect(used).toEqual(Array.from({ length: 100 }, () => 1))
    expect(seen).toHaveLength(200)
  })

  it('costs at most its connection when the refusal has an endless body', async () => {
    const block = Buffer.alloc(64 * 1024)
    let flooded = 0
    let isCut = false
    const { port, path } = await serveBoth((request, response) => {
      if (request.headers.authorization === 'Bearer token-2') {
        response.end('{}')
        return
      }
      response.writeHead(401)
      const flood = (): void => {
        do flooded += block.length
        while (!response.destroyed && response.write(block))
      }
      response.on('drain', flood).on('close', () => (isCut = true))
      flood()
    })
    expect((await send({ port, path, ...call })).status).toBe(200)
    await until(() => isCut)
    expect(flooded).toBeLessThan(64 * 1024 * 1024)
  })

  it('does not fail the call when the connection breaks while the new token is fetched', async () => {
    const { port, path, remote } = await serveBoth(
      (request, response) => {
        if (request.headers.authorization === 'Bearer token-2') response.end('{}')
        else response.writeHead(401, { 'content-length': 100 }).write('half')
      },
      {
        refused: async () => {
          for (const socket of remote.sockets) socket.resetAndDestroy()
          await new Promise((resolve) => setTimeout(resolve, 50))
          return token(2)
        },
      },
    )
    expect((await send({ port, path, ...call })).status).toBe(200)
  })
})

describe('credentials', () => {
  it('are waited for where they must be renewed first', async () => {
    const { seen, answer } = wanting('token-5')
    const credentials = () =>
      new Promise<ReturnType<typeof token>>((resolve) => setTimeout(resolve, 20, token(5)))
    const { port, path } = await serveBoth(answer, { credentials })
    expect((await send({ port, path, ...call })).status).toBe(200)
    expect(seen).toHaveLength(1)
  })

  it.each([
    ['a rejection', () => Promise.reject(new BridgeError('connection.signed_out'))],
    [
      'an exception',
      () => {
        throw new BridgeError('connection.signed_out')
      },
    ],
  ])('that cannot be had end the call at once, by %s', async (_, credentials) => {
    const { seen, answer } = wanting('token-1')
    const { port, path } = await serveBoth(answer, { credentials })
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(401)
    expect(received.headers['content-type']).toBe('application/json')
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code: 'connection.signed_out' } } })
    expect(seen).toHaveLength(0)
  })

  it('that cannot be sent end the call as a mistake of ours, of which nothing is told', async () => {
    const credentials = () => ({ headers: { authorization: 'Bearer two\r\nlines' }, generation: 1 })
    const { port, path, log } = await serveBoth((_, response) => response.end(), { credentials })
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(500)
    expect(errorOf(received).error.data).toEqual({ code: 'bridge.internal' })
    expect(received.body.toString()).not.toContain('lines')
    expect(log.lines.some(({ level }) => level === 'error')).toBe(true)
  })

  it.each([
    [200, [1]],
    [202, [1]],
    [204, [1]],
    [400, []],
    [404, []],
    [500, []],
  ])('are known to be good after a %i: %j', async (status, taken) => {
    const { port, path, access } = await serveBoth((_, response) => response.writeHead(status).end())
    await send({ port, path, ...call })
    expect(access.taken).toEqual(taken)
  })

  it('are not known to be good after a refusal, a page or a redirect', async () => {
    for (const [status, headers] of [
      [401, {}],
      [200, { 'content-type': 'text/html' }],
      [302, { location: '/login' }],
    ] as const) {
      const { port, path, access } = await serveBoth((_, response) =>
        response.writeHead(status, headers).end(),
      )
      await send({ port, path, ...call })
      expect(access.taken).toEqual([])
    }
  })

  it('are known to be good when they only grant too little', async () => {
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="x"' }
    const { port, path, access } = await serveBoth((request, response) => {
      if (request.headers.authorization === 'Bearer token-2') response.end('{}')
      else response.writeHead(403, headers).end()
    })
    await send({ port, path, ...call })
    expect(access.taken).toEqual([1, 2])
  })

  it('are asked for anew in every call', async () => {
    let generation = 0
    const { seen, answer } = wanting('token-1', 'token-2')
    const { port, path } = await serveBoth(answer, { credentials: () => token(++generation) })
    await send({ port, path, ...call })
    await send({ port, path, ...call })
    expect(seen.map(({ authorization }) => authorization)).toEqual(['Bearer token-1', 'Bearer token-2'])
  })
})

describe('a call that needs more scopes (RFC 6750 §3.1)', () => {
  const challenge = 'Bearer error="insufficient_scope", scope="files:write"'
  const wantingMore = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    if (request.headers.authorization === 'Bearer token-2') response.end('{"ok":true}')
    else response.writeHead(403, { 'www-authenticate': challenge }).end()
  }

  it('is held and goes on when they are granted', async () => {
    let grant = (): void => undefined
    const held: { challenge: string; by: unknown }[] = []
    const { port, path } = await serveBoth(wantingMore, {
      stepUp: (_, asked, by) => {
        held.push({ challenge: asked, by })
        return new Promise((resolve) => (grant = () => resolve(token(2))))
      },
    })
    const answer = send({ port, path, headers: jsonHeaders, body: toolCall('delete_file') })
    await until(() => held.length === 1)
    expect(held[0]).toEqual({ challenge, by: { client, method: 'tools/call', name: 'delete_file' } })
    grant()
    expect((await answer).body.toString()).toBe('{"ok":true}')
  })

  it('names its tool by the mirrored headers where the client sends them', async () => {
    const { port, path, access } = await serveBoth(wantingMore)
    const mirrored = ['Mcp-Method', 'tools/call', 'Mcp-Name', 'delete_file']
    await send({ port, path, headers: [...jsonHeaders, ...mirrored], body: 'not JSON' })
    expect(access.stepUps[0]?.by).toEqual({ client, method: 'tools/call', name: 'delete_file' })
  })

  it('ends in words when nobody grants them', async () => {
    const stepUp = () => Promise.reject(new BridgeError('step_up.needed', 'files:write'))
    const { port, path } = await serveBoth(wantingMore, { stepUp })
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(401)
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code: 'step_up.needed' } } })
  })

  it('is let go when its client leaves', async () => {
    const { port, path, access, remote } = await serveBoth(wantingMore, {
      stepUp(_, asked, by, signal) {
        access.stepUps.push({ challenge: asked, by, signal })
        return new Promise((_, reject) =>
          signal.addEventListener('abort', () => reject(new BridgeError('step_up.needed'))),
        )
      },
    })
    const request = open({ port, path, ...call })
    request.on('error', () => undefined)
    await until(() => access.stepUps.length === 1)
    request.destroy()
    await until(() => access.stepUps[0]?.signal.aborted === true)
    expect(remote.server.listening).toBe(true)
  })

  it('does not go round for ever with a server that is never content', async () => {
    let requests = 0
    const { port, path } = await serveBoth((_, response) => {
      requests++
      response.writeHead(403, { 'www-authenticate': challenge }).end()
    })
    const received = await send({ port, path, ...call })
    expect(received.status).toBe(403)
    expect(errorOf(received).error.data.code).toBe('step_up.limit')
    expect(requests).toBeLessThan(10)
  })

  it('is the server’s own refusal where a step-up is not possible', async () => {
    const { port, path, access } = await serveBoth(
      (_, response) =>
        response
          .writeHead(403, { 'www-authenticate': challenge, 'content-type': 'application/json' })
          .end('{"from":"server"}'),
      { asksStepUp: () => false },
    )
    const received = await send({ port, path, ...call })
    expect([received.status, received.body.toString()]).toEqual([403, '{"from":"server"}'])
    expect(access.stepUps).toHaveLength(0)
  })

  it('may have its token refused on the way', async () => {
    const { port, path, access } = await serveBoth((request, response) => {
      const { authorization } = request.headers
      if (authorization === 'Bearer token-1') response.writeHead(401).end()
      else if (authorization === 'Bearer token-2')
        response.writeHead(403, { 'www-authenticate': challenge }).end()
      else response.end('{}')
    })
    expect((await send({ port, path, ...call })).status).toBe(200)
    expect([access.refusals.length, access.stepUps.length]).toEqual([1, 1])
  })
})

describe('an access that ends', () => {
  it('ends a call that waits for its answer', async () => {
    const { port, path, access, remote } = await serveBoth(() => undefined)
    const answer = send({ port, path, ...call })
    await until(() => remote.sockets.size === 1)
    access.end(new BridgeError('connection.ended'))
    const received = await answer
    expect(received.status).toBe(401)
    expect(errorOf(received)).toMatchObject({ id: 7, error: { data: { code: 'connection.ended' } } })
    await until(() => remote.sockets.size === 0)
  })

  it('ends a call that waits for its token', async () => {
    const { port, path, access } = await serveBoth(() => undefined, {
      credentials: () => new Promise(() => undefined),
    })
    const answer = send({ port, path, ...call })
    await new Promise((resolve) => setTimeout(resolve, 50))
    access.end(new BridgeError('bridge.busy'))
    expect(errorOf(await answer).error.data.code).toBe('bridge.busy')
  })

  it('ends an event stream with an error for its request, between two events', async () => {
    const { port, path, access } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"progress":1}\n\n')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    access.end()
    const events = (await stream.whole).split('\n\n')
    expect(events[0]).toBe('data: {"progress":1}')
    expect(JSON.parse(events[1]?.split('data: ')[1] ?? '')).toMatchObject({
      id: 7,
      error: { data: { code: 'connection.ended' } },
    })
  })

  it('cuts an event stream in the middle of an event', async () => {
    const { port, path, access } = await serveBoth((_, response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: {"prog')
    })
    const { response } = await begin({ port, path, ...call })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    access.end()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it.each([
    ['a stream of its own', { method: 'GET' }, 'text/event-stream'],
    ['a JSON answer', call, 'application/json'],
  ])('cuts %s', async (_, request, type) => {
    const { port, path, access } = await serveBoth((_request, response) => {
      response.writeHead(200, { 'content-type': type }).write('\n\n')
    })
    const { response } = await begin({ port, path, ...request })
    const stream = follow(response)
    await until(() => stream.text.length > 0)
    access.end()
    await expect(stream.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })

  it('leaves the calls of another access alone', async () => {
    const { port, path, access } = await serveBoth((_, response) => {
      setTimeout(() => response.end('{}'), 100)
    })
    const other = new AbortController()
    const answer = send({ port, path, ...call })
    other.abort()
    expect(access.ended.aborted).toBe(false)
    expect((await answer).status).toBe(200)
  })

  it('before the call is sent keeps the token here', async () => {
    let requests = 0
    const { port, path, access } = await serveBoth((_, response) => {
      requests++
      response.end('{}')
    })
    access.end(new BridgeError('connection.ended'))
    expect(errorOf(await send({ port, path, ...call })).error.data.code).toBe('connection.ended')
    expect(requests).toBe(0)
  })

  it('is watched once, however many calls there are', async () => {
    const { port, path } = await serveBoth((_, response) => response.end('{}'))
    const warnings: Error[] = []
    const hear = (warning: Error): void => void warnings.push(warning)
    process.on('warning', hear)
    await Promise.all(Array.from({ length: 100 }, () => send({ port, path, ...call })))
    await new Promise(setImmediate)
    process.off('warning', hear)
    expect(warnings).toEqual([])
  })
})
