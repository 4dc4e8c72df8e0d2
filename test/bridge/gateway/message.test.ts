import { describe, expect, it } from 'vitest'
import { callOrigin, isRepeatable, readMessage } from '../../../bridge/gateway/message.ts'
import { noBody, type RequestBody } from '../../../bridge/gateway/request-body.ts'

function body(message: unknown, cutAt?: number): RequestBody {
  const whole = Buffer.from(typeof message === 'string' ? message : JSON.stringify(message))
  const chunks = cutAt === undefined ? [whole] : [whole.subarray(0, cutAt), whole.subarray(cutAt)]
  return { chunks, length: whole.length }
}

describe('reading a message', () => {
  it('finds id, method and the name of a tool or prompt', () => {
    const message = { jsonrpc: '2.0', id: 'a', method: 'tools/call', params: { name: 'echo', arguments: {} } }
    expect(readMessage(body(message))).toEqual({ id: 'a', method: 'tools/call', name: 'echo' })
  })

  it('finds the address of a resource', () => {
    const message = { jsonrpc: '2.0', id: 0, method: 'resources/read', params: { uri: 'file:///x' } }
    expect(readMessage(body(message))).toEqual({ id: 0, method: 'resources/read', name: 'file:///x' })
  })

  it('puts a letter together that was torn between two chunks', () => {
    const message = { id: 1, method: 'tools/call', params: { name: 'caf\u00e9' } }
    const torn = Buffer.from(JSON.stringify(message)).indexOf(0xc3) + 1
    expect(readMessage(body(message, torn)).name).toBe('caf\u00e9')
  })

  it.each([
    ['a notification', { method: 'notifications/cancelled', params: { requestId: 1 } }, undefined],
    ['an id that is null', { id: null, method: 'ping' }, undefined],
    ['an id of another kind', { id: { a: 1 }, method: 'ping' }, undefined],
    ['an answer to the server', { id: 3, result: {} }, undefined],
    ['a batch', [{ id: 1, method: 'ping' }], undefined],
    ['text', '"id"', undefined],
    ['no JSON', '{"id":1,"method":', undefined],
    ['nothing', '', undefined],
  ])('finds no id in %s', (_, message, id) => {
    expect(readMessage(body(message)).id).toBe(id)
  })
})

describe('who makes a call', () => {
  it('is read from the mirrored headers, where they are', () => {
    const headers = { 'mcp-method': 'tools/call', 'mcp-name': 'delete' }
    expect(callOrigin('Cursor', headers, noBody)).toEqual({
      client: 'Cursor',
      method: 'tools/call',
      name: 'delete',
    })
  })

  it('has its name decoded (MCP 2026-07-28, Value Encoding)', () => {
    const name = `=?base64?${Buffer.from('l\u00f6schen').toString('base64')}?=`
    expect(callOrigin('Cursor', { 'mcp-method': 'tools/call', 'mcp-name': name }, noBody).name).toBe(
      'l\u00f6schen',
    )
  })

  it('is read from the body in older revisions', () => {
    const message = { id: 1, method: 'tools/call', params: { name: 'delete' } }
    expect(callOrigin('Cursor', {}, body(message))).toEqual({
      client: 'Cursor',
      method: 'tools/call',
      name: 'delete',
    })
  })

  it('is the client alone for a stream', () => {
    expect(callOrigin('Cursor', {}, noBody)).toEqual({ client: 'Cursor' })
  })

  it('cannot speak to the terminal that shows it', () => {
    const name = `=?base64?${Buffer.from('\u001b[2Jdelete\u202e\n').toString('base64')}?=`
    expect(callOrigin('Cursor', { 'mcp-method': 'tools/call', 'mcp-name': name }, noBody).name).toBe(
      '[2Jdelete',
    )
  })

  it('is never long', () => {
    const message = { id: 1, method: 'm'.repeat(5_000), params: { name: 'n'.repeat(5_000) } }
    const { method, name } = callOrigin('Cursor', {}, body(message))
    expect([method?.length, name?.length]).toEqual([200, 200])
  })
})

describe('what may be sent twice (RFC 9110 §9.2.2)', () => {
  const posted = (method: string): boolean =>
    isRepeatable('POST', body({ id: 1, method, params: { name: 'x' } }))

  it.each(['initialize', 'tools/list', 'resources/read', 'prompts/get', 'server/discover', 'ping'])(
    '%s may',
    (method) => {
      expect(posted(method)).toBe(true)
    },
  )

  it.each(['tools/call', 'tasks/cancel', 'vendor/unknown', 'notifications/progress', ''])(
    '%j may not',
    (method) => {
      expect(posted(method)).toBe(false)
    },
  )

  it('a batch, an answer and what cannot be read may not', () => {
    expect(isRepeatable('POST', body([{ id: 1, method: 'ping' }]))).toBe(false)
    expect(isRepeatable('POST', body({ id: 1, result: {} }))).toBe(false)
    expect(isRepeatable('POST', body('\u001f\u008b'))).toBe(false)
  })

  it('a stream and the end of a session may', () => {
    expect(isRepeatable('GET', noBody)).toBe(true)
    expect(isRepeatable('DELETE', noBody)).toBe(true)
  })
})
