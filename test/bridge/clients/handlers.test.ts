import { readFile, writeFile } from 'node:fs/promises'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClientWish } from '../../../shared/client-change.ts'
import { ConnectionId } from '../../../shared/connection.ts'
import { startBridge } from '../../support/bridge-under-test.ts'
import { startMcpServer } from '../../support/mcp-server.ts'
import { findPlanted } from '../../support/planted.ts'
import { startStrictAuthorizationServer } from '../../support/strict-authorization-server.ts'
import { add, codeOf, setScene, signal, tracker } from './handler-scene.ts'

describe('what is applied is what was shown', () => {
  it('so that a file which changed in between is left alone', async () => {
    const { clients, place, cursor, put } = await setScene()
    await put(cursor, '{}')
    const wish = add('cursor')
    const { digest } = await clients.plan({ wish, place }, signal)
    await put(cursor, '{ "mcpServers": {} }')
    await expect(clients.apply({ wish, place, digest }, signal)).rejects.toEqual(
      codeOf('clients.file_changed'),
    )
    expect(await readFile(cursor, 'utf8')).toBe('{ "mcpServers": {} }')
  })

  it('so that the digest of one wish is none for another', async () => {
    const { clients, place } = await setScene()
    const { digest } = await clients.plan({ wish: add('cursor'), place }, signal)
    await expect(clients.apply({ wish: add('zed'), place, digest }, signal)).rejects.toEqual(
      codeOf('clients.file_changed'),
    )
  })

  it('so that an undoing takes back the change that was looked at, not a later one', async () => {
    const { clients, place, cursor, apply } = await setScene()
    await apply(add('cursor'))
    const { digest } = await clients.plan({ wish: { does: 'undo' }, place }, signal)
    await apply(add('zed'))
    await expect(clients.apply({ wish: { does: 'undo' }, place, digest }, signal)).rejects.toEqual(
      codeOf('clients.file_changed'),
    )
    expect(await readFile(cursor, 'utf8')).toContain('tracker')
  })

  it('and a digest says nothing about the content of the file to another process', async () => {
    const [one, other] = [await setScene(), await setScene()]
    const wish: ClientWish = { does: 'remove', app: 'cursor', connections: 'all' }
    const digests = [one, other].map(
      async ({ clients, place }) => (await clients.plan({ wish, place }, signal)).digest,
    )
    expect(await digests[0]).not.toBe(await digests[1])
  })
})

describe('a preview', () => {
  it('shows nothing secret, of ours or of others', async () => {
    const { clients, place, cursor, put, under, logged, home } = await setScene()
    const secrets = { token: 'planted-token-0123456789', password: 'planted-password-012345' }
    const others = {
      other: { url: 'https://x.example/mcp', headers: { 'X-Whatever': secrets.token } },
      program: { command: 'x', env: { DB_PASSWORD: secrets.password } },
    }
    await put(cursor, JSON.stringify({ mcpServers: others }, null, 2))
    const key = new URL(await under.endpoint('tracker', 'cursor')).pathname.split('/')[1] ?? ''
    const outputs: Record<string, string> = {}
    for (const does of ['add', 'remove'] as const) {
      const wish: ClientWish = { does, app: 'cursor', connections: 'all' }
      const { digest, ...plan } = await clients.plan({ wish, place }, signal)
      outputs[does] = JSON.stringify(plan)
      await clients.apply({ wish, place, digest }, signal)
      outputs[`${does} undone`] = JSON.stringify(
        await clients.plan({ wish: { does: 'undo' }, place }, signal),
      )
    }
    outputs['list'] = JSON.stringify(await clients.list(place, signal))
    outputs['importable'] = JSON.stringify(await clients.importable({ place }, signal))
    outputs['rotation'] = JSON.stringify(await clients.rotateKey({ app: 'cursor', place }, signal))
    outputs['log'] = logged.join('\n')
    expect(outputs['add']).toContain('[redacted]')
    expect(await findPlanted({ secrets: { key, ...secrets }, outputs })).toEqual([])
    expect(await findPlanted({ secrets: { key, ...secrets }, folders: [home.bridge] })).toEqual([])
  })

  it('does not make the file, nor a backup', async () => {
    const { clients, place, cursor } = await setScene()
    await clients.plan({ wish: add('cursor'), place }, signal)
    await expect(readFile(cursor)).rejects.toThrow(/ENOENT/)
    await expect(clients.plan({ wish: { does: 'undo' }, place }, signal)).rejects.toEqual(
      codeOf('clients.nothing_to_undo'),
    )
  })
})

