import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { AddConnection } from '../../shared/control.ts'
import { errors, type BridgeError, type ErrorCode } from '../../shared/errors.ts'
import { startBridge, type BridgeUnderTest } from '../support/bridge-under-test.ts'
import { htmlPage, redirectTo, type Fault } from '../support/faults.ts'
import { sendJson, startLoopback } from '../support/loopback.ts'
import { startMcpServer } from '../support/mcp-server.ts'
import { callRaw } from '../support/raw-call.ts'
import { closing, setScene, type Scene } from './scene.ts'
import { outcomeOf, staying, traceOf } from './sign-in-setup.ts'

/** A bridge with a connection that works, and the proof that it lost nothing. */
async function setWorking(): Promise<Scene & { expectUnharmed(): Promise<void> }> {
  const scene = await setScene()
  const { bridge, server } = scene
  const id = await bridge.connect(server.url)
  const endpoint = await bridge.endpoint(id)
  const before = await filesOf(bridge)
  return {
    ...scene,
    async expectUnharmed() {
      expect(await filesOf(bridge)).toEqual(before)
      expect(await idsOf(bridge)).toEqual([id])
      expect((await callRaw(endpoint, 'whoami')).status).toBe(200)
    },
  }
}

/** Every file of the bridge with the hash of its content. */
async function filesOf({ home }: BridgeUnderTest): Promise<Record<string, string>> {
  const entries = await readdir(home.bridge, { withFileTypes: true })
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  const hashes = names.map(async (name) => {
    const content = await readFile(join(home.bridge, name))
    return [name, createHash('sha256').update(content).digest('hex')]
  })
  return Object.fromEntries(await Promise.all(hashes)) as Record<string, string>
}

async function idsOf({ control }: BridgeUnderTest): Promise<string[]> {
  return (await control.connections.list({}, staying())).map(({ id }) => id)
}

/** A failure with this code whose message says what to do. */
function failure(code: ErrorCode): { code: ErrorCode; message: string } {
  return { code, message: expect.stringContaining(errors[code].remedy) as string }
}

describe('an address that cannot be a server', () => {
  it.each([
    ['', 'url.invalid'],
    ['linear', 'url.invalid'],
    ['localhost:3000/mcp', 'url.invalid'],
    ['https://', 'url.invalid'],
    [`https://mcp.example/${'a'.repeat(3000)}`, 'url.invalid'],
    ['ftp://mcp.example/mcp', 'url.not_http'],
    ['file:///etc/passwd', 'url.not_http'],
    ['javascript:alert(1)', 'url.not_http'],
    ['http://mcp.example/mcp', 'url.plain_http'],
    ['http://192.168.1.1/mcp', 'url.plain_http'],
    ['http://127.0.0.1.evil.example/mcp', 'url.plain_http'],
    ['https://user:planted@mcp.example/mcp', 'url.credentials'],
    ['https://planted@mcp.example/mcp', 'url.credentials'],
  ] as const)('%s is refused as %s and costs nothing', async (url, code) => {
    const scene = await setWorking()
    const { connections } = scene.bridge.control
    await expect(connections.add({ url }, staying())).rejects.toMatchObject(failure(code))
    const looking = connections.look({ url }, staying())
    await expect(looking).rejects.toSatisfy(
      (thrown: Error) => !/planted/.test(`${thrown.message}${thrown.stack}`),
    )
    await scene.expectUnharmed()
  })
})

describe('an address without an MCP server', () => {
  it.each([
    ['a web site', htmlPage()],
    ['a page that is not there', htmlPage(404)],
    [
      'JSON of something else',
      {
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: '{"hello":"there"}',
      },
    ],
    [
      'JSON-RPC without sense',
      {
        kind: 'answer',
        status: 200,
        headers: { 'content-type': 'application/json' },
        body: '{"jsonrpc":"2.0","id":1}',
      },
    ],
    ['nothing at all', { kind: 'answer', status: 204 }],
  ] as [string, Fault][])('that serves %s is refused and not added', async (_, fault) => {
    const scene = await setWorking()
    const site = closing(await startLoopback())
    site.faults.add('/mcp', fault, { times: Infinity })
    const adding = scene.bridge.control.connections.add({ url: `${site.origin}/mcp` }, staying())
    await expect(adding).rejects.toMatchObject(failure('server.not_mcp'))
    await scene.expectUnharmed()
  })

  it.each([
    ['cannot be reached', undefined, 'network.unreachable'],
    ['never ends its answer', { kind: 'flood' }, 'network.too_large'],
    ['redirects elsewhere', redirectTo('http://127.0.0.1:9/mcp'), 'network.redirect_refused'],
    ['fails', { kind: 'answer', status: 503 }, 'server.failed'],
    ['forbids', { kind: 'answer', status: 403 }, 'server.forbidden'],
  ] as [string, Fault | undefined, ErrorCode][])(
    'that %s is added with what was found, and its sign-in says the same',
    async (_, fault, code) => {
      const bridge = closing(await startBridge())
      const site = closing(await startLoopback())
      if (fault) site.faults.add('/mcp', fault, { times: Infinity })
      else await site.down()
      const { connection, look } = await bridge.control.connections.add(
        { url: `${site.origin}/mcp` },
        staying(),
      )
      expect(look?.failure?.code).toBe(code)
      expect(await outcomeOf(bridge.signIn(connection.id))).toBe(code)
      expect((await traceOf(bridge, connection.id)).failure?.code).toBe(code)
    },
  )
})

