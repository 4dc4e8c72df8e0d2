import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTokenAnswer } from '../../../bridge/oauth/token-answer.ts'

const given = { access_token: 'at', token_type: 'Bearer' }

async function read(
  body: unknown,
  init: ResponseInit = { headers: { 'content-type': 'application/json' } },
): Promise<{ status: number; type: string | null; body: unknown; idToken: string | undefined }> {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  const { response, idToken } = await readTokenAnswer(new Response(text, init))
  const answer = await response.text()
  const type = response.headers.get('content-type')
  return {
    status: response.status,
    type,
    body: type === 'application/json' ? JSON.parse(answer) : answer,
    idToken,
  }
}

describe('a token answer made readable (RFC 6749 §5.1)', () => {
  it('keeps both tokens as they are, whatever stands beside them', async () => {
    const beside = fc.dictionary(
      fc.string().filter((name) => !['access_token', 'refresh_token', '__proto__'].includes(name)),
      fc.jsonValue(),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.string({ minLength: 1 }),
        fc.string({ minLength: 1 }),
        beside,
        async (at, rt, more) => {
          const answer = await read({ ...more, access_token: at, refresh_token: rt })
          expect(answer.status).toBe(200)
          expect(answer.body).toMatchObject({ access_token: at, refresh_token: rt })
        },
      ),
    )
  })

  it.each([
    ['a missing token_type', { access_token: 'at' }, given],
    ['expires_in as text', { ...given, expires_in: '3600' }, { ...given, expires_in: 3600 }],
    ['expires_in as null', { ...given, expires_in: null }, given],
    ['expires_in that is over', { ...given, expires_in: 0 }, given],
    ['expires_in that is no number', { ...given, expires_in: 'never' }, given],
    ['an empty refresh token', { ...given, refresh_token: '' }, given],
    ['a refresh token that is null', { ...given, refresh_token: null }, given],
    ['scopes as an array', { ...given, scope: ['a', 'b'] }, { ...given, scope: 'a b' }],
    ['scopes that are null', { ...given, scope: null }, given],
  ])('mends %s', async (_, body, mended) => {
    expect((await read(body)).body).toEqual(mended)
  })

  it.each([1e306, 1e12])('drops an expires_in of %d seconds, whose end no date can hold', async (seconds) => {
    expect((await read({ ...given, expires_in: seconds })).body).toEqual(given)
  })

  it('drops an expires_in without end, which JSON could not hold again', async () => {
    expect((await read('{"access_token":"at","token_type":"Bearer","expires_in":1e999}')).body).toEqual(given)
  })

  it.each(['text/plain', 'text/html', 'application/jwt', ''])('reads JSON under %o', async (type) => {
    expect(await read(given, { headers: { 'content-type': type } })).toMatchObject({
      type: 'application/json',
      body: given,
    })
  })

  it('takes a token under any status of success', async () => {
    for (const status of [200, 201, 202, 203]) {
      expect(await read(given, { status })).toMatchObject({ status: 200, body: given })
    }
  })

  it('takes the ID token out, whatever it is', async () => {
    expect(await read({ ...given, id_token: 'h.p.s' })).toMatchObject({ body: given, idToken: 'h.p.s' })
    expect(await read({ ...given, id_token: { not: 'one' } })).toMatchObject({
      body: given,
      idToken: undefined,
    })
  })
})

describe('a token answer without a token', () => {
  it('that is an error under success is an error', async () => {
    const refused = { error: 'invalid_grant', error_description: 'gone' }
    expect(await read(refused)).toMatchObject({ status: 400, body: refused })
    expect(await read({ ...refused, access_token: '' })).toMatchObject({ status: 400 })
  })

  it('keeps the status of a failure, even beside a token', async () => {
    expect((await read(given, { status: 500 })).status).toBe(500)
    expect((await read({ error: 'x' }, { status: 503 })).status).toBe(503)
  })

  it('is heard by its error and not by its challenge', async () => {
    const headers = { 'www-authenticate': 'Bearer error="invalid_token"' }
    const refused = new Response('{"error":"invalid_grant"}', { status: 401, headers })
    expect((await readTokenAnswer(refused)).response.headers.has('www-authenticate')).toBe(false)
    const page = new Response('<h1>401</h1>', { status: 401, headers })
    expect((await readTokenAnswer(page)).response.headers.has('www-authenticate')).toBe(true)
  })

  it.each([
    ['HTML', '<!doctype html>', 200],
    ['an array', '["access_token"]', 200],
    ['null', 'null', 200],
    ['half of an object', '{"access_token":"at', 200],
  ])('is passed on as it is: %s', async (_, body, status) => {
    const headers = { 'content-type': 'text/html' }
    const { response } = await readTokenAnswer(new Response(body, { status, headers }))
    expect([response.status, await response.text()]).toEqual([status, body])
  })

  it.each([204, 205, 304])('may have no body at all (status %i)', async (status) => {
    const { response } = await readTokenAnswer(new Response(null, { status }))
    expect([response.status, await response.text()]).toEqual([status, ''])
  })
})