describe('backups', () => {
  it('open after a restart', async () => {
    const { apply, under, cursor, put, place, home } = await setScene()
    await put(cursor, '{ "mcpServers": { "planted": {} } }')
    await apply(add('cursor'))
    await under.stop()
    const again = await startBridge({ home })
    onTestFinished(() => again.stop())
    const wish: ClientWish = { does: 'undo' }
    const { digest } = await again.control.clients.plan({ wish, place }, signal)
    await again.control.clients.apply({ wish, place, digest }, signal)
    expect(await readFile(cursor, 'utf8')).toBe('{ "mcpServers": { "planted": {} } }')
  })
})

describe('an app that only starts programs', () => {
  it('starts the shim by absolute paths, for its connection and in its own name', async () => {
    const { apply, place, clients, home } = await setScene()
    await expect(clients.plan({ wish: add('junie'), place }, signal)).rejects.toEqual(
      codeOf('clients.shim_missing'),
    )
    const shim = join(home.folder, 'stdio.cjs')
    await writeFile(shim, '')
    await apply(add('junie'))
    const path = join(place.home ?? '', '.junie', 'mcp', 'mcp.json')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      mcpServers: { tracker: { command: process.execPath, args: [shim, 'tracker', '--client=junie'] } },
    })
    const listed = (await clients.list(place, signal)).find(({ id }) => id === 'junie')
    expect(listed?.files[0]?.entries).toEqual([
      { name: 'tracker', kind: 'bridge', enabled: true, connection: 'tracker', plainSecrets: 0 },
    ])
    await apply({ does: 'remove', app: 'junie', connections: [tracker] })
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ mcpServers: {} })
  })
})

describe('taking over', () => {
  it('waits for a connection that works', async () => {
    const { clients, place, cursor, put, under } = await setScene()
    const authorization = await startStrictAuthorizationServer()
    onTestFinished(() => authorization.close())
    const { issuer, verify } = authorization
    const server = await startMcpServer({ auth: { authorizationServers: [issuer], verify } })
    onTestFinished(() => server.close())
    const connection = ConnectionId.parse(await under.add(server.url, { id: 'work' }))
    await put(cursor, '{ "mcpServers": { "work": { "url": "https://x.example/mcp" } } }')
    const wish: ClientWish = { does: 'take-over', app: 'cursor', path: cursor, name: 'work', connection }
    await expect(clients.plan({ wish, place }, signal)).rejects.toEqual(codeOf('connection.signed_out'))
  })

  it('touches the settings of client apps alone', async () => {
    const { clients, place, put } = await setScene()
    const path = join(place.home ?? '', 'notes.json')
    await put(path, '{ "mcpServers": { "a": { "url": "https://x.example/mcp" } } }')
    const wish: ClientWish = { does: 'take-over', app: 'cursor', path, name: 'a', connection: tracker }
    await expect(clients.plan({ wish, place }, signal)).rejects.toEqual(codeOf('clients.not_importable'))
    const given = { app: 'cursor' as const, path, name: 'a', values: [], place }
    await expect(clients.import(given, signal)).rejects.toEqual(codeOf('clients.not_importable'))
  })

  it('deletes no file that was not shown as one of mcp-remote', async () => {
    const { clients, place, put } = await setScene()
    const path = join(place.home ?? '', 'precious.txt')
    await put(path, 'kept')
    const wish: ClientWish = { does: 'clean-up', files: [path] }
    await expect(clients.plan({ wish, place }, signal)).rejects.toEqual(codeOf('clients.not_importable'))
  })

  it('finds a connection that is there already', async () => {
    const { clients, place, cursor, put, control } = await setScene()
    const { url } = await control.connections.get({ id: tracker }, signal)
    const wrapper = { command: 'npx', args: ['-y', 'mcp-remote', url] }
    await put(cursor, JSON.stringify({ mcpServers: { issues: wrapper } }))
    const { servers } = await clients.importable({ app: 'cursor', place }, signal)
    expect(servers).toMatchObject([{ name: 'issues', connection: 'tracker', exists: true }])
    const given = { app: 'cursor' as const, path: cursor, name: 'issues', values: [], place }
    expect(await clients.import(given, signal)).toMatchObject({ connection: { id: 'tracker' } })
    expect(await control.connections.list({}, signal)).toHaveLength(1)
  })
})

