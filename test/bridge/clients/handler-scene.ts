import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import type { ClientAppId } from '../../../shared/client-app.ts'
import type { ClientPlace, ClientWish } from '../../../shared/client-change.ts'
import { ConnectionId } from '../../../shared/connection.ts'
import { startBridge, type BridgeUnderTest } from '../../support/bridge-under-test.ts'
import { startMcpServer } from '../../support/mcp-server.ts'

/** The one connection of the scene. */
export const tracker = ConnectionId.parse('tracker')
/** Adds the entry of the connection to an app. */
export const add = (app: ClientAppId): ClientWish => ({ does: 'add', app, connections: [tracker] })
export const { signal } = new AbortController()

/** What the procedures for client apps are tried in. */
export interface Scene extends Pick<BridgeUnderTest, 'control' | 'logged' | 'home'> {
  readonly under: BridgeUnderTest
  readonly place: ClientPlace
  readonly cursor: string
  readonly clients: BridgeUnderTest['control']['clients']
  readonly put: (path: string, content: string) => Promise<void>
  readonly apply: (wish: ClientWish) => Promise<string | null>
}

/** A bridge with the connection `tracker`, and a person's home with nothing in it. */
export async function setScene(): Promise<Scene> {
  const server = await startMcpServer()
  onTestFinished(() => server.close())
  const bridge = await startBridge()
  onTestFinished(() => bridge.close())
  await bridge.add(server.url, { id: 'tracker' })
  const home = bridge.home.env['HOME'] ?? ''
  const place = { home, env: {} }
  const { clients } = bridge.control
  return {
    control: bridge.control,
    logged: bridge.logged,
    home: bridge.home,
    under: bridge,
    place,
    clients,
    cursor: join(home, '.cursor', 'mcp.json'),
    async put(path, content) {
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, content)
    },
    async apply(wish) {
      const { digest } = await clients.plan({ wish, place }, signal)
      return (await clients.apply({ wish, place, digest }, signal)).undo
    },
  }
}

export const codeOf = (code: string): unknown => expect.objectContaining({ code })
