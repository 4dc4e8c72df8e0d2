import { describe, expect, it } from 'vitest'
import { until } from '../gateway/support.ts'
import { beginSession, call, eventsIn, messagesIn } from './raw.ts'
import { startScriptedServer } from './scripted-server.ts'
import { serveHosted, times, type HostedSceneOptions } from './scene.ts'

const progress = (value: unknown) => ({
  method: 'notifications/progress',
  params: { progressToken: 'p', progress: value },
})

async function setScene(options: HostedSceneOptions = {}) {
  const server = await startScriptedServer()
  return { server, scene: await serveHosted(server.url, options) }
}

describe('a client that comes back (MCP 2025-11-25, Resumability and Redelivery)', () => {
  it('gets what it missed of the stream that it names, with the answer, and of no other', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'one'))
    const asked = await server.taken('one')
    asked.say(progress(1))
    const stream = await opening
    await stream.find(({ params }) => params?.progress === 1)
    const last = stream.events[0]?.id ?? ''
    stream.leave()
    await server.say({ jsonrpc: '2.0', method: 'notifications/own' })
    asked.say(progress(2))
    asked.answer({ ok: true })
    const resumed = await client.get({ 'last-event-id': last })
    const missed = eventsIn(await resumed.whole)
    expect(missed.map(({ data }) => JSON.parse(data) as unknown)).toEqual([
      { jsonrpc: '2.0', ...progress(2) },
      { jsonrpc: '2.0', id: 1, result: { ok: true } },
    ])
    expect(new Set([last, ...missed.map(({ id }) => id)]).size).toBe(3)
    // The same again: the client may have lost it on the way.
    expect(eventsIn(await (await client.get({ 'last-event-id': last })).whole)).toEqual(missed)
  })

  it('goes on with a request that is not answered yet', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'one'))
    const asked = await server.taken('one')
    asked.say(progress(1))
    const stream = await opening
    await stream.find(({ params }) => params?.progress === 1)
    const resumed = await client.get({ 'last-event-id': stream.events[0]?.id ?? '' })
    await stream.whole
    asked.answer({ ok: true })
    expect(messagesIn(await resumed.whole)).toEqual([{ jsonrpc: '2.0', id: 1, result: { ok: true } }])
  })

  it('is told that an answer is lost which was too much to be kept', async () => {
    const { scene, server } = await setScene()
    const { client } = await beginSession(scene)
    const opening = client.stream(call(1, 'one'))
    const asked = await server.taken('one')
    asked.say(progress(1))
    const stream = await opening
    await stream.find(({ params }) => params?.progress === 1)
    const last = stream.events[0]?.id ?? ''
    stream.leave()
    asked.answer({ text: 'x'.repeat(600_000) })
    const flood = client.stream(call(2, 'two'))
    const second = await server.taken('two')
    second.say(progress('y'.repeat(600_000)))
    second.answer({})
    await (
      await flood
    ).whole
    const messages = messagesIn(await (await client.get({ 'last-event-id': last })).whole)
    expect(messages).toMatchObject([{ id: 1, error: { data: { code: 'gateway.stream_cut' } } }])
  })

  it.each(['99-1', 'nonsense', '0', '-1-1', '1-9999999999999999'])(
    'is 400 for the event %s',
    async (event) => {
      const { scene } = await setScene()
      const { client } = await beginSession(scene)
      expect((await client.get({ 'last-event-id': event })).status).toBe(400)
    },
  )

  it('can come back to a call that has been silent for long', async () => {
    const { scene, server } = await setScene({ hosting: { times: times({ beatMs: 20 }) } })
    const { client } = await beginSession(scene)
    const stream = await client.stream(call(1, 'one'))
    const asked = await server.taken('one')
    await until(() => stream.text.includes(':\n\n'))
    const last = stream.events[0]?.id ?? ''
    stream.leave()
    asked.answer({ ok: true })
    const resumed = await client.get({ 'last-event-id': last })
    expect(messagesIn(await resumed.whole)).toEqual([{ jsonrpc: '2.0', id: 1, result: { ok: true } }])
  })

  it('is shown that it is served also where its version knows no such events', async () => {
    const { scene, server } = await setScene({ hosting: { times: times({ beatMs: 20 }) } })
    const { client } = await beginSession(scene, '2025-06-18')
    const stream = await client.stream(call(1, 'one'))
    await until(() => stream.text.includes(':\n\n'))
    expect(stream.events).toEqual([])
    ;(await server.taken('one')).answer({ ok: true })
    expect(messagesIn(await stream.whole)).toEqual([{ jsonrpc: '2.0', id: 1, result: { ok: true } }])
  })
})
