import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ListCounts } from '../../../shared/connection.ts'
import { startMcpServer } from '../../support/mcp-server.ts'
import { startBridge } from '../../support/bridge-under-test.ts'
import { callRaw } from '../../support/raw-call.ts'
import { modern } from '../../support/stdio-client.ts'
import { createHandClock } from '../../end-to-end/sign-in-setup.ts'
import type { Line } from './channel-client.ts'
import { setScene, type LastKnownScene } from './scene.ts'

const day = 24 * 60 * 60_000
const names = ({ result }: Line): string[] => (result.tools as { name: string }[]).map(({ name }) => name)
const knownTools = async ({ bridge }: Pick<LastKnownScene, 'bridge'>): Promise<number | undefined> => {
  const signal = new AbortController().signal
  const known = await bridge.control.connections.knownTools({ id: 'issues' as never }, signal)
  return known?.tools.length
}
const countsOf = async ({ bridge }: LastKnownScene): Promise<ListCounts | undefined> => {
  const signal = new AbortController().signal
  return (await bridge.control.connections.get({ id: 'issues' as never }, signal)).lists
}
const fileOf = ({ bridge }: LastKnownScene): string =>
  join(bridge.home.bridge, 'last-known', 'server-issues.sealed')

const logged = ({ bridge }: LastKnownScene): boolean =>
  bridge.logged.some((line) => line.includes('could not be asked'))

/** A scene whose time stands still until the test moves it. */
async function setStillScene(options: Parameters<typeof setScene>[0] = {}) {
  const clock = createHandClock()
  const scene = await setScene({ ...options, bridge: { ...options.bridge, clock } })
  return { scene, clock }
}

describe('what is learned in the background', () => {
  it.each(['modern', 'session', 'both'] as const)(
    'is all lists of the server, once after a sign-in (%s)',
    async (era) => {
      const { scene, clock } = await setStillScene({ server: { era } })
      const asked = scene.asked()
      clock.pass(2_000)
      await expect.poll(() => knownTools(scene), { timeout: 10_000 }).toBeGreaterThan(5)
      await expect
        .poll(() => countsOf(scene), { timeout: 10_000 })
        .toMatchObject({ prompts: 1, resources: 1 })
      await expect.poll(() => scene.server.sessionIds(), { timeout: 10_000 }).toEqual([])
      const afterwards = scene.asked()
      expect(afterwards).toBeGreaterThan(asked)
      clock.pass(day / 2)
      expect(scene.asked()).toBe(afterwards)
    },
  )

  it('is asked of four servers at once, however many connections come to work together', async () => {
    const clock = createHandClock()
    const bridge = await startBridge({ clock })
    onTestFinished(() => bridge.close())
    const servers = await Promise.all(Array.from({ length: 10 }, () => startMcpServer()))
    for (const server of servers) onTestFinished(() => server.close())
    const ids = servers.map((_, n) => `server-${n}`)
    for (const [n, { url }] of servers.entries()) await bridge.connect(url, { id: ids[n] ?? '' })
    const gates = servers.map(({ loopback }) => loopback.faults.hold('/mcp'))
    for (const id of ids) bridge.bridge.channels.learner.used(id)
    const waiting = (): number => gates.filter((gate) => gate.waiting() > 0).length
    clock.pass(2_000)
    await expect.poll(waiting, { timeout: 10_000 }).toBe(4)
    clock.pass(10_000)
    expect(waiting()).toBe(4)
    for (const gate of gates) gate.open()
    const { signal } = new AbortController()
    const known = async (): Promise<number> => {
      clock.pass(2_000)
      const all = ids.map((id) => bridge.control.connections.knownTools({ id: id as never }, signal))
      return (await Promise.all(all)).filter((one) => one !== undefined).length
    }
    await expect.poll(known, { timeout: 10_000 }).toBe(10)
  })

  it('is nothing at the start of a bridge, nor while nobody is signed in', async () => {
    const { scene, clock } = await setStillScene()
    await scene.revoke()
    clock.pass(day)
    const asked = scene.asked()
    await scene.restart()
    clock.pass(2 * day)
    expect(scene.asked()).toBe(asked)
    expect(await knownTools(scene)).toBeUndefined()
  })

  it('is nothing of a connection that nobody uses, and again what is older than a day of one that somebody uses', async () => {
    const { scene, clock } = await setStillScene()
    clock.pass(2_000)
    await expect.poll(() => knownTools(scene), { timeout: 10_000 }).toBeGreaterThan(5)
    await scene.restart()
    clock.pass(2 * day)
    const asked = scene.asked()
    const client = scene.client()
    await client.ask('ping', modern())
    clock.pass(2_000)
    await expect.poll(() => scene.asked() - asked, { timeout: 10_000 }).toBeGreaterThan(3)
  })

  it('comes from HTTP too, which passes unread', async () => {
    const clock = createHandClock()
    const server = await startMcpServer()
    const bridge = await startBridge({ clock })
    const id = await bridge.add(server.url, { id: 'issues' })
    clock.pass(day)
    expect(server.loopback.requestsOf('/mcp').some(({ body }) => body.includes('tools/list'))).toBe(false)
    expect((await callRaw(await bridge.endpoint(id), 'whoami')).status).toBe(200)
    clock.pass(2_000)
    await expect.poll(() => knownTools({ bridge }), { timeout: 10_000 }).toBeGreaterThan(5)
    await bridge.close()
    await server.close()
  })

  it('comes from what clients ask, without a request of ours', async () => {
    const { scene, clock } = await setStillScene()
    const client = scene.client()
    await client.initialize()
    const listed = names(await client.ask('tools/list'))
    await client.ask('prompts/list')
    await client.ask('resources/list')
    await client.ask('resources/templates/list')
    const asked = scene.asked()
    clock.pass(2_000)
    expect(await knownTools(scene)).toBe(listed.length)
    expect(scene.asked()).toBe(asked)
  })

  it('is asked for again when the server says that it changed, and not more often than once a minute', async () => {
    const { scene, clock } = await setStillScene({ server: { era: 'session' } })
    const client = scene.client()
    await client.initialize()
    await client.ask('tools/list')
    clock.pass(2_000)
    await expect.poll(async () => (await countsOf(scene))?.prompts, { timeout: 10_000 }).toBe(1)
    const lists = (): number =>
      scene.server.loopback.requests.filter(({ body }) => body.includes('"tools/list"')).length
    const notices = (): number => {
      // Until the stream stands on which it is heard.
      scene.server.announceTools()
      return client.lines.filter(({ method }) => method === 'notifications/tools/list_changed').length
    }
    const before = lists()
    await expect.poll(notices, { timeout: 10_000 }).toBeGreaterThan(2)
    clock.pass(2_000)
    expect(lists()).toBe(before)
    const askedAnew = (): number => {
      // More than once, since the minute begins when the first inquiry has ended, which nothing here tells of.
      clock.pass(60_000)
      return lists() - before
    }
    await expect.poll(askedAnew, { timeout: 10_000 }).toBe(1)
  })

  it('asks nobody to allow more scopes', async () => {
    const { scene, clock } = await setStillScene()
    const headers = { 'www-authenticate': 'Bearer error="insufficient_scope", scope="admin"' }
    const fault = { kind: 'answer', status: 403, headers } as const
    scene.server.loopback.faults.add('/mcp', fault, { times: Infinity })
    const asked = scene.asked()
    clock.pass(2_000)
    await expect.poll(() => logged(scene), { timeout: 10_000 }).toBe(true)
    expect(scene.asked()).toBeGreaterThan(asked)
    expect(scene.bridge.events.some(({ event }) => event === 'step-up-asked')).toBe(false)
  })
})

