import { createSecretKey, randomBytes } from 'node:crypto'
import { isAbsolute, join } from 'node:path'
import type { ClientPlace } from '../../shared/client-change.ts'
import type { ConnectionId } from '../../shared/connection.ts'
import { BridgeError, toFailure } from '../../shared/errors.ts'
import type { Policies } from '../access/policies.ts'
import type { Connections } from '../connections/connections.ts'
import type { ControlHandlers } from '../control/handlers.ts'
import type { ClientKeys } from '../gateway/client-keys.ts'
import type { Clock } from '../ports.ts'
import { Secret } from '../secret.ts'
import type { Vault } from '../vault/record.ts'
import { type Sealer, sealerFrom } from '../vault/sealer.ts'
import type { ClientApp, Target } from './app.ts'
import { clientApp, clientApps } from './apps.ts'
import { backupKey } from './backup-key.ts'
import { openBackups } from './backups.ts'
import { clientChanges, type ProgramEnvironment } from './changes.ts'
import { pointsAt } from './entries.ts'
import { connectionOf, type ImportFindings, viewImportable } from './importable.ts'
import type { McpAuthRecord } from './mcp-auth.ts'
import { digestOf, type Plan, viewPlan } from './plan.ts'
import { linkFor, planRenewal } from './planning.ts'
import { surveyClients, surveyImportable, thisMachine, type TroubleOf } from './survey.ts'
import { createTargets } from './targets.ts'
import { planOf, situationOf, type WishSurroundings } from './wishes.ts'

/** What the procedures for client apps are made of. */
export interface ClientParts {
  readonly vault: Vault
  readonly clock: Clock
  /** The folder of the bridge; backups lie in it. */
  readonly home: string
  readonly keys: ClientKeys
  readonly policies: Pick<Policies, 'get' | 'change'>
  readonly connections: Connections
  readonly origin: () => string
  readonly usualPort: () => number
  /** The absolute path of the shim that stdio apps start. */
  readonly shim: string
  /** Ends the calls that are under way for a client app. */
  readonly endCalls: (client: string) => void
  readonly add: ControlHandlers['connections']['add']
}

type Handlers = ControlHandlers['clients']

