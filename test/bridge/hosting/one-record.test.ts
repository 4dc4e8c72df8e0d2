import { describe, expect, it } from 'vitest'
import { Gate } from '../../../bridge/access/gate.ts'
import { BridgeError } from '../../../shared/errors.ts'
import type { Verdict } from '../../../shared/access.ts'
import type { ServerEra } from '../../../bridge/translation/era.ts'
import { openGate } from '../access/open-gate.ts'
import { errorOf, open, serveRemote, until, type RemoteAnswer } from '../gateway/support.ts'
import { answering } from './answering.ts'
import { call, headersOf, initialize, messageOf, modernCall, post, rawClient } from './raw.ts'
import { serveHosted } from './scene.ts'

const app = 'App One'
const passedOn = '{"jsonrpc":"2.0","id":1,"result":{"hosted":false}}'
const refusesEra = '{"jsonrpc":"2.0","id":null,"error":{"code":-32000,"message":"no session"}}'

/** A gateway with its gates, the one over HTTP and the one before the host's channels, on one record of calls. */
async function setScene(own: {
  answer?: RemoteAnswer
  era?: ServerEra
  isSignedOut?: boolean
  verdict?: Verdict
}) {
  const access = openGate()
  if (own.verdict) await access.rule(app, '*', own.verdict)
  const remote = await serveRemote(
    own.answer ??
      ((_, response) => response.writeHead(200, { 'content-type': 'application/json' }).end(passedOn)),
  )
  const scene = await serveHosted(remote.url, {
    era: own.era,
    gate: access.gate,
    ...(own.isSignedOut && {
      access: { credentials: () => Promise.reject(new BridgeError('connection.signed_out')) },
    }),
    hosting: {
      openConnection: (connection, client) =>
        new Gate({ client, connection, face: 'http', open: answering }, access),
    },
  })
  /** Leaves in the middle of a call. */
  const leave = async (message: ReturnType<typeof modernCall>, isThere: () => boolean): Promise<void> => {
    const headers = Object.entries({ 'content-type': 'application/json', ...headersOf(message) }).flat()
    const body = JSON.stringify(message)
    const request = open({ port: scene.port, path: scene.path(), headers, body })
    request.on('error', () => undefined)
    await until(isThere)
    request.destroy()
    await until(() => access.activity.noted[0]?.outcome !== undefined)
  }
  return { ...access, client: rawClient(scene), leave }
}

const eraRefused: RemoteAnswer = (_, response) =>
  response.writeHead(400, { 'content-type': 'application/json' }).end(refusesEra)

describe('the record of calls has exactly one line for a call over HTTP', () => {
  it.each([
    ['passed on', {}, { outcome: 'answered', status: 200 }],
    [
      'refused before it is passed on',
      { verdict: 'deny' },
      { outcome: 'refused', code: 'access.tool_denied' },
    ],
    ['hosted', { era: 'sse' }, { outcome: 'answered' }],
    [
      'refused by the host',
      { era: 'sse', verdict: 'deny' },
      { outcome: 'refused', code: 'access.tool_denied' },
    ],
    ['handed over for a sign-in', { isSignedOut: true }, { outcome: 'answered' }],
    ['handed over for its era', { answer: eraRefused }, { outcome: 'answered' }],
  ] as const)('that is %s', async (_, own, outcome) => {
    const { client, activity } = await setScene({ ...own })
    expect((await post(client, modernCall(1, 'write'))).status).toBe(200)
    const facts = { client: app, connection: 'remote', method: 'tools/call', name: 'write', face: 'http' }
    expect(activity.noted).toMatchObject([{ ...facts, ...outcome }])
  })

  it('that is handed over and then refused as a request', async () => {
    const { client, activity } = await setScene({ isSignedOut: true })
    const message = modernCall(1, 'write')
    const answer = await client.post(message, { ...headersOf(message), 'mcp-name': 'another' })
    expect(errorOf(answer).error.data.code).toBe('gateway.headers_differ')
    await until(() => activity.noted[0]?.outcome !== undefined)
    expect(activity.noted).toMatchObject([{ name: 'write', outcome: 'refused' }])
  })

  it('that begins a session after it was handed over, and each call in that session', async () => {
    const { client, activity } = await setScene({ isSignedOut: true })
    const begun = await client.post(initialize())
    const session = { 'mcp-session-id': String(begun.headers['mcp-session-id']) }
    expect(messageOf(await client.post(call(2, 'write'), session)).result.hosted).toBe(true)
    expect(activity.noted).toMatchObject([
      { method: 'initialize', outcome: 'answered' },
      { method: 'tools/call', outcome: 'answered' },
    ])
  })

  it.each([
    ['passed on', { answer: () => undefined }],
    ['hosted', { era: 'sse' }],
    ['handed over', { isSignedOut: true }],
  ] as const)('that is %s and that the client leaves', async (_, own) => {
    const { leave, activity } = await setScene({ ...own })
    await leave(modernCall(1, 'stay'), () => activity.noted.length > 0)
    expect(activity.noted).toMatchObject([{ name: 'stay', outcome: 'cancelled' }])
  })
})

describe('a call that a person has allowed', () => {
  it.each([
    ['a sign-in', { isSignedOut: true }],
    ['its era', { answer: eraRefused }],
  ] as const)('is not asked about again when it is handed over for %s', async (_, own) => {
    const { client, approvals, activity, events } = await setScene({ ...own, verdict: 'ask' })
    const answered = post(client, modernCall(1, 'write'))
    await until(() => approvals.list().length === 1)
    await approvals.answer('1', { verdict: 'allow', lasts: 'once' })
    expect(messageOf(await answered).result).toEqual({ hosted: true })
    expect(events.filter(({ event }) => event === 'approval-asked')).toHaveLength(1)
    expect(activity.noted).toMatchObject([{ name: 'write', outcome: 'answered' }])
  })

  it('is refused by the rules of now, when they have come to deny it meanwhile', async () => {
    const access: { deny?: () => Promise<void> } = {}
    const scene = await setScene({
      verdict: 'ask',
      answer: async (request, response) => {
        await access.deny?.()
        return eraRefused(request, response)
      },
    })
    access.deny = () => scene.rule(app, 'write', 'deny')
    const answered = post(scene.client, modernCall(1, 'write'))
    await until(() => scene.approvals.list().length === 1)
    await scene.approvals.answer('1', { verdict: 'allow', lasts: 'once' })
    expect(errorOf(await answered).error.data.code).toBe('access.tool_denied')
    expect(scene.activity.noted).toMatchObject([{ outcome: 'refused', code: 'access.tool_denied' }])
  })
})
