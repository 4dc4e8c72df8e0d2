import { describe, expect, it } from 'vitest'
import { recordOf } from '../../../bridge/connections/addition.ts'
import type { AddConnection } from '../../../shared/control.ts'
import type { ErrorCode } from '../../../shared/errors.ts'

const url = 'https://mcp.linear.app/mcp'
const add = (wish: Partial<AddConnection>, taken: string[] = []) =>
  recordOf({ url, ...wish }, (id) => taken.includes(id), 7)

describe('adding a connection', () => {
  it.each<[string, Partial<AddConnection>, ErrorCode]>([
    ['no URL', { url: 'linear' }, 'url.invalid'],
    ['another scheme', { url: 'ftp://mcp.example.com/' }, 'url.not_http'],
    ['a script', { url: 'javascript:alert(1)' }, 'url.not_http'],
    ['plain http to another machine', { url: 'http://mcp.example.com/mcp' }, 'url.plain_http'],
    ['credentials in the URL', { url: 'https://me:secret@mcp.example.com/mcp' }, 'url.credentials'],
    ['an id with a slash', { id: 'a/b' }, 'connection.id_invalid'],
    ['an empty id', { id: '' }, 'connection.id_invalid'],
    ['an id in capitals', { id: 'Linear' }, 'connection.id_invalid'],
    ['a bearer and a client id', { bearer: 'abc', clientId: 'x' }, 'connection.options_conflict'],
    ['a secret without a client', { clientSecret: 'x' }, 'connection.options_conflict'],
    ['a bearer with a space in it', { bearer: 'abc def' }, 'connection.bearer_invalid'],
    ['an empty bearer', { bearer: ' ' }, 'connection.bearer_invalid'],
    [
      'a header that ends the line',
      { headers: [{ name: 'x-key', value: 'a\r\nb: c' }] },
      'connection.header_invalid',
    ],
    ['a header that is no name', { headers: [{ name: 'x key', value: 'a' }] }, 'connection.header_invalid'],
    ['a header of the transport', { headers: [{ name: 'Host', value: 'a' }] }, 'connection.header_invalid'],
    [
      'a metadata document over http',
      { metadataUrl: 'http://a.example/c' },
      'registration.metadata_url_invalid',
    ],
    [
      'a metadata document without a path',
      { metadataUrl: 'https://a.example' },
      'registration.metadata_url_invalid',
    ],
  ])('refuses %s', (_, wish, code) => {
    expect(() => add(wish)).toThrow(expect.objectContaining({ code }))
  })

  it('refuses an id that is taken and finds a free one where none was given', () => {
    expect(() => add({ id: 'linear' }, ['linear'])).toThrow(
      expect.objectContaining({ code: 'connection.exists' }),
    )
    expect(add({}, ['linear', 'linear-2']).id).toBe('linear-3')
  })

  it.each(['tok_1', ' tok_1\r\n', '"tok_1"', "'tok_1'", 'Bearer tok_1', '"Bearer tok_1"', 'bearer  tok_1 '])(
    'takes the bearer out of what people paste: %j',
    (bearer) => {
      expect(add({ bearer }).auth).toEqual({ kind: 'bearer', token: 'tok_1' })
    },
  )

  it('keeps headers by their lower-case names', () => {
    expect(add({ headers: [{ name: 'X-API-Key', value: ' k1 ' }] }).auth).toEqual({
      kind: 'headers',
      headers: [['x-api-key', 'k1']],
    })
  })
})
