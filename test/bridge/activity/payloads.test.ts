import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { redactPayload } from '../../../bridge/activity/payload.ts'
import type { ConnectionId } from '../../../shared/connection.ts'
import { findPlanted } from '../../support/planted.ts'
import { callsOf, setScene, someFacts } from './scene.ts'

const linear = 'linear' as ConnectionId

/** Secrets that a name must give away, since nothing in their look does. */
const plain = (): string =>
  `planted-${randomBytes(9).toString('base64url').replaceAll(/\d/g, 'x')}-plain words`
const jwt = (): string =>
  ['{"alg":"RS256"}', `{"sub":"${randomBytes(6).toString('hex')}"}`, randomBytes(40)]
    .map((part) => Buffer.from(part).toString('base64url'))
    .join('.')

/** Secrets by label, each at a place in arguments or results where one may be. */
function plant() {
  const secrets: Record<string, string> = {}
  const note = (label: string, secret: string): string => (secrets[label] = secret)
  const named = Object.fromEntries(
    'token accessToken access_token refresh-token password passwd db_password pwd authorization Authorization cookie Set-Cookie api_key apiKey X-Api-Key client_secret private_key sessionId credentials passphrase auth otp'
      .split(' ')
      .map((name) => [name, note(`under ${name}`, plain())]),
  )
  const deep = { a: [{ b: { c: [{ password: note('deep', plain()) }] } }] }
  const hidden = {
    token: { value: note('in an object under a secret name', plain()) },
    secrets: [note('in a list', plain()), [note('in a list of lists', plain())]],
    headers: [
      { name: 'Authorization', value: note('in a pair', plain()) },
      { key: 'API_KEY', value: note('in another pair', plain()) },
    ],
    [note('as a name', jwt())]: true,
    pin: note('that looks like nothing', plain()),
  }
  const prose = [
    `sent with Bearer ${note('bearer', plain().replaceAll(' ', '_'))} as usual`,
    `Authorization: Basic ${note('basic', randomBytes(18).toString('base64'))}`,
    `the token is ${note('JWT', jwt())}.`,
    `(${note('JWT in brackets', jwt())})`,
    `password: ${note('in a line', plain())}\nuser: ann`,
    `export GITHUB_TOKEN=${note('variable', plain())}`,
    `export KEY=${note('key of GitHub', `ghp_${randomBytes(18).toString('hex')}1`)}`,
    `${note('key of Slack', `xoxb-${randomBytes(12).toString('hex')}1a`)} and ${note('hexadecimal', `1a${randomBytes(20).toString('hex')}`)}`,
    `https://ann:${note('in a URL', plain().replaceAll(' ', '-'))}@a.example/x`,
    `see https://a.example/cb?code=${note('in a query', plain().replaceAll(' ', '-'))}&x=1`,
    `-----BEGIN PRIVATE KEY-----\n${note('PEM', randomBytes(40).toString('base64'))}\n-----END PRIVATE KEY-----`,
  ]
  const asJson = JSON.stringify({ result: JSON.stringify({ apiKey: note('JSON in JSON in text', plain()) }) })
  const half = `${'word '.repeat(3199)}${note('where a long text is cut', `a1${randomBytes(30).toString('hex')}`)}`
  return { secrets, values: { named, deep, hidden, prose, asJson, half } }
}