describe('a rotated key', () => {
  it('ends what is under way with the old one', async () => {
    const { clients, place, under } = await setScene()
    const opened = async (
      client: string,
    ): Promise<{ ended: Promise<unknown>; status: number | undefined }> => {
      const url = await under.endpoint('tracker', client)
      const initialize = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream' },
        body: JSON.stringify({
          jsonrpc: '2.0',
          id: 1,
          method: 'initialize',
          params: {
            protocolVersion: '2025-11-25',
            capabilities: {},
            clientInfo: { name: 'a', version: '1' },
          },
        }),
      })
      await initialize.text()
      const session = initialize.headers.get('mcp-session-id') ?? ''
      return new Promise((resolve, reject) => {
        const headers = { accept: 'text/event-stream', 'mcp-session-id': session }
        const sent = request(url, { headers }, (answer) => {
          const ended = new Promise((over) => answer.once('close', over).resume())
          answer.on('error', () => undefined)
          resolve({ ended, status: answer.statusCode })
        })
        sent.on('error', reject)
        sent.end()
      })
    }
    const [rotated, other] = [await opened('cursor'), await opened('zed')]
    expect([rotated.status, other.status]).toEqual([200, 200])
    let otherEnded = false
    void other.ended.then(() => (otherEnded = true))
    await clients.rotateKey({ app: 'cursor', place }, signal)
    await rotated.ended
    expect(otherEnded).toBe(false)
  })

  it('cannot be taken back by an undoing', async () => {
    const { clients, place, cursor, apply } = await setScene()
    await apply(add('cursor'))
    const old = await readFile(cursor, 'utf8')
    await clients.rotateKey({ app: 'cursor', place }, signal)
    expect(await readFile(cursor, 'utf8')).not.toBe(old)
    await expect(clients.plan({ wish: { does: 'undo' }, place }, signal)).rejects.toEqual(
      codeOf('clients.undo_overtaken'),
    )
    await apply({ does: 'remove', app: 'cursor', connections: 'all' })
    expect(JSON.parse(await readFile(cursor, 'utf8'))).toEqual({ mcpServers: {} })
  })

  it('is renewed in entries that have an address of before as well', async () => {
    const { clients, control, place, cursor, apply, put } = await setScene()
    await apply(add('cursor'))
    const elsewhere = (await readFile(cursor, 'utf8')).replace(/127\.0\.0\.1:\d+/, '127.0.0.1:1')
    await put(cursor, elsewhere)
    await clients.rotateKey({ app: 'cursor', place }, signal)
    const { url } = await control.connections.endpoint({ id: tracker, client: 'cursor' }, signal)
    expect(JSON.parse(await readFile(cursor, 'utf8'))).toEqual({ mcpServers: { tracker: { url } } })
  })

  it('is renewed in the file of a project that is named', async () => {
    const { clients, place } = await setScene()
    const inProject = { ...place, project: join(place.home ?? '', 'engine') }
    const path = join(inProject.project, '.cursor', 'mcp.json')
    const wish = add('cursor')
    const { digest } = await clients.plan({ wish, place: inProject }, signal)
    await clients.apply({ wish, place: inProject, digest }, signal)
    const { notes } = await clients.rotateKey({ app: 'cursor', place }, signal)
    expect(notes).toEqual([expect.stringMatching(/--project/)])
    expect(await clients.rotateKey({ app: 'cursor', place: inProject }, signal)).toMatchObject({
      changes: [{ path }],
      notes: [],
    })
  })
})

describe('a place', () => {
  it('that is relative is refused: it would be one in the folder of the bridge', async () => {
    const { clients, place } = await setScene()
    await expect(
      clients.plan({ wish: add('cursor'), place: { ...place, project: 'engine' } }, signal),
    ).rejects.toEqual(codeOf('bridge.request_invalid'))
  })
})

describe('tools that a wrapper hides', () => {
  it('are denied before there is a connection, and not any more when there is none', async () => {
    const { clients, control, cursor, place, put } = await setScene()
    const tools = (): Promise<readonly string[]> =>
      control.access
        .get({ client: 'cursor' }, signal)
        .then(({ rules }) => rules.map(({ connection, tool }) => `${connection} ${tool}`))
    const seen: (readonly string[])[] = []
    const server = createServer((_, response) => {
      void tools().then((rules) => {
        seen.push(rules)
        response.writeHead(404).end()
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void server.close())
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/mcp`
    const args = ['mcp-remote', url, '--ignore-tool', 'delete_*']
    await put(cursor, JSON.stringify({ mcpServers: { gone: { command: 'npx', args } } }))
    const given = { app: 'cursor' as const, path: cursor, name: 'gone', values: [], place }
    await expect(clients.import(given, signal)).rejects.toMatchObject({ code: expect.any(String) })
    expect(seen[0]).toEqual(['gone delete_*'])
    expect(await tools()).toEqual([])
  })
})
