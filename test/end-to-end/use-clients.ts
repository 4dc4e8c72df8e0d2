import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { ControlHandlers } from '../../bridge/control/handlers.ts'
import type { ClientWish } from '../../shared/client-change.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { staying } from './sign-in-setup.ts'

/**
 * Uses every procedure for client apps once, in a person's home below `folder`: an entry of `mcp-remote` for the server at `url`, with
 * the secrets in its arguments and its store, is taken over by the connection, and a second app is added and removed.
 */
export async function useClients(
  { clients }: Pick<ControlHandlers, 'clients'>,
  { folder, url, id, secrets }: { folder: string; url: string; id: ConnectionId; secrets: [string, string] },
): Promise<void> {
  const home = join(folder, 'person')
  const place = { home, env: {} }
  const path = join(home, '.cursor', 'mcp.json')
  const args = ['-y', 'mcp-remote', url, '--header', `X-Extra-Token: ${secrets[0]}`]
  await put(path, JSON.stringify({ mcpServers: { tracker: { command: 'npx', args } } }))
  const headers = JSON.stringify({ 'X-Extra-Token': secrets[0] })
  const stored = createHash('md5').update([url, headers].join('|')).digest('hex')
  const tokens = join(home, '.mcp-auth', 'mcp-remote-v1', `${stored}_tokens.json`)
  await put(tokens, JSON.stringify({ access_token: secrets[1] }))
  const apply = async (wish: ClientWish): Promise<void> => {
    const { digest } = await clients.plan({ wish, place }, staying())
    await clients.apply({ wish, place, digest }, staying())
  }
  await clients.list(place, staying())
  await clients.importable({ place }, staying())
  await clients.import({ app: 'cursor', path, name: 'tracker', values: [], place }, staying())
  await apply({ does: 'take-over', app: 'cursor', path, name: 'tracker', connection: id })
  await apply({ does: 'clean-up', files: [tokens] })
  await apply({ does: 'add', app: 'codex', connections: [id] })
  await apply({ does: 'undo' })
  await clients.link({ app: 'cursor', connection: id }, staying())
  await clients.rotateKey({ app: 'cursor', place }, staying())
}

async function put(path: string, content: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}
