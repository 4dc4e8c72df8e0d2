import { describe, expect, it } from 'vitest'
import { answerEvents, answerJson } from '../support/raw-server.ts'
import { setRawScene } from './scene.ts'

const call = { name: 'echo', arguments: { text: 'x' } }

function event(message: object): string {
  return `data: ${JSON.stringify(message)}\n\n`
}

describe('a server that answers with another id', () => {
  it.each(['JSON', 'an event stream'])('in %s leaves the call with an error', async (form) => {
    const { spawn, server } = await setRawScene({
      react({ method }, exchange) {
        if (method !== 'tools/call') return false
        const wrong = { jsonrpc: '2.0', id: 'of somebody else', result: { content: [] } }
        return form === 'JSON' ? answerJson(exchange, wrong) : answerEvents(exchange, event(wrong))
      },
    })
    const client = spawn()
    await client.initialize()
    expect((await client.ask('tools/call', call)).error?.data.code).toBe('server.failed')
    expect(client.lines.join()).not.toContain('somebody else')
    expect((await client.ask('tools/list')).result).toBeDefined()
    expect(server.received('tools/call')).toHaveLength(1)
  })
})

describe('a server whose event stream is cut before the answer', () => {
  it.each(['end', 'cut'] as const)('(%s) leaves the call with an error, once', async (how) => {
    const progress = {
      jsonrpc: '2.0',
      method: 'notifications/progress',
      params: { progressToken: 1, progress: 1 },
    }
    const { spawn, server } = await setRawScene({
      react: ({ method }, exchange) =>
        method === 'tools/call' && answerEvents(exchange, `${event(progress)}data: {"jsonrpc`, how),
    })
    const client = spawn()
    await client.initialize()
    expect((await client.ask('tools/call', call)).error?.data.code).toBe('gateway.stream_cut')
    expect((await client.ask('tools/list')).result).toBeDefined()
    expect(server.received('tools/call')).toHaveLength(1)
    expect(client.lines.filter((line) => line.includes('notifications/progress'))).toHaveLength(1)
  })
})

describe('a server that gives no answer', () => {
  it.each([202, 204, 200])('but status %i leaves the call with an error', async (status) => {
    const { spawn } = await setRawScene({
      react({ method }, { res }) {
        if (method !== 'tools/call') return false
        res.writeHead(status, { 'content-type': 'application/json' }).end()
        return true
      },
    })
    const client = spawn()
    expect((await client.ask('tools/call', call)).error?.data.code).toBeDefined()
    expect((await client.ask('tools/list')).result).toBeDefined()
  })

  it.each([
    ['no JSON', 'Accepted'],
    ['half of it', '{"jsonrpc":"2.0","id":'],
    ['an array', '[]'],
    ['a message that is none', '{"jsonrpc":"2.0","id":"mine"}'],
  ])('but %s leaves the call with an error', async (_, body) => {
    const { spawn } = await setRawScene({
      react({ method }, { res }) {
        if (method !== 'tools/call') return false
        res.writeHead(200, { 'content-type': 'application/json' }).end(body)
        return true
      },
    })
    const client = spawn()
    expect((await client.ask('tools/call', call, 'mine')).error?.data.code).toBe('server.failed')
    expect((await client.ask('tools/list')).result).toBeDefined()
  })

  it('in JSON over several lines is passed on in one', async () => {
    const { spawn } = await setRawScene({
      react({ id, method }, { res }) {
        if (method !== 'tools/call') return false
        const answer = { jsonrpc: '2.0', id, result: { content: [{ type: 'text', text: 'a\nb' }] } }
        res.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer, null, 2))
        return true
      },
    })
    const client = spawn()
    expect((await client.ask('tools/call', call)).result.content[0].text).toBe('a\nb')
    expect(client.lines).toHaveLength(1)
  })
})

describe('a server that has forgotten the session (MCP 2025-11-25, Session Management)', () => {
  it('is asked for a list once more in a new session', async () => {
    const { spawn, server } = await setRawScene()
    const client = spawn()
    await client.initialize()
    await client.ask('tools/list')
    server.forgetSessions()
    expect((await client.ask('tools/list')).result).toEqual({ tools: [] })
    expect(server.received('initialize')).toHaveLength(2)
    expect(server.received('tools/list')).toHaveLength(2)
  })

  it('is not asked for a tool call once more: that is an error, and the next call works', async () => {
    const { spawn, server } = await setRawScene()
    const client = spawn()
    await client.initialize()
    await client.ask('tools/list')
    server.forgetSessions()
    expect((await client.ask('tools/call', call)).error?.data.code).toBe('gateway.session_lost')
    expect(server.received('tools/call')).toHaveLength(0)
    const posted = server.loopback
      .requestsOf('/mcp', 'POST')
      .filter(({ body }) => body.includes('tools/call'))
    expect(posted).toHaveLength(1)
    expect((await client.ask('tools/call', call)).result.content[0].text).toBe('x')
    expect(server.received('tools/call')).toHaveLength(1)
  })
})
