import type { Connection as ConnectionView } from '../shared/connection.ts'
import type { BridgeStatus } from '../shared/control.ts'
import { BridgeError, toFailure } from '../shared/errors.ts'
import type { SignInEvent } from '../shared/events.ts'
import type { Settings } from '../shared/settings.ts'
import { createAccessHandlers, type Access } from './access/access.ts'
import type { ActivityLog } from './activity/activity.ts'
import type { ClientParts } from './clients/handlers.ts'
import type { Connection } from './connections/connection.ts'
import type { Connections } from './connections/connections.ts'
import type { ControlHandlers } from './control/handlers.ts'
import type { Doctor } from './doctor.ts'
import type { EventHub } from './event-hub.ts'
import { countsIn, toolsIn } from './last-known/for-faces.ts'
import type { Memory } from './last-known/memory.ts'
import { callTool, listTools } from './local-client.ts'
import type { Browser } from './ports.ts'

/** What the control API is made of. */
export interface HandlerParts {
  readonly connections: Connections
  readonly events: EventHub
  readonly memory: Pick<Memory, 'of'>
  readonly access: Access
  readonly activity: ActivityLog
  readonly browser: Browser
  readonly doctor: Doctor
  readonly settings: { current(): Settings; set(key: string, value: string): Promise<Settings> }
  status(): BridgeStatus
  /** The local URL of a connection for a client app, whose key is made with its first use. */
  endpoint(connection: string | undefined, client: string): Promise<string>
  /** What the procedures for client apps need besides. */
  readonly clients: Omit<ClientParts, 'connections' | 'add' | 'policies'>
  /** The address of the page, which lets one browser in. */
  invite(): URL
  /** Ends the bridge, after the answer to this call is out. */
  stop(): void
}

/** The client app as which the CLI's own calls come. */
const ownClient = 'bridgekeeper'

/** Every procedure of the control API, in plain functions. */
export function createHandlers(parts: HandlerParts): ControlHandlers {
  const { connections, events, activity, memory, browser, doctor, settings } = parts
  const withLists = (connection: Connection): ConnectionView => {
    const lists = countsIn(memory.of(connection.id))
    return { ...connection.view, ...(lists ? { lists } : {}) }
  }
  const add: ControlHandlers['connections']['add'] = async (wish) => {
    connections.check(wish)
    const hasKey = wish.bearer !== undefined || (wish.headers?.length ?? 0) > 0
    const look = hasKey ? undefined : await connections.look(wish.url, wish)
    // What the person can mend at once is better mended before there is a connection.
    if (look?.failure?.code === 'server.not_mcp') throw new BridgeError('server.not_mcp', look.failure.detail)
    const connection = await connections.add(wish, { open: look?.asks === 'none' })
    return { connection: connection.view, ...(look ? { look } : {}) }
  }
  return {
    bridge: {
      status: async () => parts.status(),
      async stop() {
        parts.stop()
        return {}
      },
      doctor: async ({ target }) => await doctor.examine(target),
    },
    connections: {
      list: async () => connections.list().map(withLists),
      get: async ({ id }) => withLists(connections.get(id)),
      look: async ({ url }) => await connections.look(url),
      add,
      signIn: ({ id, scopes, openBrowser }, signal) =>
        signIn(connections.get(id), scopes, openBrowser ? browser : undefined, signal),
      async cancelSignIn({ id }) {
        const connection = connections.get(id)
        connection.cancelSignIn()
        return connection.view
      },
      async finishSignIn({ id, callbackUrl }) {
        const connection = connections.get(id)
        await connection.finishSignIn(callbackUrl)
        return connection.view
      },
      trace: async ({ id }) => connections.get(id).trace ?? null,
      revoke: async ({ id }) => await connections.get(id).revoke(),
      remove: async ({ id }) => await connections.remove(id),
      endpoint: async ({ id, client }) => ({
        url: await parts.endpoint(id === undefined ? undefined : connections.get(id).id, client),
      }),
      async tools({ id }, signal) {
        // First, since the endpoint has lists for a connection that is not signed in too.
        await connections.get(id).credentials()
        return await listTools(await parts.endpoint(id, ownClient), signal)
      },
      knownTools: async ({ id }) => toolsIn(memory.of(connections.get(id).id)) ?? null,
      call: async ({ id, tool, arguments: args }, signal) =>
        await callTool(await parts.endpoint(connections.get(id).id, ownClient), tool, args, signal),
    },
    clients: loadingClients({ ...parts.clients, policies: parts.access.policies, connections, add }),
    ...createAccessHandlers(parts.access, connections),
    page: { invite: async () => ({ url: parts.invite().href }) },
    activity: {
      list: (query, signal) => activity.list(query, signal),
      follow: (filter, signal) => activity.follow(filter, signal),
      payloads: async () => activity.payloads(),
      async setPayloads({ connection, on }) {
        await activity.setPayloads(connections.get(connection).id, on)
        return activity.payloads()
      },
      clear: async ({ connection }) => ({ bytes: await activity.clear(connection) }),
    },
    settings: {
      get: async () => settings.current(),
      set: async ({ key, value }) => await settings.set(key, value),
    },
    events: (_, signal) => events.subscribe(signal),
  }
}

/** The procedures for client apps; the first request loads what is behind them. */
function loadingClients(parts: ClientParts): ControlHandlers['clients'] {
  let loaded: Promise<ControlHandlers['clients']> | undefined
  const load = (): Promise<ControlHandlers['clients']> => {
    loaded ??= import('./clients/handlers.ts').then(({ createClientHandlers }) => createClientHandlers(parts))
    return loaded
  }
  return {
    list: async (input, signal) => (await load()).list(input, signal),
    plan: async (input, signal) => (await load()).plan(input, signal),
    apply: async (input, signal) => (await load()).apply(input, signal),
    rotateKey: async (input, signal) => (await load()).rotateKey(input, signal),
    link: async (input, signal) => (await load()).link(input, signal),
    importable: async (input, signal) => (await load()).importable(input, signal),
    import: async (input, signal) => (await load()).import(input, signal),
  }
}

/** One sign-in as events. It goes on when the face that asked goes away: the browser may still come back. */
async function* signIn(
  connection: Connection,
  scopes: readonly string[] | undefined,
  browser: Browser | undefined,
  signal: AbortSignal,
): AsyncGenerator<SignInEvent> {
  const left = new Promise<'left'>((resolve) => {
    signal.addEventListener('abort', () => resolve('left'), { once: true })
    if (signal.aborted) resolve('left')
  })
  try {
    if (connection.view.status === 'connected' && connection.usesKey) {
      yield { event: 'connected', connection: connection.view }
      return
    }
    const { page, done } = connection.signIn(scopes)
    const url = await Promise.race([page, left])
    if (url === 'left') return
    if (url) {
      const opened = browser ? await opens(browser, url) : false
      yield { event: 'authorize', url: url.href, opened }
    }
    if ((await Promise.race([done, left])) === 'left') return
    yield { event: 'connected', connection: connection.view }
  } catch (thrown) {
    const { code, detail } = toFailure(thrown)
    yield { event: 'failed', code, ...(detail === undefined ? {} : { detail }) }
  }
}

async function opens(browser: Browser, url: URL): Promise<boolean> {
  try {
    await browser.open(url)
    return true
  } catch {
    return false
  }
}
