import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import type { ClientAppId } from '../../../shared/client-app.ts'
import type { ClientWish } from '../../../shared/client-change.ts'
import { startMcpServer } from '../../support/mcp-server.ts'
import { add, setScene, signal, tracker } from './handler-scene.ts'

describe('an entry for all connections', () => {
  const all = (does: 'add' | 'remove', app: ClientAppId = 'cursor'): ClientWish => ({
    does,
    app,
    connections: 'all',
  })

  it('is one, without the name of any connection, and stays as it is when connections come', async () => {
    const { apply, clients, control, cursor, place, put, under } = await setScene()
    const before = '{\n  // mine\n  "mcpServers": { "other": { "url": "https://x.example/mcp" } },\n}\n'
    await put(cursor, before)
    await apply(all('add'))
    const { url } = await control.connections.endpoint({ client: 'cursor' }, signal)
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{22,}\/mcp$/)
    expect(await readFile(cursor, 'utf8')).toContain(`"bridgekeeper": {`)
    expect(await readFile(cursor, 'utf8')).toContain(url)
    const server = await startMcpServer()
    onTestFinished(() => server.close())
    await under.add(server.url, { id: 'later' })
    expect((await clients.plan({ wish: all('add'), place }, signal)).changes).toEqual([])
    const listed = (await clients.list(place, signal)).find(({ id }) => id === 'cursor')
    expect(listed?.files[0]?.entries).toMatchObject([
      { name: 'other', kind: 'remote' },
      { name: 'bridgekeeper', kind: 'bridge', enabled: true, plainSecrets: 0 },
    ])
    expect(listed?.files[0]?.entries[1]).not.toHaveProperty('trouble')
    await apply({ does: 'undo' })
    expect(await readFile(cursor, 'utf8')).toBe(before)
  })

  it('gets the new key when the key is rotated', async () => {
    const { apply, clients, control, cursor, place } = await setScene()
    await apply(all('add'))
    const { url: old } = await control.connections.endpoint({ client: 'cursor' }, signal)
    expect((await clients.rotateKey({ app: 'cursor', place }, signal)).changes).toMatchObject([
      { path: cursor },
    ])
    const { url } = await control.connections.endpoint({ client: 'cursor' }, signal)
    expect(url).not.toBe(old)
    expect(JSON.parse(await readFile(cursor, 'utf8'))).toEqual({ mcpServers: { bridgekeeper: { url } } })
  })

  it('is removed with all entries, and not with that of one connection; who has both is told', async () => {
    const { apply, clients, cursor, place } = await setScene()
    await apply(add('cursor'))
    const { notes } = await clients.plan({ wish: all('add'), place }, signal)
    expect(notes).toContainEqual(expect.stringContaining('clients remove cursor tracker'))
    await apply(all('add'))
    expect((await clients.plan({ wish: add('cursor'), place }, signal)).notes).toContainEqual(
      expect.stringContaining('an entry for all connections already'),
    )
    await apply({ does: 'remove', app: 'cursor', connections: [tracker] })
    expect(Object.keys(JSON.parse(await readFile(cursor, 'utf8')).mcpServers)).toEqual(['bridgekeeper'])
    await apply(all('remove'))
    expect(JSON.parse(await readFile(cursor, 'utf8'))).toEqual({ mcpServers: {} })
  })

  it('starts the shim without a connection where the app only starts programs', async () => {
    const { apply, place, clients, home } = await setScene()
    const shim = join(home.folder, 'stdio.cjs')
    await writeFile(shim, '')
    await apply(all('add', 'junie'))
    const path = join(place.home ?? '', '.junie', 'mcp', 'mcp.json')
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({
      mcpServers: { bridgekeeper: { command: process.execPath, args: [shim, '--client=junie'] } },
    })
    expect((await clients.plan({ wish: all('add', 'junie'), place }, signal)).changes).toEqual([])
    await apply(all('remove', 'junie'))
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ mcpServers: {} })
  })

  it('is offered by one link', async () => {
    const { clients, control } = await setScene()
    const { url } = await clients.link({ app: 'cursor' }, signal)
    const { url: endpoint } = await control.connections.endpoint({ client: 'cursor' }, signal)
    const link = new URL(url)
    expect(link.searchParams.get('name')).toBe('bridgekeeper')
    expect(Buffer.from(link.searchParams.get('config') ?? '', 'base64').toString()).toContain(endpoint)
  })
})
