import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { gzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import {
  begin,
  client,
  errorOf,
  follow,
  jsonHeaders,
  open,
  send,
  serveBoth,
  until,
} from '../gateway/support.ts'
import type { AccessChange } from '../../../shared/access.ts'
import { openGate } from './open-gate.ts'

const answer = '{"jsonrpc":"2.0","id":7,"result":{"content":[]}}'

/** A remote server that notes what reached it, and a gateway with a gate before it. `reply` answers in place of the usual answer. */
async function setScene(
  reply?: (request: IncomingMessage, response: ServerResponse, body: string) => unknown,
) {
  const access = openGate()
  const reached: { body: string; headers: IncomingMessage['headers']; method: string | undefined }[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = (await buffer(request)).toString('latin1')
    reached.push({ body, headers: request.headers, method: request.method })
    if (reply) await reply(request, response, body)
    else response.writeHead(200, { 'Content-Type': 'application/json' }).end(answer)
  }
  const both = await serveBoth(serve, {}, { gate: access.gate })
  const post = (body: string | Buffer, headers: readonly string[] = []) =>
    send({ ...both, headers: [...jsonHeaders, ...headers], body })
  return { ...both, ...access, reached, post }
}

const call = (name: string, id: number | string = 7): string =>
  `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":"tools/call","params":{"name":"${name}","arguments":{"a":"b"}}}`
const listTools = '{"jsonrpc":"2.0","id":3,"method":"tools/list"}'
const toolList = (...names: string[]): string =>
  JSON.stringify({ jsonrpc: '2.0', id: 3, result: { tools: names.map((name) => ({ name })) } })
const named = (text: string): string[] => [...text.matchAll(/"name":"(\w+)"/g)].map(([, name]) => name ?? '')

describe('a call over HTTP that is passed on', () => {
  it('is passed on as it is where there is no rule, whatever it is', async () => {
    const { post, reached } = await setScene()
    const bodies = [
      'no JSON',
      gzipSync(call('x')).toString('latin1'),
      `[${call('x')}]`,
      `{"method":"tools/call","method":"x"}`,
    ]
    for (const body of bodies) expect((await post(Buffer.from(body, 'latin1'))).status).toBe(200)
    expect(reached.map(({ body }) => body)).toEqual(bodies)
  })

  it('is passed on as it is where the rules allow it', async () => {
    const { post, reached, rule } = await setScene()
    await rule(client, 'delete', 'deny')
    const bodies = [
      call('read'),
      ` {"method" : "ping", "id":1.0e2}`,
      '{"jsonrpc":"2.0","id":5,"result":{}}',
      `[${call('read')},${call('x', 8)}]`,
    ]
    for (const body of bodies) expect((await post(body)).status).toBe(200)
    expect(reached.map(({ body }) => body)).toEqual(bodies)
    expect(reached.every(({ headers }) => headers['accept-encoding'] === undefined)).toBe(true)
  })

  it('is answered with an error under its id where the rules deny it, and with status 200, which is no broken server', async () => {
    const { post, reached, rule, activity } = await setScene()
    await rule(client, 'delete', 'deny')
    const received = await post(call('delete', 'x'))
    expect(received.status).toBe(200)
    expect(errorOf(received)).toMatchObject({ id: 'x', error: { data: { code: 'access.tool_denied' } } })
    expect(reached).toEqual([])
    expect(activity.noted).toMatchObject([
      {
        client,
        connection: 'remote',
        method: 'tools/call',
        name: 'delete',
        face: 'http',
        outcome: 'refused',
        code: 'access.tool_denied',
      },
    ])
  })

  it.each<[string, string | Buffer, ...string[]]>([
    ['names the tool twice', '{"id":1,"method":"tools/call","params":{"name":"read","name":"delete"}}'],
    ['names the method twice', '{"id":1,"method":"ping","method":"tools/call","params":{"name":"delete"}}'],
    [
      'has its params twice',
      '{"id":1,"method":"tools/call","params":{"name":"read"},"params":{"name":"delete"}}',
    ],
    ['is compressed', gzipSync(call('delete')), 'Content-Encoding', 'gzip'],
    ['says that it is compressed', call('read'), 'Content-Encoding', 'br'],
    [
      'is in another character set',
      call('delete+AF8-issue'),
      'Content-Type',
      'application/json; charset=utf-7',
    ],
    ['begins with a byte order mark', `\uFEFF${call('delete')}`],
    ['is UTF-16', Buffer.from(call('delete'), 'utf16le')],
    ['is followed by something', `${call('read')}${call('delete')}`],
    ['is no JSON', `${call('delete').slice(0, -1)},}`],
    ['is a batch with something behind it', `[${call('read')}]${call('delete')}`],
    ['is a batch in a batch', `[[${call('delete')}]]`],
    ['has a header that names another tool', call('read'), 'Mcp-Name', 'delete'],
    ['has a header that names another tool in Base64', call('read'), 'Mcp-Name', '=?base64?ZGVsZXRl?='],
    ['has two headers that name a tool', call('read'), 'Mcp-Name', 'read', 'Mcp-Name', 'delete'],
    ['has a header that names another method', call('read'), 'Mcp-Method', 'ping'],
  ])('is refused under rules when it %s', async (_, body, ...headers) => {
    const { port, path, reached, rule } = await setScene()
    await rule(client, 'delete*', 'deny')
    const given = headers.includes('Content-Type') ? headers : [...jsonHeaders, ...headers]
    const received = await send({ port, path, headers: given, body })
    expect(received.status).toBe(400)
    expect(errorOf(received).error.data.code).toBe('access.call_unclear')
    expect(reached).toEqual([])
  })

  it.each([
    ['in escapes', String.raw`{"id":1,"method":"tools\/call","params":{"n\u0061me":"d\u0065lete"}}`, []],
    ['in a batch', `[${call('read')}, ${call('delete')}]`, []],
    ['under a header that says so', call('delete'), ['Mcp-Method', 'tools/call', 'Mcp-Name', 'delete']],
  ])('is denied by what its body says, %s', async (_, body, headers) => {
    const { post, reached, rule } = await setScene()
    await rule(client, 'delete', 'deny')
    expect(errorOf(await post(body, headers)).error.data.code).toBe('access.tool_denied')
    expect(reached).toEqual([])
  })

  it('is not judged by rules of another app or another connection', async () => {
    const { post, policies, rule } = await setScene()
    await rule('another', '*', 'deny')
    await policies.change(client, [
      { sets: 'rule', client, connection: 'other' as never, tool: '*', verdict: 'deny' },
    ])
    expect((await post(call('delete'))).status).toBe(200)
  })
})

describe('a connection that an app may not use, over HTTP', () => {
  const closed: AccessChange = { sets: 'connections', client, connections: [] }

  it('is to the app as if it were not there', async () => {
    const { post, port, path, policies, reached, activity } = await setScene()
    await policies.change(client, [closed])
    const refused = await post(call('read'))
    const unknown = await send({
      port,
      path: path.replace('remote', 'nothing'),
      headers: jsonHeaders,
      body: call('read'),
    })
    expect([refused.status, refused.body, refused.headers['content-type']]).toEqual([
      unknown.status,
      unknown.body,
      unknown.headers['content-type'],
    ])
    expect(reached).toEqual([])
    expect(activity.noted).toMatchObject([{ outcome: 'refused', code: 'access.connection_denied' }])
  })

  it('is taken away in the middle of calls and streams, too', async () => {
    const { port, path, policies, reached } = await setScene((request, response) => {
      if (request.method === 'POST') return
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    })
    const stream = await begin({ port, path, method: 'GET', headers: ['Accept', 'text/event-stream'] })
    const waiting = send({ port, path, headers: jsonHeaders, body: call('read') })
    await until(() => reached.length === 2)
    const { whole } = follow(stream.response)
    await policies.change(client, [closed])
    expect(errorOf(await waiting)).toMatchObject({ id: 7, error: { data: { code: 'connection.unknown' } } })
    await expect(whole).rejects.toMatchObject({ code: 'ECONNRESET' })
  })
})

describe('a call over HTTP that waits for a person', () => {
  it('goes on as it is when it is allowed', async () => {
    const { post, approvals, reached, rule } = await setScene()
    await rule(client, '*', 'ask')
    const answered = post(call('write'), ['Mcp-Session-Id', 's'])
    await until(() => approvals.list().length === 1)
    expect(reached).toEqual([])
    expect(approvals.list()).toMatchObject([
      { client, connection: 'remote', tool: 'write', preview: '{"a":"b"}' },
    ])
    await approvals.answer('1', { verdict: 'allow', lasts: 'session' })
    expect((await answered).body.toString()).toBe(answer)
    // In the same session it is not asked for again, in another one it is.
    await post(call('write'), ['Mcp-Session-Id', 's'])
    expect(reached.map(({ body }) => body)).toEqual([call('write'), call('write')])
    const other = post(call('write'), ['Mcp-Session-Id', 'other'])
    await until(() => approvals.list().length === 1)
    await approvals.answer('2', { verdict: 'deny', lasts: 'once' })
    expect(errorOf(await other)).toMatchObject({ id: 7, error: { data: { code: 'access.call_denied' } } })
  })

  it('is asked for again after the client has deleted its session', async () => {
    const { post, port, path, approvals, rule } = await setScene()
    await rule(client, '*', 'ask')
    const headers = ['Mcp-Session-Id', 's']
    const first = post(call('write'), headers)
    await until(() => approvals.list().length === 1)
    await approvals.answer('1', { verdict: 'allow', lasts: 'session' })
    await first
    await send({ port, path, method: 'DELETE', headers })
    const request = open({ port, path, headers: [...jsonHeaders, ...headers], body: call('write') })
    request.on('error', () => undefined)
    await until(() => approvals.list().length === 1)
    expect(approvals.list()).toMatchObject([{ id: '2', tool: 'write' }])
    request.destroy()
    await until(() => approvals.list().length === 0)
  })

  it('is forgotten when the client leaves, and never reaches the server', async () => {
    const { port, path, approvals, reached, rule, activity } = await setScene()
    await rule(client, '*', 'ask')
    const request = open({ port, path, headers: jsonHeaders, body: call('write') })
    request.on('error', () => undefined)
    await until(() => approvals.list().length === 1)
    request.destroy()
    await until(() => approvals.list().length === 0)
    expect(reached).toEqual([])
    expect(activity.noted).toMatchObject([{ outcome: 'cancelled' }])
  })

  it('ends with an answer when the bridge ends', async () => {
    const { post, gateway, approvals, reached, rule } = await setScene()
    await rule(client, '*', 'ask')
    const waiting = post(call('write'))
    await until(() => approvals.list().length === 1)
    const closing = gateway.close()
    expect(errorOf(await waiting)).toMatchObject({ id: 7, error: { data: { code: 'bridge.busy' } } })
    await closing
    expect([approvals.list(), reached]).toEqual([[], []])
  })

  it('is refused in a batch, of which nobody is asked about a part', async () => {
    const { post, approvals, rule } = await setScene()
    await rule(client, 'write', 'ask')
    expect(errorOf(await post(`[${call('write')}]`)).error.data.code).toBe('access.call_unclear')
    expect(approvals.list()).toEqual([])
  })
})

describe('a list of tools over HTTP', () => {
  const list = toolList('read', 'delete', 'write')
  const withoutDelete = toolList('read', 'write')

  it('loses what is denied, with its length right', async () => {
    const { post, rule, reached } = await setScene((_, response) =>
      response
        .writeHead(200, {
          'Content-Type': 'application/json',
          'Content-Length': list.length,
          'Mcp-Session-Id': 's',
        })
        .end(list),
    )
    await rule(client, 'delete', 'deny')
    const { body, headers } = await post(listTools, ['Accept-Encoding', 'gzip, br'])
    expect(body.toString()).toBe(withoutDelete)
    expect(headers).toMatchObject({ 'content-length': String(withoutDelete.length), 'mcp-session-id': 's' })
    expect(reached[0]?.headers['accept-encoding']).toBe('identity')
  })

  it.each([
    ['an event stream', 'text/event-stream', `id: 1\r\ndata: ${list}\r\n\r\n`, /^id: 1\r\ndata: .*\r\n\r\n$/],
    ['a batch', 'application/json', `[${list}]`, /^\[.*\]$/],
  ])('loses it in %s', async (_, type, sent, shape) => {
    const { post, rule } = await setScene((__, response) =>
      response.writeHead(200, { 'Content-Type': type }).end(sent),
    )
    await rule(client, 'delete', 'deny')
    const text = (await post(sent.startsWith('[') ? `[${listTools}]` : listTools)).body.toString()
    expect(text).toMatch(shape)
    expect(named(text)).toEqual(['read', 'write'])
  })

  it('loses it on a stream that is resumed, event by event', async () => {
    let stream: ServerResponse | undefined
    const { port, path, rule } = await setScene((_, response) => {
      stream = response
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    })
    await rule(client, 'delete', 'deny')
    const { response } = await begin({
      port,
      path,
      method: 'GET',
      headers: ['Accept', 'text/event-stream', 'Last-Event-ID', '4'],
    })
    const seen = follow(response)
    stream?.write(`id: 5\ndata: ${list}\n\n`)
    await until(() => seen.text.length > 0)
    expect(seen.text).toBe(`id: 5\ndata: ${withoutDelete}\n\n`)
    stream?.end()
    await seen.whole
  })

  it.each([
    ['compressed although that was not asked for', { 'Content-Encoding': 'gzip' }, gzipSync(list)],
    ['no JSON', {}, `\uFEFF${list}`],
    ['said twice', {}, list.replace('"result"', '"result":{},"result"')],
  ])('is an error when it is %s', async (_, headers, body) => {
    const { post, rule } = await setScene((__, response) =>
      response.writeHead(200, { 'Content-Type': 'application/json', ...headers }).end(body),
    )
    await rule(client, 'delete', 'deny')
    const received = await post(listTools)
    expect(received.status).toBe(503)
    expect(errorOf(received)).toMatchObject({ id: 3, error: { data: { code: 'server.failed' } } })
  })

  it.each([
    ['as it is', {}, Buffer.from(list), 1],
    ['compressed', { 'Content-Encoding': 'gzip' }, gzipSync(list), 2],
  ])('loses what was denied while it was on its way, %s', async (_, headers, body, times) => {
    const waiting: (() => void)[] = []
    const { post, rule, reached } = await setScene((request, response) => {
      const isPlain = request.headers['accept-encoding'] === 'identity'
      const give = (): unknown =>
        response
          .writeHead(200, { 'Content-Type': 'application/json', ...(isPlain ? {} : headers) })
          .end(isPlain ? list : body)
      if (reached.length > 1) give()
      else waiting.push(give)
    })
    const received = post(listTools, ['Accept-Encoding', 'gzip'])
    await until(() => waiting.length === 1)
    await rule(client, 'delete', 'deny')
    waiting[0]?.()
    expect((await received).body.toString()).toBe(withoutDelete)
    expect(reached).toHaveLength(times)
  })

  it('is cut when it has begun before a tool in it was denied', async () => {
    let answering: ServerResponse | undefined
    const { rule, port, path } = await setScene((_, response) => {
      answering = response.writeHead(200, { 'Content-Type': 'application/json' })
      answering.write(list.slice(0, 10))
    })
    const { response } = await begin({ port, path, headers: jsonHeaders, body: listTools })
    const seen = follow(response)
    await until(() => seen.text.length === 10)
    await rule(client, 'delete', 'deny')
    answering?.end(list.slice(10))
    await expect(seen.whole).rejects.toMatchObject({ code: 'ECONNRESET' })
    expect(seen.text).toHaveLength(10)
  })

  it('is as the server gives it when it is an error of the server', async () => {
    const { post, rule, activity } = await setScene((_, response) =>
      response.writeHead(404, { 'Content-Type': 'text/plain' }).end('no session'),
    )
    await rule(client, 'delete', 'deny')
    const { status, body } = await post(listTools)
    expect([status, body.toString()]).toEqual([404, 'no session'])
    expect(activity.noted).toMatchObject([{ method: 'tools/list', outcome: 'error', status: 404, bytes: 10 }])
  })

  it('is changed for a client that listens: it is told, and its stream is looked through from then on', async () => {
    const streams: ServerResponse[] = []
    const { port, path, rule } = await setScene((_, response) => {
      streams.push(response)
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    })
    const get = { port, path, method: 'GET', headers: ['Accept', 'text/event-stream'] }
    const before = follow((await begin(get)).response)
    await rule(client, 'delete', 'deny')
    expect(await before.whole).toContain('"method":"notifications/tools/list_changed"')
    const after = follow((await begin(get)).response)
    await rule(client, 'write', 'deny')
    await until(() => after.text.includes('list_changed'))
    streams.at(-1)?.end(`data: ${list}\n\n`)
    expect(named(await after.whole)).toEqual(['read'])
  })

  it('is told of to a subscription, after its acknowledgment and under its id', async () => {
    let stream: ServerResponse | undefined
    const { port, path, rule } = await setScene((_, response) => {
      stream = response
      response.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders()
    })
    const body =
      '{"jsonrpc":"2.0","id":"sub","method":"subscriptions/listen","params":{"notifications":{"toolsListChanged":true}}}'
    const seen = follow((await begin({ port, path, headers: jsonHeaders, body })).response)
    await rule(client, 'delete', 'deny')
    stream?.write('data: {"jsonrpc":"2.0","method":"notifications/subscriptions/acknowledged"}\n\n')
    await until(() => seen.text.includes('acknowledged'))
    expect(seen.text).not.toContain('list_changed')
    await rule(client, 'write', 'deny')
    await until(() => seen.text.includes('list_changed'))
    expect(seen.text).toContain('"io.modelcontextprotocol/subscriptionId":"sub"')
    stream?.end()
    await seen.whole
  })
})

describe('the record of a call over HTTP', () => {
  it.each([
    ['an answer', { 'Content-Type': 'application/json' }, answer, 'answered'],
    [
      'an error',
      { 'Content-Type': 'application/json' },
      '{"jsonrpc":"2.0","id":7,"error":{"code":1,"message":""}}',
      'error',
    ],
    [
      'an answer about errors',
      { 'Content-Type': 'application/json' },
      '{"id":7,"result":{"error":{}},"jsonrpc":"2.0"}',
      'answered',
    ],
    [
      'a stream with an answer',
      { 'Content-Type': 'text/event-stream' },
      `data: {"method":"x"}\n\ndata: ${answer}\n\n`,
      'answered',
    ],
    [
      'a stream with an error',
      { 'Content-Type': 'text/event-stream' },
      'id: 1\ndata: {"method":"x"}\n\ndata: {"id":7,"error":{}}\n\n',
      'error',
    ],
  ] as const)('says what came of it: %s', async (_, headers, body, outcome) => {
    const { post, activity } = await setScene((__, response) => response.writeHead(200, headers).end(body))
    await post(call('x'))
    expect(activity.noted).toEqual([
      {
        client,
        connection: 'remote',
        method: 'tools/call',
        name: 'x',
        face: 'http',
        requestBytes: call('x').length,
        outcome,
        status: 200,
        bytes: body.length,
      },
    ])
  })

  it('has the calls of a batch, and nothing that gets no answer', async () => {
    const { post, port, path, activity } = await setScene()
    await post(`[${call('x')},{"method":"notifications/x"},${listTools}]`)
    await post('{"jsonrpc":"2.0","method":"notifications/initialized"}')
    await post('{"jsonrpc":"2.0","id":1,"result":{}}')
    await send({ port, path, method: 'DELETE' })
    expect(activity.noted).toMatchObject([{ method: 'tools/call', name: 'x' }, { method: 'tools/list' }])
    expect(activity.noted).toHaveLength(2)
  })

  it('says that a server was cut off in the middle, and that a client left', async () => {
    const { post, port, path, activity } = await setScene(async (request, response, body) => {
      if (body.includes('cut')) request.socket.destroy()
      else {
        response.writeHead(200, { 'Content-Type': 'application/json' }).write('{')
        await once(response, 'close')
      }
    })
    await post(call('cut'))
    const { request } = await begin({ port, path, headers: jsonHeaders, body: call('left') })
    request.destroy()
    await until(() => activity.noted[1]?.outcome !== undefined)
    expect(activity.noted).toMatchObject([
      { outcome: 'failed', code: 'gateway.stream_cut' },
      { outcome: 'cancelled' },
    ])
  })
})
