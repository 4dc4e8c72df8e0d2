import type { ClientWish } from '../../shared/client-change.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError } from '../../shared/errors.ts'
import type { Connections } from '../connections/connections.ts'
import type { ClientApp } from './app.ts'
import { clientApp } from './apps.ts'
import type { ClientChanges } from './changes.ts'
import type { Machine } from './machine.ts'
import type { McpAuthRecord } from './mcp-auth.ts'
import type { Plan } from './plan.ts'
import { planAdd, planCleanUp, planRemove, planTakeOver, type Situation, type Wanted } from './planning.ts'
import { readFilesOf, readNamedFile } from './survey.ts'
import type { Targets } from './targets.ts'

/** What a wish is turned into a plan with. */
export interface WishSurroundings {
  readonly machine: Machine
  readonly project: string | undefined
  readonly targets: Targets
  readonly connections: Pick<Connections, 'list' | 'get'>
  readonly changes: Pick<ClientChanges, 'originals' | 'planUndo'>
  /** What `mcp-remote` has stored and a face was shown, as far as it is in these files. */
  readonly stored: (files: readonly string[]) => readonly McpAuthRecord[]
}

/** The plan of a wish, made from what is there now. No file is changed. Rejects with `clients.*` and `connection.*`. */
export async function planOf(wish: ClientWish, around: WishSurroundings): Promise<Plan> {
  switch (wish.does) {
    case 'undo':
      return around.changes.planUndo(wish.id)
    case 'clean-up':
      return planCleanUp(around.stored(wish.files), readNamedFile)
    case 'add':
      return add(wish, around)
    case 'remove':
      return remove(wish, around)
    case 'take-over':
      return takeOver(wish, around)
    default:
      return wish satisfies never
  }
}

/** What is known of an app when a plan is made for it. */
export async function situationOf(
  app: ClientApp,
  { machine, project, targets, changes }: Omit<WishSurroundings, 'connections' | 'stored'>,
): Promise<Situation> {
  const files = await readFilesOf(app, machine, project)
  return {
    machine,
    own: targets.own,
    files,
    originals: await changes.originals(files),
    ...(project === undefined ? {} : { project }),
  }
}

async function remove(
  wish: Extract<ClientWish, { does: 'remove' }>,
  around: WishSurroundings,
): Promise<Plan> {
  const app = clientApp(wish.app)
  return planRemove(
    app,
    wish.connections === 'all' ? 'every' : wish.connections,
    await situationOf(app, around),
  )
}

async function add(wish: Extract<ClientWish, { does: 'add' }>, around: WishSurroundings): Promise<Plan> {
  const { connections, targets } = around
  const isForAll = wish.connections === 'all'
  if (isForAll && connections.list().length === 0) throw new BridgeError('clients.no_connections')
  // One entry for all of them, and for those that come later.
  const ids: readonly (ConnectionId | undefined)[] =
    wish.connections === 'all'
      ? [undefined]
      : [...new Set(wish.connections)].map((id) => connections.get(id).id)
  const app = clientApp(wish.app)
  const wanted = await Promise.all(
    ids.map(async (connection): Promise<Wanted> => ({
      connection,
      target: await targets.of(app, connection),
    })),
  )
  return planAdd(app, wanted, await situationOf(app, around))
}

/** Only for a connection that works: the entry that is replaced may be the only way to the server. */
async function takeOver(
  { app: id, path, name, connection }: Extract<ClientWish, { does: 'take-over' }>,
  around: WishSurroundings,
): Promise<Plan> {
  const app = clientApp(id)
  const { view } = around.connections.get(connection)
  if (view.status !== 'connected') {
    const { code, detail } = view.failure ?? { code: 'connection.signed_out', detail: connection }
    throw new BridgeError(code, detail)
  }
  const target = await around.targets.of(app, connection)
  return planTakeOver(app, [{ path, name, target }], await situationOf(app, around))
}
