import { describe, expect, it } from 'vitest'
import { startStrictAuthorizationServer } from '../../support/strict-authorization-server.ts'
import { afterwards, createWorkshop, serve, setAllScene, type Era } from './scene.ts'

const eras: readonly Era[] = ['legacy', 'modern']
const { signal } = new AbortController()

describe.each(eras)('what changes while a client uses all connections (%s era)', (era) => {
  it('a sign-in brings the tools of its connection, which is announced', async () => {
    const authorization = await startStrictAuthorizationServer()
    afterwards(() => authorization.close())
    const { issuer, verify } = authorization
    const guarded = await serve({ auth: { authorizationServers: [issuer], verify } })
    const { bridge, spawn } = await setAllScene({ guarded: guarded.url }, era)
    const client = spawn()
    expect(await client.keys('tools/list')).toEqual([])
    expect(await client.result('tools/call', { name: 'guarded__whoami', arguments: {} })).toMatchObject({
      isError: true,
      _meta: { 'bridgekeeper/failure': { code: 'connection.signed_out' } },
    })
    if (era === 'modern') client.listen()
    await bridge.signIn('guarded')
    await client.notified('notifications/tools/list_changed')
    expect(await client.keys('tools/list')).toContain('guarded__whoami')
  })

  it('a connection that is removed ends the calls of its own, and those alone', async () => {
    const oak = await serve()
    const elm = await serve()
    const { bridge, spawn } = await setAllScene({ oak: oak.url, elm: elm.url }, era)
    const client = spawn()
    const ended = client.result('tools/call', { name: 'oak__wait', arguments: {} })
    const other = client.result('tools/call', { name: 'elm__slow', arguments: { ms: 300 } })
    await expect.poll(() => oak.record.calls.length + elm.record.calls.length).toBe(2)
    await bridge.control.connections.remove({ id: 'oak' as never }, signal)
    expect(await ended).toMatchObject({
      isError: true,
      _meta: { 'bridgekeeper/failure': { code: expect.stringMatching(/^connection\./) } },
    })
    expect((await other).content[0].text).toBe('waited 300 ms')
  })

  it('a list that is cancelled while a server keeps it waiting gets no answer', async () => {
    const oak = await serve({ create: () => createWorkshop('oak') })
    const gate = oak.loopback.faults.hold('/mcp', 'before', ({ body }) => body.includes('"tools/list"'))
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    await client.result('prompts/list')
    client.send({ jsonrpc: '2.0', id: 'gone', method: 'tools/list', params: client.meta })
    await gate.arrived
    client.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'gone' } })
    // Answered in order, so that the cancellation has been read by then.
    await client.result('prompts/list')
    gate.open()
    expect(await client.keys('tools/list')).toContain('oak__who')
    expect(client.lines.filter((line) => line.includes('"id":"gone"'))).toEqual([])
  })

  it('an end of stdin waits for the answers that are still awaited', async () => {
    const oak = await serve()
    const client = (await setAllScene({ oak: oak.url }, era)).spawn()
    const answer = client.result('tools/call', { name: 'oak__slow', arguments: { ms: 300 } })
    await expect.poll(() => oak.record.calls.length).toBe(1)
    expect(await client.end()).toBe(0)
    expect((await answer).content[0].text).toBe('waited 300 ms')
  })
})
