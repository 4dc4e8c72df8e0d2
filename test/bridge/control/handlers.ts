import type { BridgeStatus } from '../../../shared/control.ts'
import { Connection } from '../../../shared/connection.ts'
import { BridgeError } from '../../../shared/errors.ts'
import type { ControlHandlers } from '../../../bridge/control/handlers.ts'
import type { Log } from '../../../bridge/ports.ts'
import { Settings } from '../../../shared/settings.ts'

export const status: BridgeStatus = {
  version: '0.0.0',
  pid: process.pid,
  url: 'http://127.0.0.1:1',
  home: '/somewhere',
  keyStore: 'key-file',
  startedAt: 1,
  connections: 0,
}

export const connection = Connection.parse({
  id: 'linear',
  url: 'https://mcp.example.com/mcp',
  auth: 'oauth',
  status: 'connected',
  scopes: { asked: ['read'], granted: ['read'] },
  renews: true,
  createdAt: 1,
})

/** An implementation of the contract in which everything is unknown; tests put in what they need. */
export function handlersWith(parts: {
  bridge?: Partial<ControlHandlers['bridge']>
  connections?: Partial<ControlHandlers['connections']>
  clients?: Partial<ControlHandlers['clients']>
  access?: Partial<ControlHandlers['access']>
  approvals?: Partial<ControlHandlers['approvals']>
  activity?: Partial<ControlHandlers['activity']>
  settings?: Partial<ControlHandlers['settings']>
  events?: ControlHandlers['events']
}): ControlHandlers {
  const unknown = async (): Promise<never> => {
    throw new BridgeError('connection.unknown')
  }
  return {
    bridge: { status: async () => status, stop: async () => ({}), doctor: async () => [], ...parts.bridge },
    connections: {
      list: async () => [connection],
      get: unknown,
      look: unknown,
      add: unknown,
      signIn: async function* () {
        yield { event: 'connected', connection }
      },
      cancelSignIn: unknown,
      finishSignIn: unknown,
      trace: async () => null,
      revoke: unknown,
      remove: async () => null,
      endpoint: unknown,
      tools: async () => [],
      knownTools: async () => null,
      call: unknown,
      ...parts.connections,
    },
    clients: {
      list: async () => [],
      plan: unknown,
      apply: unknown,
      rotateKey: unknown,
      link: unknown,
      importable: async () => ({ servers: [], leftOver: [], unreadable: [] }),
      import: unknown,
      ...parts.clients,
    },
    page: { invite: unknown },
    access: { list: async () => [], get: unknown, set: unknown, ...parts.access },
    approvals: { list: async () => [], answer: unknown, ...parts.approvals },
    activity: {
      list: async () => ({ records: [], next: null }),
      follow: async function* () {},
      payloads: async () => [],
      setPayloads: async () => [],
      clear: async () => ({ bytes: 0 }),
      ...parts.activity,
    },
    settings: { get: async () => Settings.parse({}), set: async () => Settings.parse({}), ...parts.settings },
    events: parts.events ?? async function* () {},
  }
}

/** A log port that keeps its lines. */
export function recordedLog(): { log: Log; lines: string[] } {
  const lines: string[] = []
  const at = (level: string) => (message: string, fields?: Record<string, unknown>) => {
    lines.push(JSON.stringify({ level, message, ...fields }))
  }
  return { log: { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }, lines }
}
