import { once } from 'node:events'
import { stat } from 'node:fs/promises'
import { request } from 'node:http'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, expect, it, onTestFinished } from 'vitest'
import { connectControl } from '../../../bridge/control/client.ts'
import { listenAlone } from '../../../bridge/control/one-bridge.ts'
import { serveControl } from '../../../bridge/control/server.ts'
import { ensureHome } from '../../../bridge/paths.ts'
import { BridgeError } from '../../../shared/errors.ts'
import { connection, handlersWith, recordedLog, status } from './handlers.ts'
import { newHome, startControl } from './start-control.ts'

const failureOf = async (work: Promise<unknown>) => {
  const thrown: unknown = await work.then(
    () => undefined,
    (error: unknown) => error,
  )
  expect(thrown).toBeInstanceOf(BridgeError)
  return (thrown as BridgeError).toFailure()
}

/** A bridge whose event stream has one event and then waits; `running` counts the streams that are open. */
async function startCounted() {
  let running = 0
  const { client } = await startControl({
    events: async function* (_input, signal) {
      running += 1
      try {
        yield { event: 'connection-removed', id: connection.id }
        await once(signal, 'abort')
      } finally {
        running -= 1
      }
    },
  })
  return { client, running: () => running }
}

describe('the control API', () => {
  it('brings an answer of the bridge to a face', async () => {
    const { client } = await startControl()
    expect(await client.bridge.status({})).toEqual(status)
    expect(await client.connections.list({})).toEqual([connection])
    expect(await client.connections.trace({ id: connection.id })).toBeNull()
  })

  it('hands validated input to the implementation', async () => {
    const seen: unknown[] = []
    const { client } = await startControl({
      connections: {
        call: async (input) => {
          seen.push(input)
          return { content: [{ type: 'text', text: 'done' }] }
        },
      },
    })
    const input = { id: connection.id, tool: 'search', arguments: { deep: [1, { a: null }] } }
    expect(await client.connections.call(input)).toEqual({ content: [{ type: 'text', text: 'done' }] })
    expect(seen).toEqual([input])
  })

  it('listens for its own user alone', async () => {
    const { paths } = await startControl()
    expect((await stat(paths.socket)).mode & 0o777).toBe(0o600)
    expect((await stat(dirname(paths.socket))).mode & 0o777).toBe(0o700)
  })

  it('answers what came before the bridge was ready', async () => {
    const { paths } = await newHome()
    ensureHome(paths)
    const found = await listenAlone(paths)
    if (!('alone' in found)) throw new Error('another bridge in a new home')
    onTestFinished(() => found.alone.close())
    const early = connectControl(paths.socket).bridge.status({})
    serveControl({ socket: found.alone, handlers: handlersWith({}), log: recordedLog().log })
    expect(await early).toEqual(status)
  })

  it('says so when nobody listens', async () => {
    const { paths } = await newHome()
    const nobody = connectControl(paths.socket)
    expect(await failureOf(nobody.bridge.status({}))).toEqual({ code: 'bridge.unreachable' })
  })

  it('refuses a procedure that it does not have', async () => {
    const { paths } = await startControl()
    const sent = request({ socketPath: paths.socket, path: '/bridge/tokens', method: 'POST', agent: false })
    sent.end('{"json":{}}')
    const [answer] = await once(sent, 'response')
    expect(answer.statusCode).toBe(404)
    expect(JSON.parse(await text(answer))).toMatchObject({ json: { code: 'NOT_FOUND' } })
  })
})