describe('what is kept', () => {
  it('outlives a revocation and a restart, and goes with the connection', async () => {
    const scene = await setScene()
    const client = scene.client()
    await client.initialize()
    const listed = names(await client.ask('tools/list'))
    await scene.revoke()
    await scene.restart()
    expect(existsSync(fileOf(scene))).toBe(true)
    const late = scene.client()
    expect((await late.initialize()).result.serverInfo).toEqual({ name: 'issues', version: '1.0.0' })
    expect(names(await late.ask('tools/list'))).toEqual(listed)

    const file = fileOf(scene)
    const signal = new AbortController().signal
    await scene.bridge.control.connections.remove({ id: 'issues' as never }, signal)
    await expect.poll(() => existsSync(file), { timeout: 10_000 }).toBe(false)
    await scene.bridge.add(scene.server.url, { id: 'issues' })
    expect(await knownTools(scene)).toBeUndefined()
  })

  it('lies sealed, in a file for this user alone', async () => {
    const scene = await setScene()
    const client = scene.client()
    await client.ask('tools/list', modern())
    await scene.stop()
    expect(readFileSync(fileOf(scene)).includes('write_issue')).toBe(false)
    const shared = process.platform === 'win32' ? 0 : statSync(fileOf(scene)).mode & 0o077
    expect(shared).toBe(0)
  })

  it('is as nothing where it cannot be read', async () => {
    const scene = await setScene()
    await scene.client().ask('tools/list', modern())
    await scene.revoke()
    await scene.stop()
    writeFileSync(fileOf(scene), 'not sealed at all')
    await scene.restart()
    expect((await scene.client().ask('tools/list', modern())).result.tools).toEqual([])
  })
})

describe('a client that outlives its bridge', () => {
  it('goes on where it was answered in the place of the server', async () => {
    const scene = await setScene({ signedIn: false, server: { era: 'session' } })
    const before = scene.client()
    await before.initialize()
    await before.ask('tools/list')
    const session = before.leave()
    await scene.restart()
    const client = scene.client(JSON.parse(JSON.stringify(session)) as typeof session)
    await scene.signIn()
    await client.find(({ method }) => method === 'notifications/tools/list_changed')
    expect(names(await client.ask('tools/list'))).toContain('echo')
    expect(scene.server.sessionIds()).toHaveLength(1)
  })

  it('goes on in the session that it has', async () => {
    const scene = await setScene({ server: { era: 'session' } })
    const before = scene.client()
    await before.initialize()
    await before.ask('tools/list')
    const session = before.leave()
    const ids = scene.server.sessionIds()
    await scene.restart()
    expect(names(await scene.client(session).ask('tools/list'))).toContain('echo')
    expect(scene.server.sessionIds()).toEqual(ids)
  })
})
