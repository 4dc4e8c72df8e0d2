import { onTestFinished } from 'vitest'
import { createServerChannels } from '../../../bridge/server-channels.ts'
import { createEraMemory } from '../../support/era-memory.ts'
import type { Upstream } from '../../../bridge/connections/upstream.ts'
import {
  createGateway,
  type Gateway,
  type GatewayOptions,
  type HostingOptions,
} from '../../../bridge/gateway/gateway.ts'
import type { HostTimes } from '../../../bridge/hosting/host.ts'
import type { ServerEra } from '../../../bridge/translation/era.ts'
import { openGate } from '../access/open-gate.ts'
import { accessTo, recordLog, type TestAccess } from '../gateway/support.ts'

/** The keys of two client apps. */
export const keys = { one: 'the-client-key-of-app-one', two: 'the-client-key-of-app-two' } as const

export interface HostedSceneOptions {
  /** What is known of the server, or `found` for what is found out; by default what makes the gateway end MCP for clients of both eras. */
  readonly era?: ServerEra | 'found' | undefined
  readonly access?: Partial<Upstream>
  readonly hosting?: Partial<HostingOptions>
  readonly maxRequestBytes?: number
  readonly gate?: GatewayOptions['gate']
}

/** Times that leave everything alone, but for what a test sets. */
export function times(own: Partial<HostTimes>): HostTimes {
  return { beatMs: 60_000, stallMs: 60_000, sessionMs: 60_000, sharedMs: 60_000, now: () => 0, ...own }
}

/** A gateway that ends MCP in front of one connection, `remote`, with real channels behind it. */
export interface HostedScene {
  readonly gateway: Gateway
  readonly port: number
  readonly access: TestAccess
  /** The path of an app's endpoint. */
  path(app?: keyof typeof keys, connection?: string): string
  url(app?: keyof typeof keys): URL
  /** Takes the connection away. */
  remove(): void
}

/** Serves a remote server to two client apps through the host. All of it is closed after the test. */
export async function serveHosted(remote: URL, options: HostedSceneOptions = {}): Promise<HostedScene> {
  const log = recordLog()
  const access = accessTo(remote, options.access)
  let connection: Upstream | undefined = access
  const upstreams = { get: (id: string) => (id === 'remote' ? connection : undefined) }
  const maxRequestBytes = options.maxRequestBytes ?? 1024 * 1024
  const eras = createEraMemory()
  const channels = createServerChannels({
    upstreams,
    eras,
    mostMessageBytes: () => 64 * 1024 * 1024,
    log,
  })
  const era = 'era' in options ? options.era : 'sse'
  const gateway = createGateway({
    gate: options.gate ?? openGate().gate,
    upstreams,
    clients: {
      clientOf: (key) => (key === keys.one ? 'App One' : key === keys.two ? 'App Two' : undefined),
    },
    settings: () => ({ 'gateway.maxRequestBytes': maxRequestBytes }),
    log,
    hosting: {
      openConnection: (id, client) => channels.open(id, client),
      eras: era === 'found' ? eras : { eraOf: () => era },
      ...options.hosting,
    },
  })
  const port = await gateway.listen('127.0.0.1', 0)
  onTestFinished(async () => {
    await gateway.close()
    channels.close()
  })
  const path: HostedScene['path'] = (app = 'one', id = 'remote') => `/${keys[app]}/${id}/mcp`
  return {
    gateway,
    port,
    access,
    path,
    url: (app) => new URL(path(app), `http://127.0.0.1:${port}`),
    remove() {
      connection = undefined
      access.end()
    },
  }
}
