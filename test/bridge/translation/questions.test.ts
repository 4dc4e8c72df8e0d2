import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { overChannel, type ChannelTransport } from '../../support/channel-transport.ts'
import { answerAsUsual, startSseServer, type Message, type SseServer } from '../../support/sse-server.ts'
import { modern } from '../../support/stdio-client.ts'
import { capabilitiesKey } from '../../../bridge/translation/vocabulary.ts'
import { channelsTo } from './scene.ts'

const patience = { timeout: 20_000 }

interface Scene {
  readonly server: SseServer
  readonly transport: ChannelTransport
  readonly call: (id: number, params?: object) => void
  readonly answers: () => Message[]
  /** What the client's side has answered to the server. */
  readonly replies: () => Message[]
}

/** A modern client of a server of 2024-11-05 that says these messages when a tool is called. */
async function setScene(
  onCall: (call: Message) => object[],
  capabilities: object = { elicitation: {} },
): Promise<Scene> {
  const server = await startSseServer({
    react(message, stream) {
      if (message.method !== 'tools/call') return answerAsUsual(message, stream)
      for (const one of onCall(message)) stream.say({ jsonrpc: '2.0', ...one })
    },
  })
  onTestFinished(() => server.close())
  const transport = overChannel(channelsTo(server.url))
  onTestFinished(() => transport.close())
  return {
    server,
    transport,
    call: (id, params = {}) => {
      const own = { name: 'a', _meta: { [capabilitiesKey]: capabilities }, ...params }
      const message = { jsonrpc: '2.0', id, method: 'tools/call', params: modern(own) }
      void transport.send(message as never)
    },
    answers: () => transport.said.map((line) => JSON.parse(line) as Message),
    replies: () =>
      server.streams.flatMap(({ received }) => received.filter(({ method }) => method === undefined)),
  }
}

const elicitation = { method: 'elicitation/create', params: { message: 'Who?' } }
const answerTo = ({ id }: Message): object => ({ id, result: { content: [{ type: 'text', text: 'done' }] } })

describe('what an older server asks a modern client', () => {
  it('is answered here where it is a ping, and refused where no client could be asked', async () => {
    const { call, replies, answers } = await setScene((message) => [
      { id: 'alive', method: 'ping' },
      { id: 'odd', method: 'acme/unknown' },
      answerTo(message),
    ])
    call(1)
    await vi.waitFor(() => expect(replies()).toHaveLength(2), patience)
    const byId = new Map(replies().map((reply) => [reply.id, reply]))
    expect(byId.get('alive')).toMatchObject({ result: {} })
    expect(byId.get('odd')).toMatchObject({
      error: { code: -32_601, data: { code: 'translation.unmapped' } },
    })
    await vi.waitFor(
      () => expect(answers()).toMatchObject([{ id: 1, result: { resultType: 'complete' } }]),
      patience,
    )
  })

  it('is refused where the client does not say that it can be asked', async () => {
    const { call, replies, answers } = await setScene(
      (message) => [{ id: 'rash', ...elicitation }, answerTo(message)],
      { sampling: {} },
    )
    call(1)
    await vi.waitFor(() => expect(replies()).toHaveLength(1), patience)
    expect(replies()[0]).toMatchObject({ id: 'rash', error: { code: -32_601 } })
    await vi.waitFor(
      () => expect(answers()).toMatchObject([{ id: 1, result: { resultType: 'complete' } }]),
      patience,
    )
  })

  it('is what the client lacks where a person has to be sent somewhere first', async () => {
    const elicitations = [{ mode: 'url', elicitationId: '1', url: 'https://example.com', message: 'Go' }]
    const error = { code: -32_042, message: 'first', data: { elicitations } }
    const { call, answers } = await setScene(({ id }) => [{ id, error }], { sampling: {} })
    call(1)
    await vi.waitFor(() => expect(answers()).toHaveLength(1), patience)
    expect(answers()[0]).toMatchObject({
      id: 1,
      error: { code: -32_021, data: { requiredCapabilities: { elicitation: {} } } },
    })
  })

  it('is not asked any more when the server has taken it back', async () => {
    const { call, answers, replies } = await setScene((message) => [
      { id: 'early', ...elicitation },
      { method: 'notifications/cancelled', params: { requestId: 'early' } },
      answerTo(message),
    ])
    call(1)
    await vi.waitFor(() => expect(answers()).toHaveLength(1), patience)
    expect(answers()[0]).toMatchObject({ id: 1, result: { resultType: 'complete' } })
    expect(replies()).toEqual([])
  })

  it('is refused from the 65th at once on', async () => {
    const { call, answers, replies } = await setScene(() =>
      Array.from({ length: 70 }, (_, n) => ({ id: `q${n}`, ...elicitation })),
    )
    call(1)
    await vi.waitFor(() => expect(replies()).toHaveLength(6), patience)
    expect(replies().map(({ id }) => id)).toContain('q64')
    expect(replies()[0]).toMatchObject({ error: { data: { code: 'gateway.too_many_calls' } } })
    await vi.waitFor(() => expect(answers()).toHaveLength(1), patience)
    expect(Object.keys(answers()[0]?.result.inputRequests as object)).toHaveLength(64)
  })

  it('ends with an error when it never ends', async () => {
    const { call, answers, server } = await setScene(() => [{ id: 'q', ...elicitation }])
    call(0)
    for (let round = 1; round <= 32; round++) {
      await vi.waitFor(() => expect(answers()).toHaveLength(round), patience)
      const { requestState, inputRequests } = (answers().at(-1) as Message).result as {
        requestState: string
        inputRequests: object
      }
      const [key = ''] = Object.keys(inputRequests)
      call(round, { requestState, inputResponses: { [key]: { action: 'decline' } } })
      await vi.waitFor(() => {
        const stream = server.streams.at(-1)
        expect(stream?.received.filter(({ id, method }) => id === 'q' && !method)).toHaveLength(round)
      }, patience)
      server.streams.at(-1)?.say({ jsonrpc: '2.0', id: 'q', ...elicitation })
    }
    await vi.waitFor(() => expect(answers()).toHaveLength(33), patience)
    expect(answers().at(-1)).toMatchObject({ id: 32, error: { data: { code: 'server.failed' } } })
    await vi.waitFor(() => expect(server.said.at(-1)).toContain('notifications/cancelled'), patience)
  })
})