describe('what an addition cannot be', () => {
  const url = 'http://127.0.0.1:9/mcp'

  it.each([
    [{ url, id: '' }, 'connection.id_invalid'],
    [{ url, id: 'With Blanks' }, 'connection.id_invalid'],
    [{ url, id: '../vault' }, 'connection.id_invalid'],
    [{ url, id: 'a'.repeat(41) }, 'connection.id_invalid'],
    [{ url, bearer: 'key', clientId: 'mine' }, 'connection.options_conflict'],
    [{ url, bearer: 'key', headers: [{ name: 'x-key', value: 'v' }] }, 'connection.options_conflict'],
    [{ url, clientSecret: 'planted-secret' }, 'connection.options_conflict'],
    [{ url, bearer: 'planted\r\nx-injected: yes' }, 'connection.bearer_invalid'],
    [{ url, bearer: '' }, 'connection.bearer_invalid'],
    [{ url, headers: [{ name: 'x-key', value: 'planted\r\nx-injected: yes' }] }, 'connection.header_invalid'],
    [{ url, headers: [{ name: 'host', value: 'elsewhere.example' }] }, 'connection.header_invalid'],
    [{ url, headers: [{ name: 'mcp-session-id', value: '1' }] }, 'connection.header_invalid'],
    [{ url, metadataUrl: 'http://client.example/metadata' }, 'registration.metadata_url_invalid'],
    [{ url, metadataUrl: 'https://client.example' }, 'registration.metadata_url_invalid'],
  ] as [AddConnection, ErrorCode][])('%j is refused as %s and costs nothing', async (wish, code) => {
    const scene = await setWorking()
    const adding = scene.bridge.control.connections.add(wish, staying())
    await expect(adding).rejects.toMatchObject(failure(code))
    expect(scene.bridge.logged.join('\n')).not.toContain('planted')
    await scene.expectUnharmed()
  })

  it('is a second connection with one id, even where both come at once', async () => {
    const bridge = closing(await startBridge())
    const server = closing(await startMcpServer())
    const wish = { url: server.url.href, id: 'same' }
    const adding = Array.from({ length: 10 }, () => bridge.control.connections.add(wish, staying()))
    const results = await Promise.allSettled(adding)
    const refused = results.flatMap((result) =>
      result.status === 'rejected' ? [result.reason as unknown] : [],
    )
    expect(refused).toHaveLength(9)
    for (const reason of refused) expect(reason).toMatchObject({ code: 'connection.exists', detail: 'same' })
    await bridge.stop()
    const again = closing(await startBridge({ home: bridge.home }))
    expect(await idsOf(again)).toEqual(['same'])
  })

  it('is not a second connection to one server, which gets an id of its own', async () => {
    const bridge = closing(await startBridge())
    const server = closing(await startMcpServer())
    const added = await Promise.all(Array.from({ length: 5 }, () => bridge.add(server.url)))
    expect(new Set(added).size).toBe(5)
    expect((await idsOf(bridge)).toSorted()).toEqual(added.toSorted())
  })

  it('is asked about by an id that nobody has', async () => {
    const { control } = closing(await startBridge())
    const id = 'nobody' as never
    const asked = await Promise.allSettled([
      control.connections.get({ id }, staying()),
      control.connections.trace({ id }, staying()),
      control.connections.revoke({ id }, staying()),
      control.connections.remove({ id }, staying()),
      control.connections.cancelSignIn({ id }, staying()),
      control.connections.endpoint({ id, client: 'x' }, staying()),
      control.connections.finishSignIn({ id, callbackUrl: 'http://127.0.0.1/' }, staying()),
    ])
    const codes = asked.map((answer) => answer.status === 'rejected' && (answer.reason as BridgeError).code)
    expect(new Set(codes)).toEqual(new Set(['connection.unknown']))
  })
})

describe('a sign-in of a connection that has a key of its own', () => {
  it('is connected at once and opens nothing', async () => {
    const site = closing(await startLoopback())
    site.mount(({ res }) => {
      sendJson(res, 401, { error: 'invalid_token' })
      return true
    })
    const bridge = closing(await startBridge())
    const id = await bridge.add(`${site.origin}/mcp`, { bearer: 'a-key' })
    expect((await bridge.signIn(id)).map(({ event }) => event)).toEqual(['connected'])
    await callRaw(await bridge.endpoint(id), 'whoami')
    expect(await outcomeOf(bridge.signIn(id))).toBe('connection.not_oauth')
  })
})