describe('arguments and results', () => {
  it('are not kept, unless that is switched on for the connection', async () => {
    const { activity, call, lines } = await setScene()
    const secret = 'planted-in-arguments'
    await activity.setPayloads('notion' as ConnectionId, true)
    const one = activity.begin(someFacts)
    one.payload('request', Buffer.from(JSON.stringify({ params: { arguments: { query: secret } } })))
    one.end({ outcome: 'answered', bytes: 1 })
    call()
    await activity.close()
    expect((await lines()).join()).not.toContain(secret)
    expect(Object.keys(callsOf(await lines())[0] ?? {})).not.toContain('request')
  })

  it('hold none of the planted secrets where they are', async () => {
    const { activity, home, lines } = await setScene()
    const { secrets, values } = plant()
    await activity.setPayloads(linear, true)
    const followed = activity.follow({}, AbortSignal.timeout(20_000))[Symbol.asyncIterator]()
    // One message for each, so that none is missing only because the text before it was too long.
    const parts: unknown[] = [
      values.deep,
      values.hidden,
      ...Object.entries(values.named).map((entry) => Object.fromEntries([entry])),
      ...values.prose,
      values.asJson,
      values.half,
    ]
    for (const part of parts) {
      const call = activity.begin(someFacts)
      expect(call.wantsPayload).toBe(true)
      const request = {
        jsonrpc: '2.0',
        id: 1,
        method: 'tools/call',
        params: { name: 'x', arguments: { part } },
      }
      const text = typeof part === 'string' ? part : JSON.stringify(part)
      const answer = {
        jsonrpc: '2.0',
        id: 1,
        result: { content: [{ type: 'text', text }], structuredContent: part },
      }
      call.payload('request', Buffer.from(JSON.stringify(request)))
      call.payload('answer', Buffer.from(`event: message\ndata: ${JSON.stringify(answer)}\n\n`))
      call.end({ outcome: 'answered', bytes: 1 })
    }
    const { records } = await activity.list({ limit: 1000 })
    expect(callsOf(records)).toHaveLength(parts.length)
    for (const { request, answer } of callsOf(records)) {
      expect(request).toContain('"arguments":{"part":')
      expect(answer).toContain('"result":{"content":')
    }
    const shown = JSON.stringify([records, (await followed.next()).value])
    expect(await findPlanted({ secrets, folders: [home], outputs: { shown } })).toEqual([])
    // What is no secret is there to be read.
    expect((await lines()).join()).toContain('sent with Bearer [redacted] as usual')
  })

  it.each([
    [{ query: 'open issues', limit: 5, isOpen: true, tags: ['a', null] }],
    [{ path: 'src/index.ts', url: 'https://a.example/issues/5' }],
    [{ jsonrpc: '2.0', id: 7, error: { code: -32602, message: 'no such issue' } }],
  ])('that hold no secret are kept as they are: %j', (message) => {
    expect(JSON.parse(redactPayload(Buffer.from(JSON.stringify(message))))).toEqual(message)
  })

  it('are bounded, in each message and in all of a call', async () => {
    const { activity, lines } = await setScene()
    await activity.setPayloads(linear, true)
    const call = activity.begin(someFacts)
    const words = Buffer.from(
      JSON.stringify({ text: 'many words '.repeat(2000), list: Array.from({ length: 9999 }, String) }),
    )
    for (let count = 0; count < 50; count++) call.payload('answer', words)
    call.payload('request', Buffer.alloc(64 * 1024 * 1024, 'x'))
    call.end({ outcome: 'answered', bytes: 1 })
    await activity.close()
    const [kept] = callsOf(await lines())
    expect(kept?.answer?.length).toBeLessThan(10_000)
    expect(kept?.request).toBe('[67108864 bytes, too large to be kept]')
  })

  it('show no beginning of a word that was cut, since it may be too short to be known as a key', () => {
    const text = `${'a1'.repeat(7990)} ${'Zq9'.repeat(20)}`
    expect(JSON.parse(redactPayload(Buffer.from(JSON.stringify({ text }))))).toEqual({ text: '[redacted]…' })
  })

  it('of a shape that nobody knows are told by their size alone', () => {
    for (const text of ['secret words', '{"token": "half', 'data: half of a {"token": "x', '']) {
      expect(redactPayload(Buffer.from(text))).toBe(`[${text.length} bytes that are not JSON]`)
    }
  })

  it('take no long time, whatever text it is', () => {
    for (const hostile of [
      'token',
      'a-',
      'x://',
      'eyJaaaaaaa.',
      'bearer ',
      '[',
      '{"a":',
      '-----BEGIN ',
      '\\"',
      'data:',
      '?a=',
      'password is',
    ]) {
      const text = hostile.repeat(200_000 / hostile.length)
      expect(
        redactPayload(Buffer.from(JSON.stringify({ text, list: [text.slice(0, 20_000)] }))).length,
      ).toBeLessThan(5000)
    }
  })
})

describe('the switch for arguments and results', () => {
  it('stays over a restart, and ends with the connection', async () => {
    const scene = await setScene()
    await scene.activity.setPayloads(linear, true)
    await scene.activity.setPayloads('notion' as ConnectionId, true)
    await scene.activity.setPayloads('notion' as ConnectionId, false)
    const later = await scene.again()
    expect(later.activity.payloads()).toEqual([linear])
    expect(later.activity.begin(someFacts).wantsPayload).toBe(true)
    await later.activity.forget(linear)
    expect(later.activity.begin(someFacts).wantsPayload).toBe(false)
    expect((await later.again()).activity.payloads()).toEqual([])
  })

  it('is off when it was switched off while it was being switched on', async () => {
    const { activity } = await setScene()
    await Promise.all([activity.setPayloads(linear, true), activity.setPayloads(linear, false)])
    expect(activity.payloads()).toEqual([])
    await Promise.all([
      activity.setPayloads(linear, true),
      activity.setPayloads(linear, false),
      activity.setPayloads(linear, true),
    ])
    expect(activity.payloads()).toEqual([linear])
  })
})