/** The procedures for client apps. Loaded with their first use: the parsers of the settings files are large. */
export function createClientHandlers(parts: ClientParts): Handlers {
  const { vault, clock, home, keys, connections, add } = parts
  const targets = createTargets(parts)
  const sealer = async (): Promise<Sealer> => sealerFrom(await backupKey(vault))
  const changes = clientChanges({ backups: openBackups({ folder: join(home, 'backups'), sealer, clock }) })
  const digestKey = createSecretKey(randomBytes(32))
  /** By path, what `importable` has shown: nothing else is ever deleted. */
  const shown = new Map<string, McpAuthRecord>()

  const around = (place: ClientPlace): WishSurroundings => {
    if (place.project !== undefined && !isAbsolute(place.project)) {
      throw new BridgeError('bridge.request_invalid', 'place.project is not absolute')
    }
    return { machine: thisMachine(place), project: place.project, targets, connections, changes, stored }
  }

  const stored: WishSurroundings['stored'] = (files) => {
    const records = files.map((file) => shown.get(file))
    if (records.includes(undefined)) throw new BridgeError('clients.not_importable', 'look for it anew')
    return [...new Set(records.filter((record) => record !== undefined))]
  }

  const troubleOf: TroubleOf = (app, entry) => {
    if (entry.serves.kind !== 'bridge') return undefined
    const { connection } = entry.serves
    if (connection !== undefined && !connections.find(connection)) return 'no-connection'
    const target = targets.known(app, connection)
    return target && pointsAt(entry, target) ? undefined : 'outdated'
  }

  const look = async (app: string | undefined, place: ClientPlace): Promise<ImportFindings> => {
    const known = connections.list().map(({ id, view }) => ({ id, url: view.url }))
    const apps = app === undefined ? clientApps : [clientApp(app)]
    const found = await surveyImportable(thisMachine(place), targets.own, known, apps)
    for (const record of [...found.importable.flatMap(({ stored }) => stored), ...found.leftOver]) {
      for (const { path } of record.files) shown.set(path, record)
    }
    return found
  }

  const renew = async (app: ClientApp, place: ClientPlace): Promise<readonly Plan[]> => {
    const { project, ...person } = place
    const plans: Plan[] = []
    for (const one of project === undefined ? [person] : [person, place]) {
      const targetOf = (id: ConnectionId | undefined): Target | undefined =>
        id !== undefined && !connections.find(id) ? undefined : targets.known(app, id)
      const plan = planRenewal(app, targetOf, await situationOf(app, around(one)))
      await changes.apply(plan, environmentOf(place))
      plans.push(plan)
    }
    return plans
  }

  /** Denies tools to an app, and returns what takes back those of the rules that are new. */
  const hide = async (
    app: ClientApp['id'],
    id: ConnectionId,
    tools: readonly string[],
  ): Promise<() => Promise<unknown>> => {
    if (tools.length === 0) return async () => undefined
    const { policies } = parts
    const rule = (tool: string) => ({ sets: 'rule', client: app, connection: id, tool }) as const
    const before = policies.get(app).rules.filter(({ connection }) => connection === id)
    const added = tools.filter((tool) => before.every((one) => one.tool !== tool))
    await policies.change(
      app,
      tools.map((tool) => ({ ...rule(tool), verdict: 'deny' }) as const),
    )
    return () =>
      policies.change(
        app,
        added.map((tool) => ({ ...rule(tool), verdict: 'default' }) as const),
      )
  }

  return {
    async list(place) {
      return [...(await surveyClients(thisMachine(place), targets.own, place.project, troubleOf))]
    },

    async plan({ wish, place }) {
      const plan = await planOf(wish, around(place))
      return { ...viewPlan(plan), digest: digestOf(plan, digestKey) }
    },

    async apply({ wish, place, digest }) {
      const plan = await planOf(wish, around(place))
      if (digestOf(plan, digestKey) !== digest) throw new BridgeError('clients.file_changed')
      const env = environmentOf(place)
      if (plan.undoes !== undefined) {
        await changes.undo(plan.undoes, env)
        return { undo: null }
      }
      return { undo: (await changes.apply(plan, env)) ?? null }
    },

    async rotateKey({ app, place }) {
      targets.retireKey(app)
      await keys.rotate(app)
      parts.endCalls(app)
      const inProjects =
        clientApp(app).projectFiles && place.project === undefined
          ? [`Files of projects still have the old key: clients add ${app} --project FOLDER renews one.`]
          : []
      const rotated = { app, changes: [], commands: [], notes: inProjects }
      try {
        const views = (await renew(clientApp(app), place)).map(viewPlan)
        return {
          ...rotated,
          changes: views.flatMap((view) => view.changes),
          commands: views.flatMap((view) => view.commands),
        }
      } catch (thrown) {
        return { ...rotated, failure: toFailure(thrown) }
      }
    },

    async link({ app, connection }) {
      const known = clientApp(app)
      if (!known.link) throw new BridgeError('clients.no_link', known.name)
      const id = connection === undefined ? undefined : connections.get(connection).id
      const url = linkFor(known, { connection: id, target: await targets.of(known, id) })
      if (url === undefined) throw new BridgeError('clients.no_link', known.name)
      return { url }
    },

    async importable({ app, place }) {
      const { importable, leftOver, unreadable } = await look(app, place)
      return {
        servers: importable.map(viewImportable),
        leftOver: leftOver.flatMap(({ files }) => files.map(({ path }) => path)),
        unreadable: [...unreadable],
      }
    },

    async import({ app, path, name, values, place }, signal) {
      const { importable } = await look(app, place)
      const item = importable.find((candidate) => candidate.path === path && candidate.entry.name === name)
      if (!item) throw new BridgeError('clients.not_importable', 'it is not in the file any more')
      const { outcome } = item
      if ('code' in outcome) throw new BridgeError(outcome.code, outcome.detail)
      // An app that cannot be pointed at the bridge afterwards gains nothing from a connection.
      await targets.of(clientApp(app), outcome.id)
      const given = new Map(values.map((header) => [header.name, new Secret(header.value)]))
      // First: an app with an entry for all connections has a new one at once, and what it could not see before it never sees.
      const show = await hide(app, outcome.id, item.denyTools)
      if (outcome.exists) return { connection: connections.get(outcome.id).view }
      try {
        return await add(connectionOf(outcome, given), signal)
      } catch (thrown) {
        await show()
        throw thrown
      }
    },
  }
}

/** The home and the variables of the face, for the commands of client apps. */
function environmentOf({ home, env = {} }: ClientPlace): ProgramEnvironment {
  return { ...env, ...(home === undefined ? {} : { HOME: home, USERPROFILE: home }) }
}
