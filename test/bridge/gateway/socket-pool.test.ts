import { once } from 'node:events'
import { Agent, request, type ClientRequest, type IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createSocketPool } from '../../../bridge/gateway/socket-pool.ts'
import { serveRemote, until } from './support.ts'

/** A pool over an agent that may open only so many sockets, and keep only so many. */
function pool(options: { maxSockets?: number; maxFreeSockets?: number } = {}) {
  const agent = new Agent({ keepAlive: true, ...options })
  const { closeIdle } = createSocketPool(agent, () => 1)
  onTestFinished(() => void closeIdle(() => true))
  const start = (url: URL, headers: string[] = []): ClientRequest =>
    request(url, { agent, headers: ['Host', url.host, ...headers] }).end()
  const finish = async (sent: ClientRequest): Promise<{ sent: ClientRequest; socket: Socket }> => {
    const [answer] = (await once(sent, 'response')) as [IncomingMessage]
    const { socket } = answer
    answer.resume()
    await once(answer, 'close')
    return { sent, socket }
  }
  return { closeIdle, start, finish, get: (url: URL) => finish(start(url)) }
}

describe('sockets that wait for their next request', () => {
  it('serve those that had to wait for one, one after the other', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => response.end())
    const { start, finish, closeIdle } = pool({ maxSockets: 1 })
    const used = await Promise.all([1, 2, 3].map(() => finish(start(url))))
    expect(new Set(used.map(({ socket }) => socket)).size).toBe(1)
    expect(open.size).toBe(1)
    expect(closeIdle(() => false)).toBe(1)
  })

  it('are no more than may be kept', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => response.end())
    const { start, finish, closeIdle } = pool({ maxFreeSockets: 2 })
    await Promise.all([1, 2, 3, 4].map(() => finish(start(url))))
    await until(() => open.size === 2)
    expect(closeIdle(() => false)).toBe(2)
  })

  it('do not gather listeners from one request to the next', async () => {
    const { url } = await serveRemote((_, response) => response.end())
    const { get } = pool()
    const { socket } = await get(url)
    const count = (): number =>
      socket.eventNames().reduce((sum, name) => sum + socket.listenerCount(name as string), 0)
    const before = count()
    for (let n = 0; n < 20; n++) expect((await get(url)).socket).toBe(socket)
    expect(count()).toBe(before)
  })

  it('are not used again after an answer that says so', async () => {
    const { url } = await serveRemote((_, response) => response.setHeader('Connection', 'close').end())
    const { get, closeIdle } = pool()
    await get(url)
    expect((await get(url)).sent.reusedSocket).toBe(false)
    expect(closeIdle(() => false)).toBe(0)
  })

  it('are not used again when the server has ended them meanwhile', async () => {
    const { url, sockets: open } = await serveRemote((_, response) => response.end())
    const { get, closeIdle } = pool()
    const { socket } = await get(url)
    for (const one of open) one.destroy()
    await once(socket, 'close')
    expect((await get(url)).sent.reusedSocket).toBe(false)
    expect(closeIdle(() => false)).toBe(1)
  })

  it('were left by requests that got their answer: one that was given up takes its socket with it', async () => {
    const { url, sockets: open } = await serveRemote(() => undefined)
    const { start, closeIdle } = pool()
    const sent = start(url).on('error', () => undefined)
    await until(() => open.size === 1)
    sent.destroy()
    await until(() => open.size === 0)
    expect(closeIdle(() => false)).toBe(0)
  })
})
