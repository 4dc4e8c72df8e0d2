import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createGuardedFetch } from '../../../bridge/oauth/guarded-fetch.ts'
import { createTrace, type TraceRecorder } from '../../../bridge/oauth/trace.ts'
import type { Clock } from '../../../bridge/ports.ts'
import { ConnectionId, Trace } from '../../../shared/connection.ts'
import { json, serve } from './loopback.ts'

const clock = (): Clock => {
  let time = 1000
  return { now: () => (time += 1), after: () => () => undefined }
}

const trace = (): TraceRecorder => createTrace(ConnectionId.parse('linear'), clock())

describe('a trace', () => {
  it('holds the steps with what was asked and what came back', () => {
    const recorder = trace()
    recorder.step('Found who signs you in', { note: 'issuer https://auth.example.com' })
    recorder.step('Opened the browser', {
      request: { method: 'GET', url: 'https://auth.example.com/a?state=xyz' },
    })
    recorder.finish('failed', { code: 'oauth.denied', detail: 'why' })
    const written = recorder.toTrace()
    expect(written).toEqual({
      connection: 'linear',
      startedAt: 1001,
      endedAt: 1004,
      outcome: 'failed',
      failure: { code: 'oauth.denied', detail: 'why' },
      steps: [
        { at: 1002, step: 'Found who signs you in', note: 'issuer https://auth.example.com' },
        {
          at: 1003,
          step: 'Opened the browser',
          request: { method: 'GET', url: 'https://auth.example.com/a?state=[redacted]' },
        },
      ],
    })
    expect(Trace.parse(written)).toEqual(written)
  })

  it('is pending until it is finished, once', () => {
    const recorder = trace()
    expect(recorder.toTrace().outcome).toBe('pending')
    recorder.finish('connected')
    recorder.finish('failed', { code: 'oauth.denied' })
    recorder.step('Too late')
    expect(recorder.toTrace()).toMatchObject({ outcome: 'connected', steps: [] })
    expect(recorder.toTrace()).not.toHaveProperty('failure')
  })

  it('writes down what a guarded fetch did, with the challenge and the failure in words', async () => {
    const server = await serve(({ path }, response) => {
      if (path === '/huge') response.end('x'.repeat(100))
      else json(response, { error: 'invalid_token' }, 401, { 'www-authenticate': 'Bearer scope="a"' })
    })
    const recorder = trace()
    const fetch = createGuardedFetch({ server: server.url(), onExchange: recorder.exchange })
    await fetch(server.url('/mcp?api_key=k3y'), { purpose: 'Asked the server' })
    await fetch(server.url('/huge'), { maxBytes: 10 }).catch(() => undefined)
    const [first, second] = recorder.toTrace().steps
    expect(first).toMatchObject({
      step: 'Asked the server',
      request: { method: 'GET', url: `${server.origin}/mcp?[redacted]=[redacted]` },
      response: { status: 401, body: '{"error":"invalid_token"}' },
      note: 'www-authenticate: bearer scope="a"',
    })
    expect(first?.durationMs).toBeGreaterThanOrEqual(0)
    expect(second?.note).toMatch(/larger than such an answer may be/)
    expect(second).not.toHaveProperty('response')
  })

  it('fits the contract when hiding a secret makes the detail of its failure longer', () => {
    const recorder = trace()
    recorder.step('Asked', { response: { status: 200, body: '{"token":"8 letter"}', contentType: 'a/json' } })
    recorder.finish('failed', { code: 'oauth.denied', detail: '8 letter'.repeat(250) })
    expect(Trace.parse(recorder.toTrace()).failure?.detail).toMatch(/^(?:\[redacted\])+$/)
  })

  it('is bounded in steps and in size', () => {
    const many = trace()
    for (let count = 0; count < 500; count += 1) many.step('Did something')
    expect(many.toTrace().steps).toHaveLength(101)
    expect(many.toTrace().steps.at(-1)?.step).toBe('400 more steps were not kept')
    const large = trace()
    const body = JSON.stringify({
      scopes_supported: Array.from({ length: 5000 }, (_, index) => `scope${index}`),
    })
    for (let count = 0; count < 90; count += 1) {
      large.step('x'.repeat(5000), {
        note: 'y'.repeat(5000),
        response: { status: 200, body, contentType: 'application/json' },
      })
    }
    expect(JSON.stringify(large.toTrace()).length).toBeLessThan(220_000)
  })

  it('hides a secret in every place and spelling once it was seen in one, even before that', () => {
    const planted = fc.record({
      code: fc.stringMatching(/^[A-Za-z0-9._~+/=-]{16,60}$/),
      verifier: fc.stringMatching(/^[A-Za-z0-9._~-]{43,60}$/),
      access: fc.stringMatching(/^[A-Za-z0-9._~+/=-]{16,60}$/),
      refresh: fc.stringMatching(/^[\x21-\x7e]{16,60}$/),
      client: fc.stringMatching(/^[\x21-\x7e]{16,60}$/),
    })
    fc.assert(
      fc.property(planted, ({ code, verifier, access, refresh, client }) => {
        const recorder = trace()
        const said = `bad ${code} ${access} ${refresh} ${client}`
        recorder.step(`Heard ${said}`, { note: said })
        const basic = Buffer.from(`id:${new URLSearchParams({ c: client }).toString().slice(2)}`).toString(
          'base64',
        )
        recorder.exchange({
          purpose: undefined,
          method: 'POST',
          url: new URL('https://auth.example.com/token'),
          requestHeaders: {
            'content-type': 'application/x-www-form-urlencoded',
            authorization: `Basic ${basic}`,
          },
          requestBody: new URLSearchParams({ code, code_verifier: verifier }).toString(),
          status: 400,
          responseHeaders: {
            'content-type': 'application/json',
            'www-authenticate': `Basic error="${code}"`,
          },
          responseBody: JSON.stringify({
            access_token: access,
            refresh_token: refresh,
            error: 'x',
            error_description: `${'.'.repeat(284)}${said} ${basic}`,
            error_uri: `https://auth.example.com/?error=${encodeURIComponent(code)}`,
          }),
          failure: undefined,
          durationMs: 1,
        })
        recorder.step('Failed', { note: said })
        recorder.finish('failed', { code: 'oauth.token_refused', detail: said })
        const written = JSON.stringify(recorder.toTrace())
        for (const secret of [code, verifier, access, refresh, client, basic]) {
          for (const spelling of [secret, encodeURIComponent(secret), JSON.stringify(secret).slice(1, -1)]) {
            expect(written).not.toContain(spelling)
          }
        }
        // Nor the beginning of one, where a long text was cut.
        expect(written).not.toContain(code.slice(0, 12))
      }),
    )
  })

  it('hides a secret whole that begins like another', () => {
    const recorder = trace()
    for (const token of ['shared-prefix', 'shared-prefix-and-the-rest']) {
      recorder.step('Asked', { request: { method: 'GET', url: `https://auth.example.com/?token=${token}` } })
    }
    recorder.step('Failed', { note: 'shared-prefix-and-the-rest is bad' })
    expect(recorder.toTrace().steps.at(-1)?.note).toBe('[redacted] is bad')
  })
})