describe('failures of the control API', () => {
  it('cross with their code and detail', async () => {
    const { client } = await startControl({
      connections: {
        get: async () => {
          throw new BridgeError('oauth.denied', 'by the user')
        },
      },
    })
    expect(await failureOf(client.connections.get({ id: connection.id }))).toEqual({
      code: 'oauth.denied',
      detail: 'by the user',
    })
  })

  it('that nobody foresaw cross without their text, and are logged without it', async () => {
    const { client, lines } = await startControl({
      connections: {
        get: async () => {
          throw new TypeError('cannot read sk-planted-secret')
        },
      },
    })
    expect(await failureOf(client.connections.get({ id: connection.id }))).toEqual({
      code: 'bridge.internal',
    })
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('connections.get')
    expect(lines[0]).toContain('TypeError')
    expect(lines[0]).not.toContain('planted')
  })

  it('of a request that does not fit the contract name the field and never its value', async () => {
    const { client, lines } = await startControl()
    const badId = 'sk-planted_Secret' as typeof connection.id
    const failure = await failureOf(client.connections.get({ id: badId }))
    expect(failure).toEqual({ code: 'bridge.request_invalid', detail: 'id' })
    const extra = { url: 'https://a.example', bearerToken: 'sk-planted' }
    expect(await failureOf(client.connections.add(extra))).toEqual({
      code: 'bridge.request_invalid',
      detail: 'unknown bearerToken',
    })
    expect(lines.join()).not.toContain('planted')
  })

  it('keep an answer inside that has more than the contract says', async () => {
    const { client, lines } = await startControl({
      connections: { list: async () => [{ ...connection, accessToken: 'at-planted' }] },
    })
    const failure = await failureOf(client.connections.list({}))
    expect(failure.code).toBe('bridge.internal')
    expect(JSON.stringify(failure) + lines.join()).not.toContain('planted')
    expect(lines.join()).toContain('accessToken')
  })
})

describe('event streams of the control API', () => {
  it('arrive one by one and end', async () => {
    const { client } = await startControl({
      connections: {
        signIn: async function* () {
          yield { event: 'authorize', url: 'https://as.example/authorize', opened: false }
          yield { event: 'connected', connection }
        },
      },
    })
    const seen: string[] = []
    for await (const event of await client.connections.signIn({ id: connection.id, openBrowser: false })) {
      seen.push(event.event)
    }
    expect(seen).toEqual(['authorize', 'connected'])
  })

  it('fail with the code of the bridge', async () => {
    const { client } = await startControl({
      events: async function* () {
        yield { event: 'connection-removed', id: connection.id }
        throw new BridgeError('bridge.busy', 'ending')
      },
    })
    const events = await client.events({})
    expect(await events.next()).toMatchObject({ done: false })
    expect(await failureOf(events.next())).toEqual({ code: 'bridge.busy', detail: 'ending' })
  })

  it('stop at the bridge when the face leaves', async () => {
    const { client, running } = await startCounted()
    const events = await client.events({})
    await events.next()
    expect(running()).toBe(1)
    await events.return(undefined)
    await expect.poll(running).toBe(0)
  })

  it('stop at the bridge when the face aborts', async () => {
    const { client, running } = await startCounted()
    const giveUp = new AbortController()
    const events = await client.events({}, { signal: giveUp.signal })
    await events.next()
    expect(running()).toBe(1)
    const pending = events.next()
    giveUp.abort()
    await expect(pending).rejects.toMatchObject({ name: 'AbortError' })
    await expect.poll(running).toBe(0)
  })

  it('end when the bridge ends', async () => {
    const { client, socket } = await startControl({
      events: async function* (_input, signal) {
        yield { event: 'connection-removed', id: connection.id }
        await once(signal, 'abort')
      },
    })
    const events = await client.events({})
    await events.next()
    const ended = events.next()
    await socket.close()
    expect(await ended).toMatchObject({ done: true })
    expect(await failureOf(client.bridge.status({}))).toEqual({ code: 'bridge.unreachable' })
  })

  it('keep an event inside that has more than the contract says', async () => {
    const { client } = await startControl({
      events: async function* () {
        yield { event: 'connection-removed', id: connection.id }
        yield { event: 'connection-removed', id: connection.id, token: 'at-planted' } as never
      },
    })
    const events = await client.events({})
    await events.next()
    const failure = await failureOf(events.next())
    expect(failure.code).toBe('bridge.internal')
    expect(JSON.stringify(failure)).not.toContain('planted')
  })
})
