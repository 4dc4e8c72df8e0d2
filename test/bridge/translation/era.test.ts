import { describe, expect, it } from 'vitest'
import { eraOfRequest, eraRefusal } from '../../../bridge/translation/era.ts'
import { readMessage } from '../../../bridge/channel/rpc-message.ts'

const error = (code: number, data?: object): Buffer =>
  Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, error: { code, message: 'no', data } }))
const nothing = Buffer.alloc(0)
const head = (status: number) => ({ status, headers: {} })

describe('whether a server refuses an era (MCP 2026-07-28, Streamable HTTP, Backward Compatibility)', () => {
  it.each([
    ['400 without a body', 400, nothing, true],
    ['404 without a body', 404, nothing, true],
    ['405 without a body', 405, nothing, true],
    ['400 with an error of the older era', 400, error(-32_000), true],
    ['a list of older versions only', 200, error(-32_022, { supported: ['2025-11-25'] }), true],
    ['a list with a modern version', 400, error(-32_022, { supported: ['2026-07-28', '2025-11-25'] }), false],
    ['headers that differ from the body', 400, error(-32_020), false],
    ['a capability that is missing', 400, error(-32_021), false],
    ['an unknown method', 404, error(-32_601), false],
    ['params that are not valid', 400, error(-32_602), false],
    ['an error of the method', 200, error(-32_603), false],
    ['a server that fails', 500, nothing, false],
    ['a lack of rights', 403, nothing, false],
  ])('to a modern client: %s', (_, status, body, refused) => {
    expect(eraRefusal('modern', head(status), body)).toBe(refused)
  })

  it.each([
    ['a list of modern versions', 400, error(-32_022, { supported: ['2026-07-28'] }), true],
    ['a list of older versions', 400, error(-32_022, { supported: ['2025-06-18'] }), false],
    ['missing headers', 400, error(-32_020), true],
    ['a missing _meta', 400, error(-32_602), true],
    ['an unknown initialize', 404, error(-32_601), true],
    ['405 without a body, as HTTP+SSE says it', 405, nothing, true],
    ['a session that is gone', 404, error(-32_001), false],
    ['an optional method that is not there', 200, error(-32_601), false],
    ['a server that fails', 502, nothing, false],
  ])('to an older client: %s', (_, status, body, refused) => {
    expect(eraRefusal('session', head(status), body)).toBe(refused)
  })
})

describe('the era of a request', () => {
  const eraOf = (request: object): unknown => {
    const message = readMessage(Buffer.from(JSON.stringify({ jsonrpc: '2.0', id: 1, ...request })))
    return message && eraOfRequest(message)
  }

  it('is seen from initialize, or from the version in _meta', () => {
    const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' }
    expect(eraOf({ method: 'initialize', params: {} })).toBe('session')
    expect(eraOf({ method: 'tools/list', params: { _meta } })).toBe('modern')
    expect(eraOf({ method: 'tools/list' })).toBeUndefined()
    expect(eraOf({ method: 'tools/list', params: { _meta: { progressToken: 1 } } })).toBeUndefined()
  })
})
