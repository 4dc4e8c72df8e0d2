import { describe, expect, it } from 'vitest'
import {
  bridgeErrorCode,
  errorMessage,
  rawFailure,
  statusOf,
} from '../../../bridge/gateway/failure-answer.ts'
import { consequences, ErrorCode, errors, sentence } from '../../../shared/errors.ts'

describe('the status of a failure', () => {
  it.each([
    ['gateway.not_found', 404],
    ['connection.unknown', 404],
    ['gateway.method_refused', 405],
    ['gateway.body_too_large', 413],
    ['gateway.body_incomplete', 400],
    ['gateway.request_invalid', 400],
    ['network.timeout', 504],
    ['gateway.host_refused', 403],
    ['gateway.origin_refused', 403],
    ['gateway.key_unknown', 401],
    ['connection.signed_out', 401],
    ['step_up.needed', 401],
    ['server.refused_token', 502],
    ['network.unreachable', 503],
    ['bridge.internal', 500],
    ['access.call_unclear', 400],
    ['access.tool_denied', 200],
  ] as const)('of %s is %i', (code, status) => {
    expect(statusOf(code)).toBe(status)
  })

  it('is by who can mend it, where HTTP has no word for it', () => {
    const byTable = ErrorCode.options.filter(
      (code) => statusOf(code) === consequences[errors[code].fixer].status,
    )
    expect(byTable.length).toBeGreaterThan(ErrorCode.options.length - 22)
  })

  it('is an error, but for what a rule or a person says about one call', () => {
    const answers = ErrorCode.options.filter((code) => statusOf(code) < 400)
    expect(answers.map((code) => [code, statusOf(code)])).toEqual(
      ['tool_denied', 'call_denied', 'not_approved', 'too_many_asked'].map((reason) => [
        `access.${reason}`,
        200,
      ]),
    )
  })
})

describe('a failure as a JSON-RPC error', () => {
  const failure = { code: 'connection.signed_out', detail: 'a detail' } as const

  it('says in words what is wrong and what to do, and in data which failure it is', () => {
    expect(JSON.parse(errorMessage(failure, 7))).toEqual({
      jsonrpc: '2.0',
      id: 7,
      error: { code: bridgeErrorCode, message: sentence(failure), data: failure },
    })
  })

  it('has no id where no request is answered (MCP: an error response that has no id)', () => {
    expect(JSON.parse(errorMessage(failure, undefined))).not.toHaveProperty('id')
  })

  it('uses none of the codes that MCP or JSON-RPC reserve', () => {
    expect(bridgeErrorCode < -32_768 || bridgeErrorCode > -32_000).toBe(true)
  })

  it('is one line, so that it fits an event', () => {
    expect(errorMessage({ code: 'server.failed', detail: 'two\nlines\r' }, 'a\nb')).not.toMatch(/[\r\n]/)
  })
})

describe('a failure as bytes', () => {
  it('is a whole HTTP answer that ends the connection', () => {
    const [head, body] = rawFailure({ code: 'gateway.request_invalid' }, 400).toString().split('\r\n\r\n')
    expect(head?.split('\r\n')[0]).toBe('HTTP/1.1 400 Bad Request')
    expect(head).toContain('Connection: close')
    expect(head).toContain(`Content-Length: ${body?.length}`)
    expect(JSON.parse(body ?? '')).toMatchObject({ error: { data: { code: 'gateway.request_invalid' } } })
  })
})
