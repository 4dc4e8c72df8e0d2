import { describe, expect, it } from 'vitest'
import { callRaw, failureCode } from '../support/raw-call.ts'
import { setScene, type Scene } from './scene.ts'

const asked = ({ authorization }: Scene) =>
  authorization.loopback.requests
    .filter(({ path }) => path === '/authorize')
    .map(({ query }) => query.get('scope')?.split(' ').sort())

describe('step-up (403 insufficient_scope)', () => {
  it('holds the call until a person allows the union of scopes, then goes on', async () => {
    const scene = await setScene()
    const { bridge, server } = scene
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id, 'cursor')
    const held = callRaw(endpoint, 'write_issue', { title: 'bridge is out' })

    const { stepUp } = await bridge.seen('step-up-asked')
    expect(stepUp).toMatchObject({
      scopes: ['write:issues'],
      by: { client: 'cursor', method: 'tools/call', name: 'write_issue' },
    })
    expect(bridge.bridge.connections.get(id).view).toMatchObject({
      status: 'connected',
      stepUp: { scopes: ['write:issues'] },
    })
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)

    expect((await bridge.signIn(id)).at(-1)?.event).toBe('connected')
    const answer = await held
    expect([answer.status, answer.body.includes('filed: bridge is out')]).toEqual([200, true])
    expect(asked(scene).at(-1)).toEqual(['offline_access', 'read:issues', 'write:issues'])
    expect(bridge.bridge.connections.get(id).view.stepUp).toBeUndefined()
  })

  it('lets all held calls go on with one sign-in', async () => {
    const { bridge, server } = await setScene()
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    const held = Array.from({ length: 10 }, (_, n) =>
      callRaw(endpoint, 'write_issue', { title: `issue ${n}` }),
    )
    await expect.poll(() => bridge.events.filter(({ event }) => event === 'step-up-asked').length).toBe(10)
    await bridge.signIn(id)
    const answers = await Promise.all(held)
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
    expect(server.record.calls.filter(({ tool }) => tool === 'write_issue')).toHaveLength(10)
  })

  it('ends the call with words of what to do when nobody comes, and the step-up stays asked', async () => {
    const { bridge, server } = await setScene({ bridge: { settings: { 'stepUp.waitSeconds': 1 } } })
    const id = await bridge.connect(server.url)
    const answer = await callRaw(await bridge.endpoint(id), 'write_issue', { title: 'x' })
    expect([answer.status, failureCode(answer)]).toEqual([401, 'step_up.needed'])
    expect(answer.body).toContain('write:issues')
    expect(bridge.bridge.connections.get(id).view.stepUp?.scopes).toEqual(['write:issues'])
    expect((await bridge.signIn(id)).at(-1)?.event).toBe('connected')
    expect((await callRaw(await bridge.endpoint(id), 'write_issue', { title: 'x' })).status).toBe(200)
  })

  it('ends the held call when the person refuses, and keeps the access there was', async () => {
    const { bridge, server, authorization } = await setScene()
    const id = await bridge.connect(server.url)
    const endpoint = await bridge.endpoint(id)
    const held = callRaw(endpoint, 'write_issue', { title: 'x' })
    await bridge.seen('step-up-asked')
    authorization.behaviour.decide = () => 'deny'
    expect((await bridge.signIn(id)).at(-1)).toMatchObject({ event: 'failed', code: 'oauth.denied' })
    expect(failureCode(await held)).toBe('oauth.denied')
    expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
  })

  it('stops asking after two sign-ins that did not help', async () => {
    const scene = await setScene()
    const { bridge, server, authorization } = scene
    authorization.behaviour.decide = (scopes) => scopes.filter((scope) => scope !== 'write:issues')
    const id = await bridge.connect(server.url)
    const held = callRaw(await bridge.endpoint(id), 'write_issue', { title: 'x' })
    for (const round of [1, 2]) {
      await expect
        .poll(() => bridge.events.filter(({ event }) => event === 'step-up-asked').length)
        .toBe(round)
      await bridge.signIn(id)
    }
    const answer = await held
    expect([answer.status, failureCode(answer)]).toEqual([403, 'step_up.limit'])
    expect(asked(scene)).toHaveLength(3)
  })

  it('forgets the call of a client that hangs up', async () => {
    const { bridge, server } = await setScene()
    const id = await bridge.connect(server.url)
    const leaving = new AbortController()
    const held = callRaw(await bridge.endpoint(id), 'write_issue', { title: 'x' }, { signal: leaving.signal })
    await bridge.seen('step-up-asked')
    leaving.abort()
    await expect(held).rejects.toThrow('aborted')
    await bridge.signIn(id)
    expect(server.record.calls.filter(({ tool }) => tool === 'write_issue')).toHaveLength(0)
  })

  it('is never asked of a connection that is signed out: the call is answered at once', async () => {
    const { bridge, server } = await setScene()
    const id = await bridge.add(server.url)
    const answer = await callRaw(await bridge.endpoint(id), 'write_issue', { title: 'x' })
    expect([answer.status, failureCode(answer)]).toEqual([200, 'connection.signed_out'])
    expect(answer.headers['www-authenticate']).toBeUndefined()
    expect(await bridge.seen('sign-in-needed')).toMatchObject({ id })
  })
})
